"""Celery's side of the jobs: poked, claim, run. Messages acknowledge early; lease and sweeper are the only retry."""

import os
import socket
import threading
from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down
from django.conf import settings
from django.db import close_old_connections, connection
from django.db.models.functions import Now

from core import jobs, registries, sweeper
from core.models import Heartbeat, Job
from core.operations.programs import CONCURRENCY

stopped = threading.Event()
claiming = threading.Lock()  # two threads of this worker must not both count before either has claimed


@shared_task(name="core.tasks.run_job", acks_late=False)
def run_job(job_id: int) -> None:
    """Claim the first eligible job of the queue that `job_id` is in, and run it."""
    if jobs.draining.is_set():
        return  # the row stays queued; the sweeper pokes again after the restart
    queue = Job.objects.filter(pk=job_id).values_list("queue", flat=True).first()
    if not queue:
        return
    with claiming:
        job = jobs.job_claim(queue=queue, worker=worker_name(), capabilities=capabilities(), slots=slots(queue))
    if job is not None:
        jobs.job_execute(job)


@shared_task(name="core.tasks.sweep", acks_late=False)
def sweep() -> None:
    Heartbeat.objects.update_or_create(name="beat", defaults={"queue": "", "seen_at": Now(), "details": {}})
    sweeper.sweep()
    for chore in registries.chores:
        try:
            chore()
        except Exception:  # one that fails must not keep the others from being done
            jobs.log.exception("chore_failed", chore=chore.__name__)


def worker_name() -> str:
    return f"{os.environ.get('WORKER_QUEUE', 'default')}@{socket.gethostname()}:{os.getpid()}"


def capabilities() -> tuple[str, ...]:
    return tuple(filter(None, os.environ.get("WORKER_CAPABILITIES", "").split(",")))


def slots(queue: str) -> int:
    """How many jobs this worker runs at once."""
    return CONCURRENCY[queue]


@worker_ready.connect
def worker_started(**_: Any) -> None:
    threading.Thread(target=beat_heart, daemon=True, name="heart").start()
    threading.Thread(target=sweep_often, daemon=True, name="sweep").start()


@worker_shutting_down.connect
def worker_stopping(**_: Any) -> None:
    jobs.draining.set()
    stopped.set()


def sweep_often() -> None:
    """Every worker sweeps too: beat's message would wait behind long jobs, and a job may wait for this sweep."""
    while not stopped.wait(settings.SWEEP_SECONDS):
        try:
            sweeper.sweep()
        except Exception as error:
            jobs.log.warning("sweep_failed", error=str(error))
            close_old_connections()
    connection.close()


def beat_heart() -> None:
    """A worker's sign of life, in the database, so that the pages can tell when nobody is there."""
    queue = os.environ.get("WORKER_QUEUE", "default")
    while True:
        try:
            details = {"pid": os.getpid(), "host": socket.gethostname(), "slots": slots(queue)}
            Heartbeat.objects.update_or_create(
                name=f"worker-{queue}@{socket.gethostname()}",
                defaults={"queue": queue, "seen_at": Now(), "details": details},
            )
        except Exception as error:
            jobs.log.warning("heart_failed", error=str(error))
            close_old_connections()
        if stopped.wait(settings.HEARTBEAT_SECONDS):
            return
