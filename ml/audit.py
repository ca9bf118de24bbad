"""What each pair becomes before anything is trained: tokens, labels, and what is left out. Needs no torch.

The audit uses the very function that training uses, so what it shows is what will be trained.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ml.cli import fail, print_json
from ml.hashing import json_sha256
from ml.phrases import gettext_noop
from ml.prompting import (
    PROBLEMS,
    EncodedPair,
    Example,
    Template,
    TemplateError,
    Tokenizer,
    TokenizerError,
    encode_pair,
    segments,
)
from ml.prompting.shapes import PARTS
from ml.rundir import RunSpec, SpecError

_QUANTILES = (0, 25, 50, 75, 90, 95, 99, 100)

FORMAT = 2

# What forbids a launch, as opposed to what only leaves a pair out. All but the first go away with the pairs at fault.
BLOCKING: dict[str, str] = {
    "nothing_to_train": gettext_noop("No pair of the part train can be used."),
    "shared_across_parts": gettext_noop(
        "The same question stands in the part train and in another part, so the model would be "
        "tested on what it was taught."
    ),
    "end_not_trained": gettext_noop("A pair does not end with an end token, so the model would not learn to stop."),
}

# What is worth knowing of a pair that is trained all the same; ml.prompting has more of these.
NOTES: dict[str, str] = {
    "at_limit": gettext_noop(
        "The pair nearly fills the limit for one example: a slightly longer one would be left out."
    ),
    "little_trained": gettext_noop(
        "Almost all of the pair is read and hardly anything learned: the answer is a tiny part of it."
    ),
    "repeated": gettext_noop("The same question with the same answer stands in the part train more than once."),
}
_AT_LIMIT, _LITTLE = 0.95, 0.03


@dataclass(frozen=True, slots=True)
class Seen:
    """What is kept of a pair that was looked at. `overflow` is by how many tokens it is too long; `taught` says that
    the model learns it."""

    id: str
    part: str
    tokens: int
    overflow: int
    taught: bool


@dataclass(slots=True)
class AuditReport:
    """The audit of one set of pairs; `to_json` is what pages and programs read."""

    max_tokens: int
    counts: Counter[str] = field(default_factory=Counter)
    usable: Counter[str] = field(default_factory=Counter)
    prompt_tokens: list[int] = field(default_factory=list)
    trained_tokens: list[int] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    shown: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    at_fault: dict[str, list[str]] = field(default_factory=dict)
    asked: dict[str, list[Seen]] = field(default_factory=dict)
    whole_seen: set[str] = field(default_factory=set)

    @property
    def blocking(self) -> list[str]:
        """Codes of BLOCKING that apply; a launch is refused unless this is empty."""
        nothing = ["nothing_to_train"] if not self.usable["train"] else []
        return nothing + [code for code in BLOCKING if self.at_fault.get(code)]

    def to_json(self) -> dict[str, Any]:
        trained, prompt = sum(self.trained_tokens), sum(self.prompt_tokens)
        totals = [a + b for a, b in zip(self.prompt_tokens, self.trained_tokens, strict=True)]
        by_code = Counter(row["code"] for row in self.rows)
        return {
            "format": FORMAT,
            "max_tokens": self.max_tokens,
            "counts": {part: self.counts[part] for part in PARTS},
            "usable": {part: self.usable[part] for part in PARTS},
            "tokens": {"prompt": prompt, "trained": trained, "total": prompt + trained},
            "share_trained": trained / (prompt + trained) if trained else 0.0,
            "quantiles": {"total": quantiles(totals), "response": quantiles(self.trained_tokens)},
            "problems": [
                {
                    "code": code,
                    "count": count,
                    "leaves_out": code in PROBLEMS and PROBLEMS[code].blocking,
                    "sentence": _sentence(code),
                }
                for code, count in by_code.most_common()
                if code not in BLOCKING
            ],
            "rows": self.rows,
            "at_fault": self.at_fault,
            "blocking": [{"code": code, "sentence": BLOCKING[code], "count": by_code[code]} for code in self.blocking],
            "launchable": not self.blocking,
            "segments": {key: [list(run) for run in runs] for key, runs in self.shown.items()},
        }


def audit_pairs(
    examples: Iterable[Example],
    template: Template,
    tokenizer: Tokenizer,
    max_tokens: int,
    *,
    show: Collection[str] = (),
    show_first: int = 0,
) -> AuditReport:
    """Audit pairs; `show` and the first `show_first` of the part train come with coloured segments.

    Token numbers count the usable pairs of the part train: what the model will really see.
    """
    report = AuditReport(max_tokens)
    for example in examples:
        encoded = encode_pair(example, template, tokenizer, max_tokens)
        taught = encoded.usable and example.part == "train"
        seen = Seen(example.id, example.part, len(encoded.ids), encoded.overflow, taught)
        _add(report, seen, encoded, tokenizer)
        _compare(report, example, seen)
        first = example.part == "train" and report.counts["train"] <= show_first
        if example.id in show or first:
            report.shown[example.id] = [(text, kind) for text, kind in segments(encoded, tokenizer, max_tokens)]
    _note_shared(report)
    return report


def quantiles(values: Sequence[int]) -> dict[str, int]:
    """Nearest-rank quantiles in percent ("0" is the least, "100" the most); empty for no values."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return {str(percent): ordered[round(last * percent / 100)] for percent in _QUANTILES} if ordered else {}


