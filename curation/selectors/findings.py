"""What the checks say of texts, freed of what people dismissed. Pairs and models' answers are judged alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from curation.models import Dismissal
from ml.checks import Check, CheckContext, run_checks, text_fingerprint
from ml.checks import Finding as Found
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
