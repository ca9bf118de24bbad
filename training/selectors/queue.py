"""Runs in the queue: where each stands, when it should start and end, and whether that is in time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from core.choices import JobState, Queue
from core.models import Project
from core.nights import next_night
from core.selectors.forecasts import expected_starts
from core.selectors.jobs import positions
from training.choices import RunState
from training.models import Run
from training.selectors.estimates import forecast


@dataclass(frozen=True)
class Waiting:
    """A run that waits: its place among all projects' runs (None while held), and the foretold moments."""

    run: Run
    place: int | None
    starts_at: datetime | None
    ends_at: datetime | None

    @property
    def late(self) -> bool:
        return bool(self.run.wanted_by and self.ends_at and self.ends_at > self.run.wanted_by)


def waiting_runs(project: Project) -> list[Waiting]:
    """The project's runs in the order in which they will start; held ones last."""
    runs = Run.objects.filter(project=project, state=RunState.QUEUED, job__isnull=False).select_related("job")
    places, starts = positions(), expected_starts(Queue.TRAIN)
    rows = [waiting(run, places, starts) for run in runs]
    return sorted(rows, key=lambda row: (row.place is None, row.place or 0))


def waiting(run: Run, places: dict[int, int], starts: dict[int, datetime]) -> Waiting:
    assert run.job is not None
    held = run.job.state == JobState.HELD
    start = None if held else starts.get(run.job.pk)
    seconds = run.estimate.get("seconds")
    end = start + timedelta(seconds=seconds) if start and seconds else None
    return Waiting(run, None if held else places.get(run.job.pk), start, end)


def finishes_late(run: Run) -> datetime | None:
    """When a prepared run would be done if it were launched now, if that is later than it is wanted; else None."""
    seconds = forecast(run).seconds
    if run.wanted_by is None or seconds is None:
        return None
    last = max(expected_starts(Queue.TRAIN).values(), default=timezone.now())
    start = next_night(last) if run.nights else last
    ends = start + timedelta(seconds=seconds)
    return ends if ends > run.wanted_by else None
