"""What the checks say of a text: found, freed of what people dismissed, and kept by the text it was found in.

Pairs and models' answers go through here alike, so that they share findings and dismissals.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from curation.models import CheckedText, Dismissal, Finding
from ml.checks import Check, CheckContext, run_checks, text_fingerprint
from ml.checks import Finding as Found
from ml.hashing import json_sha256
from ml.phrases import filled


@dataclass(frozen=True)
class Judged:
    """One text with what surrounds it. `findings` are those that nobody dismissed; `dismissed` are the others."""

    text: str
    context: CheckContext
    findings: list[Found]
    dismissed: list[Found]


def texts_judge(project_id: int, checks: Sequence[Check], texts: Sequence[tuple[str, CheckContext]]) -> list[Judged]:
    """Run the checks on texts of a project, in order. Nothing is stored; one query for all of them."""
    found = [run_checks(text, context, checks=checks) for text, context in texts]
    prints = [text_fingerprint(text) if rows else "" for (text, _), rows in zip(texts, found, strict=True)]
    known = dismissals_of(project_id, set(filter(None, prints)))
    judged = []
    for (text, context), rows, print_ in zip(texts, found, prints, strict=True):
        called_off = [row for row in rows if (print_, row.check, excerpt_of(text, row)) in known]
        judged.append(Judged(text, context, [row for row in rows if row not in called_off], called_off))
    return judged


def dismissals_of(project_id: int, fingerprints: set[str]) -> set[tuple[str, str, str]]:
    """(fingerprint, check, excerpt) of what was called a false alarm in these texts."""
    if not fingerprints:
        return set()
    rows = Dismissal.objects.filter(project=project_id, fingerprint__in=fingerprints)
    return set(rows.values_list("fingerprint", "check_id", "excerpt"))


def findings_keep(judged: Iterable[Judged], checks: Sequence[Check]) -> None:
    """Keep findings by the fingerprint of each text. A text that was checked in the same way before is left alone."""
    fresh: dict[tuple[str, str, str], list[Finding]] = {}
    for one in judged:
        key, rows = stored_form(one, checks)
        fresh[key] = rows
    known = set(
        CheckedText.objects.filter(fingerprint__in={key[0] for key in fresh}).values_list(
            "fingerprint", "field", "checks"
        )
    )
    fresh = {key: rows for key, rows in fresh.items() if key not in known}
    CheckedText.objects.bulk_create(
        [CheckedText(fingerprint=print_, field=field, checks=way) for print_, field, way in fresh],
        ignore_conflicts=True,
    )
    Finding.objects.bulk_create([row for rows in fresh.values() for row in rows])


def stored_form(judged: Judged, checks: Sequence[Check]) -> tuple[tuple[str, str, str], list[Finding]]:
    """(fingerprint, field, way of checking) and the rows of one text."""
    ways = {check.id: (check.version, check.parameters_key(judged.context)) for check in checks}
    print_ = text_fingerprint(judged.text)
    rows = [
        Finding(
            fingerprint=print_,
            field=judged.context.field,
            check_id=found.check,
            check_version=found.version,
            parameters=ways[found.check][1],
            start=found.start,
            end=found.end,
            severity=found.severity,
            template=found.template[:500],
            values=storable(found.values),
        )
        for found in (*judged.findings, *judged.dismissed)
    ]
    return (print_, judged.context.field, json_sha256({check: list(way) for check, way in ways.items()})), rows


def storable(values: Any) -> dict[str, str]:
    """What the database cannot hold is replaced: a check may quote a NUL that a model said."""
    return {name: text.replace("\x00", "\ufffd") for name, text in values.items()}


def excerpt_of(text: str, found: Found) -> str:
    return text[found.start : found.end][:200]


def sentence_of(found: Found) -> str:
    """What a finding says, in the reader's language."""
    return filled(gettext(found.template), found.values)


def finding_json(text: str, found: Found) -> dict[str, Any]:
    return {
        "check": found.check,
        "start": found.start,
        "end": found.end,
        "severity": found.severity,
        "message": sentence_of(found),
        "suggestions": list(found.suggestions),
        "excerpt": excerpt_of(text, found),
    }
