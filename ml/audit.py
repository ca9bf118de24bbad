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

# What forbids a launch, as opposed to what only leaves a pair out.
BLOCKING: dict[str, str] = {
    "nothing_to_train": "No pair of the part train can be used.",
    "shared_across_parts": "The same question stands in the part train and in another part, so the model would be "
    "tested on what it was taught.",
    "end_not_trained": "A pair does not end with an end token, so the model would not learn to stop.",
}


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
    end_not_trained: list[str] = field(default_factory=list)
    shared_across_parts: list[str] = field(default_factory=list)

    @property
    def blocking(self) -> list[str]:
        """Codes of BLOCKING that apply; a launch is refused unless this is empty."""
        nothing = ["nothing_to_train"] if not self.usable["train"] else []
        shared = ["shared_across_parts"] if self.shared_across_parts else []
        return nothing + shared + (["end_not_trained"] if self.end_not_trained else [])

    def to_json(self) -> dict[str, Any]:
        trained, prompt = sum(self.trained_tokens), sum(self.prompt_tokens)
        totals = [a + b for a, b in zip(self.prompt_tokens, self.trained_tokens, strict=True)]
        by_code = Counter(row["code"] for row in self.rows)
        return {
            "format": 1,
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
                    "leaves_out": PROBLEMS[code].blocking,
                    "sentence": PROBLEMS[code].sentence,
                }
                for code, count in by_code.most_common()
            ],
            "rows": self.rows,
            "end_not_trained": self.end_not_trained,
            "shared_across_parts": self.shared_across_parts,
            "blocking": [{"code": code, "sentence": BLOCKING[code]} for code in self.blocking],
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
    """Audit pairs; `show` and the first `show_first` ones come with coloured segments.

    Token numbers count the usable pairs of the part train: what the model will really see.
    """
    report = AuditReport(max_tokens)
    seen: dict[str, tuple[str, str]] = {}
    for number, example in enumerate(examples):
        encoded = encode_pair(example, template, tokenizer, max_tokens)
        _add(report, example, encoded, tokenizer)
        _look_for_shared(report, example, seen)
        if example.id in show or number < show_first:
            report.shown[example.id] = [(text, kind) for text, kind in segments(encoded, tokenizer, max_tokens)]
    return report


def quantiles(values: Sequence[int]) -> dict[str, int]:
    """Nearest-rank quantiles in percent ("0" is the least, "100" the most); empty for no values."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return {str(percent): ordered[round(last * percent / 100)] for percent in _QUANTILES} if ordered else {}


def _add(report: AuditReport, example: Example, encoded: EncodedPair, tokenizer: Tokenizer) -> None:
    report.counts[example.part] += 1
    for code in encoded.problems:
        report.rows.append(
            {
                "id": example.id,
                "part": example.part,
                "code": code,
                "leaves_out": PROBLEMS[code].blocking,
                "sentence": PROBLEMS[code].sentence,
                "tokens": len(encoded.ids),
                "overflow": encoded.overflow,
            }
        )
    if not encoded.usable:
        return
    report.usable[example.part] += 1
    if encoded.labels[-1] not in _end_ids(tokenizer):
        report.end_not_trained.append(example.id)
    if example.part == "train":
        report.prompt_tokens.append(encoded.n_prompt)
        report.trained_tokens.append(encoded.n_trained)


def _end_ids(tokenizer: Tokenizer) -> set[int | None]:
    return {*tokenizer.stop_ids, *map(tokenizer.token_to_id, tokenizer.control_tokens)}


def _look_for_shared(report: AuditReport, example: Example, seen: dict[str, tuple[str, str]]) -> None:
    turns = [turn.to_json() for turn in example.turns]
    question = json_sha256([example.system, turns, " ".join(example.instruction.split()), example.input.strip()])
    other_id, other_part = seen.setdefault(question, (example.id, example.part))
    if other_part != example.part and "train" in (other_part, example.part):
        report.shared_across_parts += [
            name for name in (other_id, example.id) if name not in report.shared_across_parts
        ]


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
