"""The second half of an inspection: the architecture against the files, and a few words of the model itself.

Names and shapes are compared with what the architecture expects; only then are the weights loaded, once, to see whether
words come out. Importing this module imports transformers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from ml.inspection import Refused, size_of, tensor_shapes
from ml.loading import TRUST_REMOTE_CODE, ModelError, load_base
from ml.phrases import gettext_noop, sentence_of
from ml.prompting import Tokenizer
from ml.speed import measure_speed
from ml.store import check_safe_folder

_WORDS, _NEW_TOKENS = "The first thing to know is", 12
_MOST_MEMORY = 0.7  # of what is free


def compare(root: Path, shapes: dict[str, tuple[int, ...]], facts: dict[str, Any], tokenizer: Tokenizer) -> None:
    """Build the architecture without memory and compare it with the files."""
    try:
        config = AutoConfig.from_pretrained(root, local_files_only=True, trust_remote_code=TRUST_REMOTE_CODE)
        with torch.device("meta"):
            model: Any = AutoModelForCausalLM.from_config(config, trust_remote_code=TRUST_REMOTE_CODE)
    except Exception as error:  # whatever a library makes of a foreign configuration
        text = gettext_noop("This model's architecture cannot be used: %(reason)s")
        raise Refused("architecture", text, reason=str(error)) from error
    rows = int(model.get_input_embeddings().weight.shape[0])
    facts["longest"] = int(getattr(config, "max_position_embeddings", 0) or getattr(config, "n_positions", 0) or 0)
    facts["embedding_rows"] = rows
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    prefix = f"{model.base_model_prefix}."
    found = {name: shapes.get(name, shapes.get(name.removeprefix(prefix))) for name in expected}
    tied = set(getattr(model, "all_tied_weights_keys", None) or ())
    missing = [name for name, shape in found.items() if shape is None and name not in tied]
    if missing:
        text = gettext_noop("The weights lack %(count)d tensors, among them %(name)s.")
        raise Refused("weights", text, count=len(missing), name=missing[0])
    wrong = [name for name, shape in found.items() if shape is not None and shape != expected[name]]
    if wrong:
        text = gettext_noop("%(count)d tensors have another shape than config.json says, e.g. %(name)s.")
        raise Refused("weights", text, count=len(wrong), name=wrong[0])
    if tokenizer.vocabulary_size > rows:
        text = gettext_noop("The tokenizer knows %(known)d tokens, but the model has embeddings for %(rows)d.")
        raise Refused("vocabulary", text, known=tokenizer.vocabulary_size, rows=rows)
    beyond = [each for each in tokenizer.stop_ids if each >= tokenizer.vocabulary_size]
    if beyond:
        text = gettext_noop(
            "generation_config.json ends answers with token %(token)d, which the tokenizer does not have."
        )
        raise Refused("special_tokens", text, token=beyond[0])


def try_words(root: Path, facts: dict[str, Any], tokenizer: Tokenizer) -> None:
    """Load the weights once and let the model go on with a few words."""
    try:
        model: Any = load_base(root).eval()
    except ModelError as error:
        raise Refused("weights", sentence_of(error)) from error
    ids = torch.tensor([tokenizer.encode(_WORDS) or [tokenizer.eos_id]])
    with torch.no_grad():
        for _ in range(_NEW_TOKENS):
            logits = model(input_ids=ids).logits[0, -1, : tokenizer.vocabulary_size]
            if not torch.isfinite(logits).all():
                raise Refused("not_a_number", gettext_noop("The weights give no numbers: the model cannot say a word."))
            ids = torch.cat([ids, logits.argmax()[None, None]], dim=1)
    facts["trial"] = {"prompt": _WORDS, "text": tokenizer.decode(ids[0].tolist())}
    facts["speed"] = measure_speed(model, tokenizer.vocabulary_size)


def measured(folder: Path) -> dict[str, Any]:
    """The speed (of ml.speed) of a model that was examined before; empty if it does not fit into the memory now."""
    check_safe_folder(folder)
    parameters = sum(size_of(shape) for shape in tensor_shapes(folder).values())
    if not fits(parameters):
        return {}
    return measure_speed(load_base(folder).eval(), Tokenizer.load(folder).vocabulary_size)


def fits(parameters: int) -> bool:
    return parameters * 4 <= psutil.virtual_memory().available * _MOST_MEMORY
