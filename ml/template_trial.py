"""A model's chat template, tried once in a child process with limits before anything else renders with it.

The sandbox keeps a template from reaching our objects, but not from looping or filling the memory: the child's
processor time, memory and output are bounded, and it has no network.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from ml.cli import print_json
from ml.isolation import IsolationError, isolate
from ml.phrases import Phrase, beside, gettext_noop, sentence_of
from ml.prompting import ChatTemplateError, Example, Template, Tokenizer, TokenizerError, Turn, encode_pair, render

SECONDS = 3  # of a processor, for the template alone: on a busy machine that takes longer
_LOADING_SECONDS = 30  # of a processor, to read the tokenizer
_WAIT_SECONDS = 120  # a template waits for nothing, so one that takes this long got no processor
_MEMORY_BYTES = 1 << 30
_MOST_CHARACTERS = 200_000
_LONGER = gettext_noop("The chat template writes far more text than it was given.")
_OTHERWISE = gettext_noop("The chat template does not write question and answer as they stand.")
_ANSWER = "A roof keeps the rain out."
_TRIALS = (
    Example(id="plain", instruction="What is a roof for?", response=_ANSWER),
    Example(id="system", instruction="What is a roof for?", response=_ANSWER, system="Answer in one sentence."),
    Example(
        id="turns",
        instruction="And a wall?",
        response=_ANSWER,
        turns=(Turn("user", "What is a roof for?"), Turn("assistant", _ANSWER)),
    ),
    Example(id="odd", instruction="{{ 7 * 7 }} {% raw %} <b>&amp;</b> \u0000 \u202e مرحبا 🏠", response=_ANSWER),
)


@dataclass(frozen=True, slots=True)
class TrialResult:
    """`passed`, or why not in `reason`; `refuses` names the kinds of conversation the template refuses by itself."""

    present: bool
    passed: bool
    reason: str = ""
    refuses: tuple[str, ...] = ()


def try_chat_template(folder: Path | str) -> TrialResult:
    """Try the chat template of a model folder in a child process. Never raises for what the folder holds."""
    command = [sys.executable, "-m", "ml", "try-template", str(Path(folder).resolve())]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_WAIT_SECONDS, cwd=Path(__file__).parents[1], check=False
        )
    except subprocess.TimeoutExpired:
        text = gettext_noop("The chat template did not finish within %(seconds)d seconds.")
        return TrialResult(True, False, Phrase(text, seconds=_WAIT_SECONDS))
    if done.returncode < 0:
        text = gettext_noop("The chat template could not be tried: it took too much time or memory.")
        return TrialResult(True, False, Phrase(text))
    if done.returncode != 0:
        text = gettext_noop("The chat template could not be tried: %(reason)s.")
        return TrialResult(True, False, Phrase(text, reason=_last_line(done.stderr)))
    found = json.loads(done.stdout)
    said = found.pop("said", None)
    reason = Phrase.from_json(said) if said else found["reason"]
    return TrialResult(**{**found, "reason": reason, "refuses": tuple(found["refuses"])})


def _last_line(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300].rstrip(".") if lines else "…"


def _try(folder: Path) -> TrialResult:
    """Render every trial conversation; the plain one must work and be written as it stands."""
    try:
        tokenizer = Tokenizer.load(folder)
    except TokenizerError as error:
        return TrialResult(False, False, sentence_of(error))
    if not tokenizer.chat_template:
        return TrialResult(False, True)
    _allow_processor(SECONDS)
    refuses: list[str] = []
    for trial in _TRIALS:
        try:
            rendered = render(trial, Template(), tokenizer)
        except ChatTemplateError as error:
            if trial.id in ("plain", "odd"):
                return TrialResult(True, False, sentence_of(error))
            refuses.append(trial.id)
            continue
        if len(rendered.prompt) + len(rendered.response) > _MOST_CHARACTERS:
            return TrialResult(True, False, Phrase(_LONGER))
        problems = encode_pair(trial, Template(), tokenizer, 1 << 30).problems
        if trial.id == "plain" and {"prompt_mismatch", "response_changed"} & set(problems):
            return TrialResult(True, False, Phrase(_OTHERWISE))
    return TrialResult(True, True, "", tuple(refuses))


def _allow_processor(seconds: int) -> None:
    """End this process after so many more seconds of a processor."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    limit = math.ceil(spent.ru_utime + spent.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _try_command(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m ml try-template")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    try:
        isolate("forbidden")
    except IsolationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    _allow_processor(_LOADING_SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    found = _try(folder)
    print_json({**asdict(found), **beside(found.reason)})
    return 0


COMMANDS = {"try-template": _try_command}
