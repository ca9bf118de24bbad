"""Taking over what a child wrote: outputs into rows, scores and findings beside them. Twice gives the same rows."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.jobs import JobFailed
from curation.selectors.checking import Surroundings
from evaluation.choices import FinishReason
from evaluation.models import Candidate, Output, Score
from evaluation.selectors.asking import question_of
from evaluation.selectors.findings import Answer
from evaluation.services.findings import answers_check
from ml.hashing import text_sha256
from ml.metrics import score

CHUNK = 500
OUTPUT_FIELDS = (
    "text",
    "fingerprint",
    "finish_reason",
    "answered",
    "prompt_tokens",
    "new_tokens",
    "seconds",
    "reference_loss",
    "reference_tokens",
    "asked",
    "reused_from",
)
Example = dict[str, Any]


def outputs_ingest(
    *,
    candidate: Candidate,
    path: Path,
    examples: Mapping[int, Example],
    tell: Callable[[str], None],
    guard: Callable[[], None],
) -> int:
    """Store the outputs of one model, their scores and their findings; returns how many items it answered or scored.

    1. Read the child's file as a stream; a line that is no output of this suite fails the job with its number.
    2. Upsert outputs by (candidate, item). 3. Upsert scores by (output, measure); those no longer there are removed.
    4. Keep findings by the fingerprint of the text. `guard` is asked before each part whether the job is still ours.
    """
    around = Surroundings(candidate.evaluation.suite.task)
    count = 0
    for rows in parts(read_outputs(path, set(examples)), CHUNK):
        guard()
        with transaction.atomic():
            outputs = outputs_store(candidate, rows, examples)
            answers = [Answer(output, examples[output.item_id]) for output in outputs if output.answered]
            scores_store(outputs, answers, answers_check(answers, around))
        count += len(rows)
        tell(_("%(count)d of %(total)d taken over.") % {"count": count, "total": len(examples)})
    missing = len(examples) - count
    if missing:
        text = ngettext(
            "%d item of the suite has no output. Start the evaluation again.",
            "%d items of the suite have no output. Start the evaluation again.",
            missing,
        )
        raise JobFailed(text % missing)
    return count


def outputs_store(candidate: Candidate, rows: list[dict[str, Any]], examples: Mapping[int, Example]) -> list[Output]:
    named = [row["reused_from"] for row in rows if row.get("reused_from")]
    there = set(Output.objects.filter(pk__in=named).values_list("pk", flat=True)) if named else set()
    return Output.objects.bulk_create(
        [output_from(candidate, row, examples[int(row["id"])], there) for row in rows],
        update_conflicts=True,
        unique_fields=["candidate", "item"],
        update_fields=OUTPUT_FIELDS,
    )


def output_from(candidate: Candidate, row: dict[str, Any], example: Example, there: set[int]) -> Output:
    """`there` are the outputs that still are, among those that rows were taken over from."""
    reason = row["finish_reason"]
    text = row["text"].replace("\x00", "\ufffd")  # the one character that the database cannot hold
    return Output(
        candidate=candidate,
        item_id=int(row["id"]),
        text=text,
        fingerprint=text_sha256(text),
        finish_reason=reason if reason in FinishReason.values else "",
        answered=reason in (FinishReason.STOP, FinishReason.LENGTH),
        prompt_tokens=row["prompt_tokens"],
        new_tokens=row["new_tokens"],
        seconds=row["seconds"],
        reference_loss=row["reference_loss"],
        reference_tokens=row["reference_tokens"],
        asked=question_of(example),
        reused_from_id=row["reused_from"] if row.get("reused_from") in there else None,
    )


def scores_store(outputs: list[Output], answers: list[Answer], found: list[dict[str, int]]) -> None:
    values = [
        Score(output=answer.output, metric=metric, value=value)
        for answer, checks in zip(answers, found, strict=True)
        for metric, value in {**score(answer.output.text, answer.example["response"]), **checks}.items()
    ]
    Score.objects.filter(output__in=outputs).delete()
    Score.objects.bulk_create(values, batch_size=2000)


def read_outputs(path: Path, items: set[int]) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
                known = int(row["id"]) in items and isinstance(row["text"], str)
            except (ValueError, KeyError, TypeError):
                known = False
            if not known:
                text = _("Line %(number)d of %(path)s is no answer to an item of this suite.")
                raise JobFailed(text % {"number": number, "path": path.name})
            yield row


def parts(rows: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    part: list[dict[str, Any]] = []
    for row in rows:
        part.append(row)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
