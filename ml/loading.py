"""Models into memory: safetensors only, no code from the model's folder, fingerprints compared first."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging

from ml.linear import use_onednn
from ml.phrases import Phrase, gettext_noop
from ml.prompting import Tokenizer
from ml.store import ModelRef

TRUST_REMOTE_CODE = False

# Its notes are for people who train by hand; what matters becomes an error or an event here.
logging.set_verbosity_error()
logging.disable_progress_bar()


class ModelError(RuntimeError):
    """A model cannot be loaded or does not fit its tokenizer; the message is a sentence."""

    code = "model"


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready to answer, with its tokenizer. `longest` is the number of positions it can hold."""

    model: PreTrainedModel | PeftModel
    tokenizer: Tokenizer
    longest: int
    device: torch.device


def best_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def use_threads(threads: int) -> int:
    """Set the number of computing threads: `threads`, or with 0 the physical cores this process may use."""
    allowed = len(os.sched_getaffinity(0))
    chosen = threads or min(psutil.cpu_count(logical=False) or allowed, allowed)
    torch.set_num_threads(chosen)
    return chosen


def load_base(folder: Path | str, *, dtype: torch.dtype = torch.float32, **options: Any) -> PreTrainedModel:
    """Load base weights from a folder; `options` go to the model library. Raises ModelError."""
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=TRUST_REMOTE_CODE,
            dtype=dtype,
            **options,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(
            Phrase(
                gettext_noop("The model in %(folder)s cannot be loaded: %(reason)s"),
                folder=str(folder),
                reason=str(error),
            )
        ) from error
    use_onednn(model)
    return model


def load_model(
    ref: ModelRef, *, verify: bool = True, dtype: torch.dtype = torch.float32, device: torch.device | None = None
) -> LoadedModel:
    """Load a referenced model for answering, its adapter merged into the weights.

    Raises FingerprintError or UnsafeModelError if the folder is not what was promised, ModelError if it cannot be used.
    """
    if verify:
        ref.verify()
    tokenizer = Tokenizer.load(ref.path)
    model: Any = load_base(ref.path, dtype=dtype)
    check_fits(model, tokenizer)
    if ref.adapter:
        model = PeftModel.from_pretrained(model, ref.adapter, local_files_only=True, use_safetensors=True)
        model = model.merge_and_unload()
    chosen = device or best_device()
    model = model.to(chosen).eval()
    return LoadedModel(model, tokenizer, longest_context(model), chosen)


def check_fits(model: PreTrainedModel, tokenizer: Tokenizer) -> None:
    """Raise ModelError if the tokenizer has more tokens than the model has embeddings."""
    embeddings: Any = model.get_input_embeddings()
    rows = embeddings.weight.shape[0]
    if tokenizer.vocabulary_size > rows:
        raise ModelError(
            Phrase(
                gettext_noop(
                    "The tokenizer knows %(known)d tokens, but the model has embeddings for %(rows)d. "
                    "Tokenizer and model do not belong together."
                ),
                known=tokenizer.vocabulary_size,
                rows=rows,
            )
        )


def longest_context(model: PreTrainedModel | PeftModel) -> int:
    """The number of positions that the model can hold."""
    config = model.config
    return int(getattr(config, "max_position_embeddings", 0) or getattr(config, "n_positions", 0) or 2048)
