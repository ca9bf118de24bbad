"""The checks of a project as its owners have set them, and how many approved pairs each finds something in."""

from dataclasses import dataclass

from django.db.models import Count, F, Func

from curation.choices import AtFreeze, AtSubmit, PairState
from curation.models import CheckSetting, Pair, Task
from ml.checks import AnyCheck, CorpusCheck, known_checks


@dataclass(frozen=True)
class ProjectCheck:
    """A check as a project has it: with the owner's parameters, on or off, and what it means for a freeze."""

    check: AnyCheck
    is_on: bool
    at_freeze: AtFreeze = AtFreeze.PASS
    freeze_share: float = 0.0
    at_submit: AtSubmit = AtSubmit.TELL


def project_checks(project_id: int) -> list[ProjectCheck]:
    """All checks in the order of the pages, as this project has them. One query."""
    settings = {row.check_id: row for row in CheckSetting.objects.filter(project=project_id)}
    return [as_set(check, settings.get(check.id)) for check in known_checks()]


def as_set(check: AnyCheck, row: CheckSetting | None) -> ProjectCheck:
    if row is None:
        return ProjectCheck(check, check.on_by_default)
    # A parameter that a newer program does not know any more must not keep people from writing.
    kept = {name: value for name, value in row.parameters.items() if name in check.defaults}
    mine = type(check)(**kept) if kept else check
    return ProjectCheck(mine, row.is_on, AtFreeze(row.at_freeze), row.freeze_share, AtSubmit(row.at_submit))


def corpus_checks_of(project_id: int) -> tuple[CorpusCheck, ...]:
    return tuple(one.check for one in project_checks(project_id) if one.is_on and isinstance(one.check, CorpusCheck))


def finding_counts(task: Task) -> tuple[int, dict[str, int]]:
    """Approved pairs of a task, and how many of them have a finding of each check. Two queries."""
    pairs = Pair.objects.filter(task=task, approved__isnull=False).exclude(state=PairState.TRASHED).order_by()
    found = pairs.filter(found__len__gt=0).annotate(check_id=Func(F("found"), function="unnest")).values("check_id")
    return pairs.count(), dict(found.annotate(count=Count("pk")).values_list("check_id", "count"))
