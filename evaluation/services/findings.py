"""The text checks on models' answers: the same checks as on people's pairs, with the reference at hand."""

from dataclasses import dataclass, replace
from typing import Any

from curation.fingerprints import Texts
from curation.models import CheckedText, Finding, Suite
from curation.services.checking import Checked, Surroundings, stored_form, surroundings_of
from evaluation.models import Output
from ml.checks import CheckContext, all_checks, run_checks
from ml.checks import Finding as Found

FIELD = "response"


@dataclass(frozen=True)
class Answer:
    """An output with the item it answers, in the shape of ml.prompting.Example."""

    output: Output
    example: dict[str, Any]


def surroundings_for(suite: Suite) -> Surroundings:
    return surroundings_of(suite.task)


def context_of(example: dict[str, Any], around: Surroundings) -> CheckContext:
    """What the checks know of an answer. The words of the reference are accepted like those of the question; the limit
    on a pair's tokens does not speak of answers, which end at the evaluation's own limit."""
    texts = Texts(
        instruction=example["instruction"],
        input=example["input"],
        response=example["response"],
        language=example["language"],
    )
    context = around.context(texts, FIELD, None)
    reference = example["response"]
    return replace(context, prompt=f"{context.prompt}\n{reference}", reference=reference, max_tokens=None)


def answer_findings(text: str, example: dict[str, Any], around: Surroundings) -> list[Found]:
    """What the checks find in one answer, for the page that shows it."""
    return run_checks(text, context_of(example, around))


def findings_of(answers: list[Answer], around: Surroundings) -> list[dict[str, int]]:
    """Check the answers, keep the findings by the fingerprint of each text, and count them by check: one dict an
    answer, with the measure's name ("check.ID") of every check."""
    counts: list[dict[str, int]] = []
    stored: dict[tuple[str, str, str], list[Finding]] = {}
    for answer in answers:
        context = context_of(answer.example, around)
        found = run_checks(answer.output.text, context)
        key, rows = stored_form(answer.output.text, FIELD, context, Checked({FIELD: found}, None))
        stored[key] = rows
        counts.append({f"check.{check.id}": sum(row.check == check.id for row in found) for check in all_checks()})
    keep(stored)
    return counts


def keep(stored: dict[tuple[str, str, str], list[Finding]]) -> None:
    """A text that was checked before under the same parameters is left alone."""
    known = set(
        CheckedText.objects.filter(fingerprint__in={key[0] for key in stored}, field=FIELD).values_list(
            "fingerprint", "field", "checks"
        )
    )
    fresh = {key: rows for key, rows in stored.items() if key not in known}
    CheckedText.objects.bulk_create(
        [CheckedText(fingerprint=print_, field=field, checks=checks) for print_, field, checks in fresh],
        ignore_conflicts=True,
    )
    Finding.objects.bulk_create([row for rows in fresh.values() for row in rows])