def _add(report: AuditReport, seen: Seen, encoded: EncodedPair, tokenizer: Tokenizer) -> None:
    report.counts[seen.part] += 1
    for code in encoded.problems:
        _note(report, seen, code)
    if not encoded.usable:
        return
    report.usable[seen.part] += 1
    if encoded.labels[-1] not in _end_ids(tokenizer):
        _note(report, seen, "end_not_trained", at_fault=True)
    if len(encoded.ids) > _AT_LIMIT * report.max_tokens:
        _note(report, seen, "at_limit")
    if encoded.n_trained < _LITTLE * len(encoded.ids):
        _note(report, seen, "little_trained")
    if seen.taught:
        report.prompt_tokens.append(encoded.n_prompt)
        report.trained_tokens.append(encoded.n_trained)


def _end_ids(tokenizer: Tokenizer) -> set[int | None]:
    return {*tokenizer.stop_ids, *map(tokenizer.token_to_id, tokenizer.control_tokens)}


def _compare(report: AuditReport, example: Example, seen: Seen) -> None:
    """Remember who asks what, and look for the same pair once more."""
    turns = [turn.to_json() for turn in example.turns]
    question = json_sha256([example.system, turns, " ".join(example.instruction.split()), example.input.strip()])
    if seen.taught or seen.part != "train":
        report.asked.setdefault(question, []).append(seen)
    if seen.taught:
        whole = json_sha256([question, example.response.strip()])
        if whole in report.whole_seen:
            _note(report, seen, "repeated")
        report.whole_seen.add(whole)


def _note_shared(report: AuditReport) -> None:
    """Note every pair whose question is taught and stands in another part as well. Those taught are at fault."""
    for same in report.asked.values():
        if len({seen.taught for seen in same}) == 2:
            for seen in same:
                _note(report, seen, "shared_across_parts", at_fault=seen.taught)


def _note(report: AuditReport, seen: Seen, code: str, *, at_fault: bool = False) -> None:
    report.rows.append(
        {
            "id": seen.id,
            "part": seen.part,
            "code": code,
            "leaves_out": code in PROBLEMS and PROBLEMS[code].blocking,
            "sentence": _sentence(code),
            "tokens": seen.tokens,
            "overflow": seen.overflow,
        }
    )
    if at_fault:
        report.at_fault.setdefault(code, []).append(seen.id)


def _sentence(code: str) -> str:
    return PROBLEMS[code].sentence if code in PROBLEMS else {**BLOCKING, **NOTES}[code]


def _audit_command(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m ml audit", description="Show what each pair of a training becomes, as JSON."
    )
    parser.add_argument("spec", type=Path, help="a run's spec.json, its pairs beside it")
    parser.add_argument("--show", action="append", default=[], metavar="ID", help="add this pair's coloured segments")
    parser.add_argument("--show-first", type=int, default=0, metavar="N", help="add the first N pairs' segments")
    options = parser.parse_args(arguments)
    try:
        spec = RunSpec.from_json(json.loads(options.spec.read_text(encoding="utf-8")))
        if spec.recipe is None or spec.data is None:
            return fail("Only the specification of a training can be audited.")
        tokenizer = Tokenizer.load(spec.model.path)
        report = audit_pairs(
            _read(options.spec.parent / spec.data.pairs),
            spec.template,
            tokenizer,
            spec.recipe.max_tokens,
            show=options.show,
            show_first=options.show_first,
        )
    except (OSError, json.JSONDecodeError, SpecError, TemplateError, TokenizerError) as error:
        return fail(str(error))
    print_json(report.to_json())
    return 0 if not report.blocking else 1


def _read(path: Path) -> list[Example]:
    with path.open(encoding="utf-8") as file:
        return [Example.from_json(json.loads(line)) for line in file if line.strip()]


COMMANDS = {"audit": _audit_command}
