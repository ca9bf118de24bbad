from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Case, F, Q, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber
from django.utils import timezone
from django.utils.translation import gettext as _

from core.choices import JOB_ENDED, JOB_OPEN, JobState, Queue
from core.jobs import runners
from core.models import Heartbeat, Job, JobLog, Project
from core.selectors.forecasts import expected_starts

OPEN_SHOWN = 200
LOG_SHOWN = 500


@dataclass(frozen=True)
class JobRow:
    job: Job
    title: Any
    position: int | None  # 1 is the next to start in its queue; None when it does not wait
    starts_at: datetime | None  # when a worker is expected to be free for it


@dataclass(frozen=True)
class WorkerRow:
    heartbeat: Heartbeat
    alive: bool

    @property
    def work(self) -> str:
        """What it takes up: a queue by its name, or, for what looks after the queues, that."""
        queue = self.heartbeat.queue
        return str(Queue(queue).label) if queue in Queue.values else _("the clock that resends what waits")


def job_title(job: Job) -> Any:
    runner = runners.get(job.kind)
    return runner.title if runner else job.kind


def jobs_of(project: Project | None) -> QuerySet[Job]:
    """Every job, or a project's."""
    found = Job.objects.select_related("project", "requested_by")
    return found if project is None else found.filter(project=project)


def jobs_open(project: Project | None) -> list[JobRow]:
    """What runs, then what waits in the order it will start, then what is held. At most 200."""
    phase = Case(
        When(state__in=(JobState.RUNNING, JobState.STOPPING), then=Value(0)),
        When(state=JobState.QUEUED, then=Value(1)),
        default=Value(2),
    )
    jobs = jobs_of(project).filter(state__in=JOB_OPEN).order_by(phase, "queue", "-priority", "order", "pk")
    places = positions()
    rows = list(jobs[:OPEN_SHOWN])
    starts: dict[int, datetime] = {}
    for queue in {job.queue for job in rows if job.state == JobState.QUEUED}:
        starts |= expected_starts(queue)
    return [JobRow(job, job_title(job), places.get(job.pk), starts.get(job.pk)) for job in rows]


def jobs_ended(project: Project | None) -> QuerySet[Job]:
    return jobs_of(project).filter(state__in=JOB_ENDED)


def positions() -> dict[int, int]:
    """The place of each queued job in its queue, over all projects: the order in which workers claim."""
    place = Window(RowNumber(), partition_by="queue", order_by=[F("priority").desc(), "order", "pk"])
    queued = Job.objects.filter(state=JobState.QUEUED).annotate(place=place)
    return dict(queued.values_list("pk", "place"))


def job_position(job: Job) -> int | None:
    """The same for one job."""
    if job.state != JobState.QUEUED:
        return None
    ahead = (
        Q(priority__gt=job.priority)
        | Q(priority=job.priority, order__lt=job.order)
        | Q(priority=job.priority, order=job.order, pk__lt=job.pk)
    )
    return Job.objects.filter(ahead, queue=job.queue, state=JobState.QUEUED).count() + 1


def job_log(job: Job) -> list[JobLog]:
    """The last 500 lines, oldest first."""
    return list(JobLog.objects.filter(job=job).order_by("-pk")[:LOG_SHOWN])[::-1]


def workers() -> list[WorkerRow]:
    """Every worker ever heard and beat, the living first."""
    since = timezone.now() - timedelta(seconds=3 * settings.HEARTBEAT_SECONDS)
    rows = [WorkerRow(beat, beat.seen_at >= since) for beat in Heartbeat.objects.order_by("queue", "name")]
    return sorted(rows, key=lambda row: not row.alive)
