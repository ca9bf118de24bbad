"""Work for the night waits for it, gives way in the morning, and the queue foretells both."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.choices import JobState
from core.jobs import JobContext, job_claim
from core.models import Job
from core.nights import is_night, next_night
from core.selectors.forecasts import expected_starts

pytestmark = pytest.mark.django_db
DAY, NIGHT = datetime(2026, 3, 2, 12, 30, tzinfo=UTC), datetime(2026, 3, 2, 23, 0, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Callable[[datetime], None]:
    settings.NIGHT_HOURS, settings.TIME_ZONE = (20, 6), "UTC"

    def at(moment: datetime) -> None:
        monkeypatch.setattr("django.utils.timezone.now", lambda: moment)

    return at


def ask(**fields: Any) -> Job:
    return Job.objects.create(kind="errand", queue="train", **fields)


def test_a_night_may_go_over_midnight_or_not(clock: Callable[[datetime], None], settings: Any) -> None:
    assert [is_night(DAY), is_night(NIGHT), is_night(DAY.replace(hour=5)), is_night(DAY.replace(hour=6))] == [
        False,
        True,
        True,
        False,
    ]
    assert next_night(DAY) == DAY.replace(hour=20, minute=0)
    assert next_night(NIGHT) == NIGHT
    settings.NIGHT_HOURS = (1, 4)
    assert [is_night(NIGHT), is_night(NIGHT.replace(hour=2))] == [False, True]
    assert next_night(NIGHT) == NIGHT.replace(hour=1) + timedelta(days=1)


def test_by_day_the_next_one_is_taken_and_at_night_the_first(clock: Callable[[datetime], None]) -> None:
    later, other = ask(nights=True), ask()
    clock(DAY)
    assert job_claim(queue="train", worker="w") == other
    assert job_claim(queue="train", worker="w") is None
    clock(NIGHT)
    assert job_claim(queue="train", worker="w") == later


def test_in_the_morning_the_job_is_asked_to_give_way(clock: Callable[[datetime], None]) -> None:
    ask(nights=True)
    clock(NIGHT)
    job = job_claim(queue="train", worker="w")
    assert job is not None
    context = JobContext(job)
    assert context.stop_intent() == ""
    clock(DAY + timedelta(days=1))
    assert context.stop_intent() == "drain"


def test_the_queue_foretells_when_each_starts(clock: Callable[[datetime], None]) -> None:
    clock(DAY)
    running = ask(state=JobState.RUNNING, progress_done=50, progress_total=100, result={"rate": 0.5})
    first, night, second = ask(), ask(nights=True), ask()
    starts = expected_starts("train")
    assert running.pk not in starts
    assert starts[first.pk] == DAY + timedelta(seconds=100)
    assert starts[night.pk] == DAY.replace(hour=20, minute=0)
    assert starts[second.pk] == starts[first.pk] + timedelta(minutes=10)  # the first one's length is not known
