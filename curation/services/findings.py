"""What the checks said of a text is kept by the text it was found in, of pairs and models' answers alike."""

from collections.abc import Iterable, Sequence
from typing import Any

from curation.models import CheckedText, Finding
from curation.selectors.findings import Judged
from ml.checks import Check, text_fingerprint
from ml.hashing import json_sha256


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
