"""Looking into a model folder before it is registered: is it safe, does it load, does its tokenizer fit?

What the files say of themselves comes first, so that a folder that is refused for them costs no import of torch;
`ml.inspection_weights` has the rest.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from ml.cli import load
from ml.phrases import Phrase, beside, gettext_noop, sentence_of
from ml.prompting import Tokenizer, TokenizerError
from ml.store import UnsafeModelError, check_safe_folder, fingerprint
from ml.template_trial import try_chat_template


class Refused(Exception):
    """What forbids registering the folder: a code, and a sentence or its template with the values."""

    def __init__(self, code: str, template: str, **values: Any) -> None:
        super().__init__(template if isinstance(template, Phrase) else Phrase(template, **values))
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
    except Refused as error:
        problems.append(_problem(error.code, sentence_of(error)))
    return {**facts, "ok": not any(problem["blocking"] for problem in problems), "problems": problems}


def _inspect(root: Path, facts: dict[str, Any], problems: list[dict[str, Any]]) -> None:
    check_safe_folder(root)
    settings = _settings(root)
    shapes = tensor_shapes(root)
    facts["architecture"] = (settings.get("architectures") or [""])[0]
    facts["parameters"] = sum(size_of(shape) for shape in shapes.values())
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
    weights = load("ml.inspection_weights")
    weights.compare(root, shapes, facts, tokenizer)
    trial = try_chat_template(root)
    facts["chat_template"] = {"present": trial.present, "passed": trial.passed, "refuses": list(trial.refuses)}
    if not trial.passed:
        problems.append(_problem("chat_template", trial.reason))
    elif not trial.present:
        text = gettext_noop("The model has no chat template; only templates of the kind text can be used with it.")
        problems.append(_problem("no_chat_template", Phrase(text), blocking=False))
    if not weights.fits(facts["parameters"]):
        text = gettext_noop(
            "The model is too large to be tried in the memory that is free here; nothing was generated."
        )
        problems.append(_problem("not_tried", Phrase(text), blocking=False))
        return
    weights.try_words(root, facts, tokenizer)


def _settings(root: Path) -> dict[str, Any]:
    path = root / "config.json"
    if not path.is_file():
        raise Refused("config", gettext_noop("The folder has no config.json, so it is not a model folder."))
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise Refused(
            "config", gettext_noop("config.json is not valid JSON: %(reason)s."), reason=str(error)
        ) from error
    if not isinstance(settings, dict):
        raise Refused("config", gettext_noop("config.json must hold a JSON object."))
    if "auto_map" in settings:
        text = gettext_noop(
            "config.json asks for program code of the model's author (auto_map). Only architectures that are built in "
            "can be used."
        )
        raise Refused("remote_code", text)
    if "quantization_config" in settings:
        text = gettext_noop("The weights are quantized. Register the model's ordinary weights instead.")
        raise Refused("quantized", text)
    return settings


def tensor_shapes(root: Path) -> dict[str, tuple[int, ...]]:
    paths = sorted(root.glob("*.safetensors"))
    if not paths:
        raise Refused("weights", gettext_noop("The folder has no weights in the safetensors format."))
    shapes: dict[str, tuple[int, ...]] = {}
    for path in paths:
        try:
            with safe_open(path, framework="np") as file:
                shapes |= {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            text = gettext_noop("%(file)s is not a complete safetensors file: %(reason)s.")
            raise Refused("weights", text, file=path.name, reason=str(error)) from error
    return shapes


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


def size_of(shape: tuple[int, ...]) -> int:
    product = 1
    for length in shape:
        product *= length
    return product


def _problem(code: str, sentence: str, *, blocking: bool = True) -> dict[str, Any]:
    return {"code": code, "blocking": blocking, "sentence": sentence, **beside(sentence)}
