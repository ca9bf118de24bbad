"""Looking into a model folder before it is registered: is it safe, does it load, does its tokenizer fit?

Names and shapes come from the safetensors headers and are compared with what the architecture expects; only then are
the weights loaded, once, to see whether words come out. Importing this module imports transformers.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import psutil
import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig, AutoModelForCausalLM

from ml.loading import TRUST_REMOTE_CODE, ModelError, load_base
from ml.phrases import Phrase, beside, gettext_noop, sentence_of
from ml.prompting import Tokenizer, TokenizerError
from ml.speed import measure_speed
from ml.store import UnsafeModelError, check_safe_folder, fingerprint
from ml.template_trial import try_chat_template

_WORDS, _NEW_TOKENS = "The first thing to know is", 12
_MOST_MEMORY = 0.7  # of what is free


class _Refused(Exception):
    def __init__(self, code: str, template: str, **values: Any) -> None:
        super().__init__(Phrase(template, **values))
        self.code = code


def inspect_model(folder: Path | str) -> dict[str, Any]:
    """Facts about a model folder and every problem found.

    `ok` is True when nothing forbids registering it; `problems` are {"code", "blocking", "sentence"} and what the
    sentence was made of. The facts:
    architecture, parameters, bytes, longest (positions), vocabulary (tokens), embedding_rows, eos_token,
    chat_template, fingerprint, tokenizer_fingerprint, template_fingerprint, speed (of ml.speed), and what the folder
    says of itself.
    """
    root = Path(folder).resolve()
    facts: dict[str, Any] = {"path": str(root)}
    problems: list[dict[str, Any]] = []
    try:
        _inspect(root, facts, problems)
    except UnsafeModelError as error:
        problems.append(_problem("unsafe", sentence_of(error)))
    except TokenizerError as error:
        problems.append(_problem("tokenizer", sentence_of(error)))
    except ModelError as error:
        problems.append(_problem("weights", sentence_of(error)))
    except _Refused as error:
        problems.append(_problem(error.code, sentence_of(error)))
    return {**facts, "ok": not any(problem["blocking"] for problem in problems), "problems": problems}


def _inspect(root: Path, facts: dict[str, Any], problems: list[dict[str, Any]]) -> None:
    check_safe_folder(root)
    settings = _settings(root)
    shapes = _tensor_shapes(root)
    facts["architecture"] = (settings.get("architectures") or [""])[0]
    facts["parameters"] = sum(_size(shape) for shape in shapes.values())
    facts["bytes"] = sum(path.stat().st_size for path in root.glob("*.safetensors"))
    tokenizer = Tokenizer.load(root)
    facts["vocabulary"] = tokenizer.vocabulary_size
    facts["eos_token"] = tokenizer.eos_token
    facts["tokenizer_fingerprint"] = tokenizer.fingerprint
    facts["template_fingerprint"] = tokenizer.template_fingerprint
    facts["fingerprint"] = fingerprint(root)
    own = root / "apprentice.json"
    facts["about"] = json.loads(own.read_text(encoding="utf-8")) if own.is_file() else {}
    facts["licence"], facts["card"] = _licence(root), (root / "README.md").is_file()
    _compare(root, shapes, facts, tokenizer)
    trial = try_chat_template(root)
    facts["chat_template"] = {"present": trial.present, "passed": trial.passed, "refuses": list(trial.refuses)}
    if not trial.passed:
        problems.append(_problem("chat_template", trial.reason))
    elif not trial.present:
        text = gettext_noop("The model has no chat template; only templates of the kind text can be used with it.")
        problems.append(_problem("no_chat_template", Phrase(text), blocking=False))
    _try_words(root, facts, tokenizer, problems)


def measured(folder: Path) -> dict[str, Any]:
    """The speed (of ml.speed) of a model that was examined before; empty if it does not fit into the memory now."""
    check_safe_folder(folder)
    parameters = sum(_size(shape) for shape in _tensor_shapes(folder).values())
    if not _fits(parameters):
        return {}
    return measure_speed(load_base(folder).eval(), Tokenizer.load(folder).vocabulary_size)


def _fits(parameters: int) -> bool:
    return parameters * 4 <= psutil.virtual_memory().available * _MOST_MEMORY


def _settings(root: Path) -> dict[str, Any]:
    path = root / "config.json"
    if not path.is_file():
        raise _Refused("config", gettext_noop("The folder has no config.json, so it is not a model folder."))
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise _Refused(
            "config", gettext_noop("config.json is not valid JSON: %(reason)s."), reason=str(error)
        ) from error
    if not isinstance(settings, dict):
        raise _Refused("config", gettext_noop("config.json must hold a JSON object."))
    if "auto_map" in settings:
        text = gettext_noop(
            "config.json asks for program code of the model's author (auto_map). Only architectures that are built in "
            "can be used."
        )
        raise _Refused("remote_code", text)
    if "quantization_config" in settings:
        text = gettext_noop("The weights are quantized. Register the model's ordinary weights instead.")
        raise _Refused("quantized", text)
    return settings


def _tensor_shapes(root: Path) -> dict[str, tuple[int, ...]]:
    paths = sorted(root.glob("*.safetensors"))
    if not paths:
        raise _Refused("weights", gettext_noop("The folder has no weights in the safetensors format."))
    shapes: dict[str, tuple[int, ...]] = {}
    for path in paths:
        try:
            with safe_open(path, framework="np") as file:
                shapes |= {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            text = gettext_noop("%(file)s is not a complete safetensors file: %(reason)s.")
            raise _Refused("weights", text, file=path.name, reason=str(error)) from error
    return shapes


def _compare(root: Path, shapes: dict[str, tuple[int, ...]], facts: dict[str, Any], tokenizer: Tokenizer) -> None:
    """Build the architecture without memory and compare it with the files."""
    try:
        config = AutoConfig.from_pretrained(root, local_files_only=True, trust_remote_code=TRUST_REMOTE_CODE)
        with torch.device("meta"):
            model: Any = AutoModelForCausalLM.from_config(config, trust_remote_code=TRUST_REMOTE_CODE)
    except Exception as error:  # whatever a library makes of a foreign configuration
        text = gettext_noop("This model's architecture cannot be used: %(reason)s")
        raise _Refused("architecture", text, reason=str(error)) from error
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
        raise _Refused("weights", text, count=len(missing), name=missing[0])
    wrong = [name for name, shape in found.items() if shape is not None and shape != expected[name]]
    if wrong:
        text = gettext_noop("%(count)d tensors have another shape than config.json says, e.g. %(name)s.")
        raise _Refused("weights", text, count=len(wrong), name=wrong[0])
    if tokenizer.vocabulary_size > rows:
        text = gettext_noop("The tokenizer knows %(known)d tokens, but the model has embeddings for %(rows)d.")
        raise _Refused("vocabulary", text, known=tokenizer.vocabulary_size, rows=rows)
    beyond = [each for each in tokenizer.stop_ids if each >= tokenizer.vocabulary_size]
    if beyond:
        text = gettext_noop(
            "generation_config.json ends answers with token %(token)d, which the tokenizer does not have."
        )
        raise _Refused("special_tokens", text, token=beyond[0])


def _licence(root: Path) -> str:
    """What the card names (`license: …` at its top), else "see LICENSE" if there is such a file."""
    card = root / "README.md"
    if card.is_file():
        head = card.read_text(encoding="utf-8", errors="replace")[:4000]
        found = re.search(r"(?mi)^license:[ \t]*([\w.+-]{2,60})[ \t]*$", head) if head.startswith("---") else None
        if found:
            return found.group(1)
    kept = sorted(path.name for path in root.glob("LICEN[SC]E*"))
    return f"see {kept[0]}" if kept else ""


def _try_words(root: Path, facts: dict[str, Any], tokenizer: Tokenizer, problems: list[dict[str, Any]]) -> None:
    """Load the weights once and let the model go on with a few words, unless it is too large for this machine."""
    if not _fits(facts["parameters"]):
        text = gettext_noop(
            "The model is too large to be tried in the memory that is free here; nothing was generated."
        )
        problems.append(_problem("not_tried", Phrase(text), blocking=False))
        return
    model: Any = load_base(root).eval()
    ids = torch.tensor([tokenizer.encode(_WORDS) or [tokenizer.eos_id]])
    with torch.no_grad():
        for _ in range(_NEW_TOKENS):
            logits = model(input_ids=ids).logits[0, -1, : tokenizer.vocabulary_size]
            if not torch.isfinite(logits).all():
                raise _Refused(
                    "not_a_number", gettext_noop("The weights give no numbers: the model cannot say a word.")
                )
            ids = torch.cat([ids, logits.argmax()[None, None]], dim=1)
    facts["trial"] = {"prompt": _WORDS, "text": tokenizer.decode(ids[0].tolist())}
    facts["speed"] = measure_speed(model, tokenizer.vocabulary_size)


def _size(shape: tuple[int, ...]) -> int:
    product = 1
    for length in shape:
        product *= length
    return product


def _problem(code: str, sentence: str, *, blocking: bool = True) -> dict[str, Any]:
    return {"code": code, "blocking": blocking, "sentence": sentence, **beside(sentence)}
