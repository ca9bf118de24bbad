"""services/speeds.py: models that were registered before anybody measured are measured when nothing else runs."""

import pytest

from core import registries
from core.choices import JobState
from core.models import Job, User
from tests.world import run_jobs
from training.models import BaseModel
from training.services.speeds import KIND, speeds_due

pytestmark = pytest.mark.django_db(transaction=True)


def measured(base: BaseModel) -> dict[str, object]:
    run_jobs()
    base.refresh_from_db()
    return dict(base.report.get("speed") or {})


def jobs() -> int:
    return Job.objects.filter(kind=KIND).count()


@pytest.mark.slow
def test_a_model_that_nobody_measured_is_measured_once(tiny_base: BaseModel) -> None:
    assert speeds_due in registries.chores
    known = tiny_base.report["speed"]
    speeds_due()
    assert jobs() == 0, "the examination measured it"
    BaseModel.objects.update(report={**tiny_base.report, "speed": {**known, "edition": "of last year"}})
    speeds_due()
    found = measured(tiny_base)
    assert (found["edition"], found["device"]) == (known["edition"], known["device"])
    assert found["reading"] > 100  # type: ignore[operator]
    speeds_due()
    assert jobs() == 1


@pytest.mark.slow
def test_what_cannot_be_measured_is_not_tried_without_end(tiny_base: BaseModel) -> None:
    BaseModel.objects.update(report={"vocabulary": 300}, folder="base/gone")
    speeds_due()
    assert set(measured(tiny_base)) == {"edition"}
    assert Job.objects.get(kind=KIND).state == JobState.FAILED
    speeds_due()
    assert jobs() == 1


def test_nothing_is_measured_beside_a_training(tiny_base: BaseModel, owner: User) -> None:
    BaseModel.objects.update(report={})
    training = Job.objects.create(kind="train", queue="train", state=JobState.RUNNING, requested_by=owner)
    speeds_due()
    assert jobs() == 0
    Job.objects.filter(pk=training.pk).update(state=JobState.DONE)
    speeds_due()
    assert jobs() == 1
