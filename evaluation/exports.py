"""An evaluation as a file, written row by row."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from curation.selectors.examples import suite_examples
from curation.selectors.export_files import unformula
from evaluation.models import Candidate, Evaluation, Output
from evaluation.selectors.evaluations import candidates_of

FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
CHUNK = 200
COLUMNS = ("item", "model", "instruction", "input", "reference", "answer", "finish_reason", "prompt_tokens")
NUMBERS = ("new_tokens", "seconds", "reference_loss", "reference_tokens")
# A spreadsheet takes a cell that begins with one of these for a formula, and would run it.


def export_rows(evaluation: Evaluation, kind: str) -> Iterator[str]:
    """One row for each item and model. JSONL holds texts exactly; in CSV a text that could be a formula gets a leading
    apostrophe."""
    rows = result_rows(evaluation)
    return csv_lines(rows) if kind == "csv" else (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def result_rows(evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    candidates = candidates_of(evaluation)
    examples: dict[int, dict[str, Any]] = {}
    for item, example in suite_examples(evaluation.suite, at=evaluation.created_at):
        examples[item] = example
        if len(examples) == CHUNK:
            yield from rows_for(candidates, examples)
            examples = {}
    yield from rows_for(candidates, examples)


def rows_for(candidates: list[Candidate], examples: dict[int, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    outputs = Output.objects.filter(candidate__in=candidates, item__in=examples).prefetch_related("scores")
    found = {(output.item_id, output.candidate_id): output for output in outputs}
    for item, example in examples.items():
        for candidate in candidates:
            if output := found.get((item, candidate.pk)):
                yield row_of(item, example, candidate, output)


def row_of(item: int, example: dict[str, Any], candidate: Candidate, output: Output) -> dict[str, Any]:
    texts = (item, str(candidate), example["instruction"], example["input"], example["response"], output.text)
    return {
        **dict(zip(COLUMNS, (*texts, output.finish_reason, output.prompt_tokens), strict=True)),
        **{name: getattr(output, name) for name in NUMBERS},
        "scores": {score.metric: score.value for score in output.scores.all()},
    }


def csv_lines(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """The measures that the first answered row has become columns; every row has the same ones."""
    metrics: list[str] | None = None
    waiting: list[dict[str, Any]] = []
    for row in rows:
        if metrics is None and not row["scores"]:
            waiting.append(row)
            continue
        if metrics is None:
            metrics = sorted(row["scores"])
            yield line([*COLUMNS, *NUMBERS, *metrics])
            yield from (cells(each, metrics) for each in waiting)
            waiting = []
        yield cells(row, metrics)
    if metrics is None:
        yield line([*COLUMNS, *NUMBERS])
        yield from (cells(each, []) for each in waiting)


def cells(row: dict[str, Any], metrics: list[str]) -> str:
    return line([*(guarded(row[name]) for name in (*COLUMNS, *NUMBERS)), *(row["scores"].get(m) for m in metrics)])


def guarded(value: Any) -> Any:
    return unformula(value) if isinstance(value, str) else value


def line(values: list[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(["" if value is None else value for value in values])
    return buffer.getvalue()
