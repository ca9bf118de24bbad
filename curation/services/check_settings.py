"""Which checks a project uses, with which parameters, and what a freeze makes of their findings."""

import math
from collections.abc import Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.models import Job, Project, User
from core.services.events import event_record
from core.services.jobs import job_create
from curation.choices import AtFreeze, AtSubmit
from curation.models import CheckSetting
from ml.checks import known_checks


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
