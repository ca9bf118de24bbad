"""Which checks a project uses, with which parameters, and what a freeze makes of their findings."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, F, Func
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.models import Job, Project, User
from core.services.events import event_record
from core.services.jobs import job_create
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


@transaction.atomic
def check_set(
    *,
    actor: User,
    project: Project,
    check_id: str,
    is_on: bool,
    parameters: Mapping[str, float],
    at_freeze: AtFreeze = AtFreeze.PASS,
    freeze_share: float = 0.0,
    at_submit: AtSubmit = AtSubmit.TELL,
) -> CheckSetting:
    """Decide about a check. Texts are judged by it from now on; those that are there are checked again by a job."""
    check = next((one for one in known_checks() if one.id == check_id), None)
    if check is None:
        raise ApplicationError(_("There is no such check."), field="check")
    if unknown := sorted(set(parameters) - set(check.defaults)):
        text = _("The check has no parameter “%(name)s”; it has: %(known)s.")
        values = {"name": unknown[0], "known": ", ".join(check.defaults) or "–"}
        raise ApplicationError(text % values, field="parameters")
    for name, value in parameters.items():
        if not math.isfinite(value) or not 0 <= value <= 1_000_000:
            text = _("“%(name)s” must be a number between 0 and 1,000,000.")
            raise ApplicationError(text % {"name": name}, field=name)
    if not 0 <= freeze_share <= 1:
        raise ApplicationError(_("A share lies between 0 and 1."), field="freeze_share")
    before = CheckSetting.objects.filter(project=project, check_id=check_id).first()
    changed = {name: value for name, value in parameters.items() if value != check.defaults[name]}
    row, _created = CheckSetting.objects.update_or_create(
        project=project,
        check_id=check_id,
        defaults={
            "is_on": is_on, "parameters": changed, "at_freeze": at_freeze, "freeze_share": freeze_share,
            "at_submit": at_submit,
        },
    )  # fmt: skip
    was = (before.is_on, before.parameters) if before else (check.on_by_default, {})
    event_record(
        actor=actor, action="check.set", project=project, subject=row, summary=check_id, is_on=is_on,
        parameters=changed, at_freeze=str(at_freeze), share=freeze_share,
        at_submit=str(at_submit),
    )  # fmt: skip
    if was != (is_on, changed):
        recheck_ask(actor=actor, project=project)
    return row


def recheck_ask(*, actor: User | None, project: Project, check_id: str = "") -> list[Job]:
    """Check the pairs of every task again (with a `check_id` those that have such a finding), in the background."""
    return [
        job_create(
            actor=actor,
            kind="recheck",
            project=project,
            subject=task.name,
            subject_url=f"/p/{project.slug}/pairs/?task={task.slug}",
            arguments={"task": task.pk, "check": check_id},
            once_key=f"recheck-{task.pk}-{check_id}",
            priority=-1,
        )
        for task in project.tasks.all()
    ]


def finding_counts(task: Task) -> tuple[int, dict[str, int]]:
    """Approved pairs of a task, and how many of them have a finding of each check. Two queries."""
    pairs = Pair.objects.filter(task=task, approved__isnull=False).exclude(state=PairState.TRASHED).order_by()
    found = pairs.filter(found__len__gt=0).annotate(check_id=Func(F("found"), function="unnest")).values("check_id")
    return pairs.count(), dict(found.annotate(count=Count("pk")).values_list("check_id", "count"))
