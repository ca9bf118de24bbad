"""All checks. A new one is a file beside this and a line here: docs/howto/add-a-check.md."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ml.checks.base import AnyCheck, Check, CheckContext, Finding
from ml.checks.boilerplate import Boilerplate
from ml.checks.copies_instruction import CopiesInstruction
from ml.checks.corpus import Conflict, CorpusCheck, Duplicate, NearDuplicate
from ml.checks.encoding import Encoding
from ml.checks.language import Language
from ml.checks.markup import Markup
from ml.checks.misspelling import Misspelling
from ml.checks.personal_data import PersonalData
from ml.checks.profanity import Profanity
from ml.checks.repetition import Repetition
from ml.checks.secret import Secret
from ml.checks.too_long import TooLong
from ml.checks.too_short import TooShort
from ml.checks.unsupported import Unsupported

_CHECKS: tuple[Check, ...] = (
    Misspelling(),
    TooLong(),
    TooShort(),
    Repetition(),
    Language(),
    CopiesInstruction(),
    Unsupported(),
    Boilerplate(),
    PersonalData(),
    Secret(),
    Encoding(),
    Markup(),
    Profanity(),
)
_CORPUS_CHECKS: tuple[CorpusCheck, ...] = (Duplicate(), NearDuplicate(), Conflict())


def all_checks() -> tuple[Check, ...]:
    """Every text check with its usual parameters, in the order of the pages."""
    return _CHECKS


def corpus_checks() -> tuple[CorpusCheck, ...]:
    """Every check over all pairs of a task, with its usual parameters."""
    return _CORPUS_CHECKS


def known_checks() -> tuple[AnyCheck, ...]:
    """All of both kinds: what a finding may be called."""
    return (*_CHECKS, *_CORPUS_CHECKS)


def default_checks() -> tuple[Check, ...]:
    """The text checks that are on where nobody chose."""
    return tuple(check for check in _CHECKS if check.on_by_default)


def get_check(check_id: str) -> Check:
    """The text check of that id. Raises KeyError with a sentence that lists the ids."""
    for check in _CHECKS:
        if check.id == check_id:
            return check
    raise KeyError(f"There is no check {check_id!r}; there are: {', '.join(check.id for check in _CHECKS)}.")


def run_checks(
    text: str, context: CheckContext, only: Collection[str] | None = None, checks: Sequence[Check] | None = None
) -> list[Finding]:
    """The findings of the given checks (else those on by default, else of the ids in `only`), by place in the text.

    A check that does not look at the context's field is passed over; of a blank text only those speak that see blanks.
    Raises KeyError for an id in `only` that no check has.
    """
    if checks is None:
        checks = default_checks() if only is None else [get_check(check_id) for check_id in sorted(only)]
    blank = not text.strip()
    asked = [check for check in checks if context.field in check.fields and (check.sees_blank or not blank)]
    found = [finding for check in asked for finding in check.find(text, context)]
    return sorted(found, key=lambda finding: (finding.start, finding.end, finding.check))
