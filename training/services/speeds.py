"""How fast this machine reads and answers with each base model: estimates are made of it where nothing ran before."""

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from core.choices import JOB_ACTIVE, Queue
from core.models import Job
from core.services.jobs import job_create
from ml.edition import edition
from training.choices import ModelState
from training.models import BaseModel

KIND = "measure"
BEHIND_EVERYTHING = -20


def speeds_due() -> None:
    """A chore of the scheduler: while nothing trains or answers, one model is measured that never was, or that another
    edition of the program measured."""
    base = unmeasured().order_by("pk").first()
    if base is None or Job.objects.filter(state__in=JOB_ACTIVE, queue__in=(Queue.TRAIN, Queue.GENERATE)).exists():
        return
    with transaction.atomic():
        job_create(
            actor=None, kind=KIND, subject=base.name, arguments={"base": base.pk}, once_key=KIND,
            priority=BEHIND_EVERYTHING,
        )  # fmt: skip


def unmeasured() -> QuerySet[BaseModel]:
    elsewhere = ~Q(report__speed__edition=edition()) | Q(report__speed__edition__isnull=True)
    return BaseModel.objects.filter(elsewhere, state=ModelState.READY)


@transaction.atomic
def speed_store(*, base: int, speed: dict[str, Any]) -> None:
    """Keep what was measured; nothing where it could not be, so that it is not tried again and again."""
    found = BaseModel.objects.select_for_update().filter(pk=base).first()
    if found is not None:
        found.report = {**found.report, "speed": told(speed)}
        found.save(update_fields=["report"])


def told(speed: dict[str, Any]) -> dict[str, Any]:
    return {**speed, "edition": edition()}
