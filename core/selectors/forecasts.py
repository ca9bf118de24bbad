"""When waiting jobs are expected to start: a replay of the queue with what is known of each job's length."""

import heapq
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from core.choices import JOB_ACTIVE, JobState
from core.jobs import runners
from core.models import Heartbeat, Job
from core.nights import next_night

UNKNOWN = timedelta(minutes=10)  # what a job of unknown length is counted as
LIVING = timedelta(minutes=2)


def expected_starts(queue: str) -> dict[int, datetime]:
    """For each queued job the moment at which a worker will be free for it, if nothing is added or moved.

    The order is that in which workers claim. Jobs for the night do not keep others from starting by day.
    """
    now = timezone.now()
    running = Job.objects.filter(queue=queue, state__in=JOB_ACTIVE)
    free = [now + (remaining(job) or UNKNOWN) for job in running]
    free += [now] * max(0, slots(queue) - len(free))
    heapq.heapify(free)
    starts: dict[int, datetime] = {}
    for job in by_turn(Job.objects.filter(queue=queue, state=JobState.QUEUED)):
        soonest = heapq.heappop(free)
        start = next_night(soonest) if job.nights else soonest
        starts[job.pk] = start
        seconds = expected_seconds(job)
        ends = start + (UNKNOWN if seconds is None else timedelta(seconds=seconds))
        heapq.heappush(free, soonest if job.nights and start > soonest else ends)
    return starts


def by_turn(jobs: QuerySet[Job]) -> QuerySet[Job]:
    return jobs.order_by("-priority", "order", "pk")


def slots(queue: str) -> int:
    """How many jobs of a queue run at once: what its living workers say, at least one."""
    alive = Heartbeat.objects.filter(queue=queue, seen_at__gte=timezone.now() - LIVING)
    return max(1, sum(int(details.get("slots", 1)) for details in alive.values_list("details", flat=True)))


def remaining(job: Job) -> timedelta | None:
    seconds = job.eta_seconds
    return None if seconds is None else timedelta(seconds=seconds)


def expected_seconds(job: Job) -> float | None:
    runner = runners.get(job.kind)
    return runner.expected_seconds(job) if runner else None
