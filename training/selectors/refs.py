"""Where a model lies and by what fingerprints it is known, in the shape that every child and the model server take."""

from typing import Any

from django.conf import settings

from ml.store import ModelRef
from training.models import BaseModel, ModelVersion


def model_ref(base: BaseModel, model_version: ModelVersion | None = None) -> dict[str, Any]:
    """The JSON form of ml.store.ModelRef: the base alone, or what a run made of it.

    An adapter needs its base's weights; a fully trained version stands on its own.
    """
    path, adapter, fingerprint = folder_of(base), None, base.fingerprint
    if model_version is not None and model_version.method == "lora":
        adapter = folder_of(model_version)
    elif model_version is not None:
        path, fingerprint = folder_of(model_version), model_version.fingerprint
    return ModelRef(path, adapter, fingerprint, base.tokenizer_fingerprint).to_json()


def folder_of(model: BaseModel | ModelVersion) -> str:
    return str(settings.MODEL_STORE / model.folder)
