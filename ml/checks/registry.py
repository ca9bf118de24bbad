"""All checks. A new one is a file beside this and a line here: docs/howto/add-a-check.md."""

from __future__ import annotations

from collections.abc import Collection

from ml.checks.base import Check, CheckContext, Finding
from ml.checks.misspelling import Misspelling
from ml.checks.repetition import Repetition
from ml.checks.too_long import TooLong

_CHECKS: tuple[Check, ...] = (Misspelling(), TooLong(), Repetition())


def all_checks() -> tuple[Check, ...]:
    """Every check with its usual parameters, in the order of the pages."""
    return _CHECKS


def get_check(check_id: str) -> Check:
    """The check of that id. Raises KeyError with a sentence that lists the ids."""
    for check in _CHECKS:
        if check.id == check_id:
            return check
    raise KeyError(f"There is no check {check_id!r}; there are: {', '.join(check.id for check in _CHECKS)}.")


def run_checks(text: str, context: CheckContext, only: Collection[str] | None = None) -> list[Finding]:
    """The findings of all checks (or of the ids in `only`), by place in the text. Blank texts have none.

    Raises KeyError for an id in `only` that no check has.
    """
    checks = _CHECKS if only is None else [get_check(check_id) for check_id in sorted(only)]
    if not text.strip():
        return []
    found = [finding for check in checks for finding in check.find(text, context)]
    return sorted(found, key=lambda finding: (finding.start, finding.end, finding.check))
