"""The model version folder: everything that is needed to use, check and explain what a training made."""

from __future__ import annotations

import json
import platform
import shutil
from pathlib import Path
from typing import Any

import peft
import torch
import transformers
from peft import PeftModel

from ml.atomic import new_folder, write_json, write_text
from ml.hashing import folder_manifest
from ml.recipe import TEXT, Recipe
from ml.rundir import RunSpec
from ml.store import ModelRef, fingerprint, tokenizer_fingerprint
from ml.train.methods import METHODS
from ml.train.trainer import save_weights

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")


def write_result(model: Any, spec: RunSpec, folder: Path, numbers: dict[str, Any]) -> dict[str, Any]:
    """Write the model version into `folder` in one step.

    Returns what DONE says about it: `fingerprint`, `sha256` by file, and `model`, the reference under which it can be
    asked. `numbers` (losses, steps, times) go into lineage and card. A pretraining makes a base model that stands
    alone: an adapter is merged into the weights.
    """
    assert spec.recipe is not None
    adapter = is_adapter(spec.recipe)
    if spec.recipe.objective == TEXT and isinstance(model, PeftModel):
        model = model.merge_and_unload()
    base = _base_facts(Path(spec.model.path))
    with new_folder(folder) as place:
        _save_weights(model, place, base["name"], adapter=adapter)
        for name in _TOKENIZER_FILES:
            source = Path(spec.model.path) / name
            if source.is_file():
                shutil.copyfile(source, place / name)
        if adapter is False and (Path(spec.model.path) / "generation_config.json").is_file():
            shutil.copyfile(Path(spec.model.path) / "generation_config.json", place / "generation_config.json")
        own = fingerprint(place)
        write_json(place / "template.json", spec.template.to_json())
        write_json(place / "recipe.json", spec.recipe.to_json())
        write_json(place / "lineage.json", _lineage(spec, numbers))
        write_text(place / "README.md", _card(spec, base, numbers))
        write_json(place / "apprentice.json", _facts(spec, base, own, place))
        digests = {name: entry["sha256"] for name, entry in folder_manifest(place).items()}
    place = folder.resolve()
    reference = (
        ModelRef(spec.model.path, str(place), spec.model.fingerprint, spec.model.tokenizer_fingerprint)
        if adapter
        else ModelRef(str(place), None, own, spec.model.tokenizer_fingerprint)
    )
    return {"fingerprint": own, "sha256": digests, "model": reference.to_json()}


def is_adapter(recipe: Recipe) -> bool:
    """Whether the result of this recipe needs its base model beside it."""
    return METHODS[recipe.method].adapter and recipe.objective != TEXT


def _save_weights(model: Any, place: Path, base_name: str, *, adapter: bool) -> None:
    if adapter:
        # An absolute path of this machine would mean nothing elsewhere; the base is known by its fingerprint.
        for config in model.peft_config.values():
            config.base_model_name_or_path = base_name
            # A set is written in another order each time; equal adapters must have equal files.
            config.target_modules = sorted(config.target_modules)
    save_weights(model, place)


def _base_facts(base: Path) -> dict[str, Any]:
    path = base / "apprentice.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {"name": found.get("name") or base.name, "licence": found.get("licence", ""), **found}


def _facts(spec: RunSpec, base: dict[str, Any], own: str, place: Path) -> dict[str, Any]:
    assert spec.recipe is not None
    assert spec.data is not None
    return {
        "format": 1,
        "kind": _kind(spec.recipe),
        **({"name": spec.provenance.get("name") or base["name"]} if spec.recipe.objective == TEXT else {}),
        "method": spec.recipe.method,
        "run_id": spec.run_id,
        "fingerprint": own,
        "base_name": base["name"],
        "base_fingerprint": spec.model.fingerprint,
        "licence": base["licence"],
        "remark": base.get("remark", ""),
        "tokenizer_fingerprint": tokenizer_fingerprint(place),
        "template_fingerprint": spec.template.fingerprint,
        "dataset_version": spec.data.dataset_version,
    }


def _kind(recipe: Recipe) -> str:
    if recipe.objective == TEXT:
        return "base"
    return "adapter" if is_adapter(recipe) else "model"


def _lineage(spec: RunSpec, numbers: dict[str, Any]) -> dict[str, Any]:
    assert spec.data is not None
    return {
        "run_id": spec.run_id,
        "base": spec.model.to_json(),
        "data": {
            "dataset_version": spec.data.dataset_version,
            "sha256": spec.data.sha256,
            "counts": spec.data.counts,
        },
        "provenance": spec.provenance,
        "numbers": numbers,
        "software": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "peft": peft.__version__,
            "machine": platform.machine(),
        },
    }


def _card(spec: RunSpec, base: dict[str, Any], numbers: dict[str, Any]) -> str:
    """A model card: what this is, what it was made of, how it did."""
    assert spec.recipe is not None
    assert spec.data is not None
    remark = f" ({base['remark']})" if base.get("remark") else ""
    counts = ", ".join(f"{count} {name}" for name, count in spec.data.counts.items()) or "not stated"
    text = spec.recipe.objective == TEXT
    part = "held-out text" if text else "develop part"
    losses = [
        f"- Loss on the {part} before: {_number(numbers['develop_loss_before'])}",
        f"- Loss on the {part} after: {_number(numbers['develop_loss_after'])}",
        *([f"- Bits per byte of held-out text, before: {_number(numbers.get('bits_per_byte_before'))}, "
           f"after: {_number(numbers.get('bits_per_byte_after'))}"] if text else []),
        f"- Loss on the training part, last steps: {_number(numbers['train_loss'])}",
    ]  # fmt: skip
    data = "corpus" if text else "dataset version"
    return "\n".join(
        [
            f"# {base['name']}, {'pretrained' if text else 'finetuned'} in run {spec.run_id}",
            "",
            f"- Base model: {base['name']}{remark}, licence {base['licence'] or 'not stated'}",
            f"- Method: {spec.recipe.method}",
            f"- Data: {data} {spec.data.dataset_version or 'not stated'} ({counts})",
            f"- Steps: {numbers['final_step']}, tokens seen: {numbers['tokens_trained']}",
            *losses,
            "",
            f"The losses are in nats a {'' if text else 'response '}token, end token included. "
            "`recipe.json` holds every setting,",
            "`template.json` the prompt that the model must be asked with, `lineage.json` where it comes from,",
            "`apprentice.json` the fingerprints.",
            "",
        ]
    )


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.4f}"
