"""Where a model lies and by what fingerprints it is known, in the shape that every child and the model server take."""

from typing import Any

from django.conf import settings

from ml.recipe import ADAPTERS
from ml.store import ModelRef
from training.models import BaseModel, ModelVersion


def model_ref(base: BaseModel, model_version: ModelVersion | None = None) -> dict[str, Any]:
    """The JSON form of ml.store.ModelRef: the base alone, or what a run made of it.

    An adapter needs the weights it was trained beside; a version with weights of its own stands alone.
    """
    ground, fingerprint = ground_of(base, model_version)
    adapter = folder_of(model_version) if model_version and model_version.method in ADAPTERS else None
    return ModelRef(ground, adapter, fingerprint, base.tokenizer_fingerprint).to_json()


def ground_of(base: BaseModel, version: ModelVersion | None) -> tuple[str, str]:
    """Folder and fingerprint of the whole weights under a version: its own, those it went on from, or the base's."""
    while version is not None:
        if version.method not in ADAPTERS:
            return folder_of(version), version.fingerprint
        version = version.run.start
    return folder_of(base), base.fingerprint


def folder_of(model: BaseModel | ModelVersion) -> str:
    return str(settings.MODEL_STORE / model.folder)
