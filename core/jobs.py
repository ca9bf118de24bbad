"""Background work: what a job is, how it is claimed, kept and ended.

The row is the truth and a message only a poke:
1. `services.jobs.job_create` writes the row in the transaction of what it is for and sends the poke on commit.
2. A poked worker claims the first eligible row of its queue, perhaps another than the one that poked it.
3. While it runs, a thread renews the lease; every write carries the attempt as fencing token, so that a worker
   that slept past its lease changes nothing.
4. The sweeper (core/sweeper.py) resends what nobody picked up and takes back what a dead worker held.
"""

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

import structlog
from celery import current_app
from django.conf import settings
from django.db import close_old_connections, connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Greatest, Now
from django.utils import timezone
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from core import registries
from core.choices import JOB_ACTIVE, JobState
from core.denied import ApplicationError, Hindrance
from core.models import Job, JobLog
from core.nights import is_night

log = structlog.get_logger(__name__)
draining = threading.Event()  # set by the worker's shutdown signal; runners poll it through `JobContext.should_stop`


class JobTold(Exception):
    """Why an attempt ended, in a sentence for people; `code` names it for programs, whatever language it is in."""

    def __init__(self, sentence: object, *, code: str = "") -> None:  # a lazy one is said when it is written down
        super().__init__(sentence)
        self.code = code


class JobFailed(JobTold):
    """The job could not do its work for a reason a person can act on. Not retried."""


class JobHindered(JobTold):
    """This attempt came to an end for a reason that may pass: the job is tried again."""


HINDRANCES = (JobHindered, Hindrance)  # also what hindered a service, which knows of no job


class JobStopped(Exception):
    """The job ended early because a person asked for it; what it saved is kept."""


class JobDrained(Exception):
    """The worker is shutting down; the job goes back to the queue and this does not count as an attempt."""


class LeaseLost(Exception):
    """Another worker owns the job by now. Whoever gets this must stop at once and write nothing."""


class JobRunner:
    """What a kind of job does. Subclass, name the kind, write `run`; registering is `@job_kind`."""

    kind: ClassVar[str]
    queue: ClassVar[str]
    title: ClassVar[Any]

    def run(self, context: "JobContext") -> dict[str, Any] | None:
        """Do the work; re-running must reconcile, not add. Returns what the job page shows as result."""
        raise NotImplementedError

    @classmethod
    def expected_seconds(cls, job: Job) -> float | None:
        """How long a waiting job of this kind will take; None when nobody can tell."""
        return None

    def ended(self, job: Job) -> None:
        """Called in the transaction that ends the job (done, failed, cancelled) by whoever ends it."""


runners: dict[str, type[JobRunner]] = {}


def job_kind(runner: type[JobRunner]) -> type[JobRunner]:
    if runner.kind in runners:
        raise ValueError(f"two runners for job kind {runner.kind}")
    runners[runner.kind] = runner
    return runner


@dataclass
class JobContext:
    """A runner's hold on its row. Every write is fenced by the attempt: `LeaseLost` when it is not ours now."""

    job: Job
    lost: threading.Event = field(default_factory=threading.Event)

    @property
    def arguments(self) -> dict[str, Any]:
        return self.job.arguments

    def fenced(self, **changes: Any) -> None:
        if not owned(self.job).update(**changes):
            self.lost.set()
            raise LeaseLost(f"job {self.job.pk} attempt {self.job.attempt}")

    def progress(self, done: int, total: int, message: str = "", *, rate: float | None = None) -> None:
        """`rate` is in units of `total` a second; the page makes the remaining time from it."""
        changes: dict[str, Any] = {"progress_done": done, "progress_total": total}
        if message:
            changes["message"] = storable(message)[:500]
        if rate is not None:
            changes["result"] = {"rate": rate}
        self.fenced(**changes)

    def log(self, message: str, level: str = "info") -> None:
        if self.lost.is_set():
            raise LeaseLost(f"job {self.job.pk}")
        JobLog.objects.create(job=self.job, attempt=self.job.attempt, level=level, message=storable(message)[:20_000])

    def fruitful(self) -> None:
        """This attempt brought lasting progress, such as a complete checkpoint: later failures start counting anew."""
        self.fenced(fruitless=0)
        self.job.fruitless = 0

    def stop_intent(self) -> str:
        """ "" (go on), "stop", "cancel", "finish" (a person asked), "drain" (this worker is shutting down)."""
        if self.lost.is_set():
            raise LeaseLost(f"job {self.job.pk}")
        row = owned(self.job).values_list("state", "stop_intent").first()
        if row is None:
            self.lost.set()
            raise LeaseLost(f"job {self.job.pk}")
        if row[0] == JobState.STOPPING:
            return row[1] or "cancel"
        # The night is over: the work is given back as when the worker shuts down, and goes on tomorrow.
        return "drain" if draining.is_set() or (self.job.nights and not is_night()) else ""

    def checkpoint(self) -> None:
        """For runners that keep nothing between attempts: raises when the job should end here."""
        intent = self.stop_intent()
        if intent == "drain":
            raise JobDrained
        if intent:
            raise JobStopped(_("Stopped on request."))


def storable(text: str) -> str:
    """What a job says may quote a file or another program: what the database cannot hold becomes a question mark."""
    return text.replace("\x00", "?").encode("utf-8", "replace").decode()


def owned(job: Job) -> QuerySet[Job]:
    return Job.objects.filter(pk=job.pk, attempt=job.attempt, state__in=JOB_ACTIVE)


def job_send(job_id: int, queue: str) -> bool:
    """Poke a worker. A stopped Redis is no error: the sweeper sends it again."""
    try:
        current_app.send_task("core.tasks.run_job", args=[job_id], queue=queue)
    except (OSError, OperationalError) as error:
        log.warning("job_not_sent", job=job_id, error=str(error))
        return False
    Job.objects.filter(pk=job_id, state=JobState.QUEUED).update(dispatched_at=Now())
    return True


def job_claim(*, queue: str, worker: str, capabilities: tuple[str, ...] = (), slots: int = 1) -> Job | None:
    """The first eligible row of the queue, now running and ours, or None.

    The last free one of a worker's several `slots` is kept for what somebody waits for: work in the background
    (priority below 0) may take hours.
    """
    with transaction.atomic():
        waiting = Job.objects.filter(queue=queue, state=JobState.QUEUED, capability__in=("", *capabilities))
        if not is_night():
            waiting = waiting.filter(nights=False)
        if slots > 1 and background_running(worker) >= slots - 1:
            waiting = waiting.filter(priority__gte=0)
        job = waiting.select_for_update(skip_locked=True).order_by("-priority", "order", "pk").first()
        if job is None:
            return None
        Job.objects.filter(pk=job.pk).update(
            state=JobState.RUNNING,
            attempt=F("attempt") + 1,
            fruitless=F("fruitless") + 1,
            worker=worker,
            lease_until=Now() + timedelta(seconds=settings.LEASE_SECONDS),
            heartbeat_at=Now(),
            started_at=job.started_at or timezone.now(),
            error="",
            stop_intent="",
        )
        job.refresh_from_db()
        return job


def background_running(worker: str) -> int:
    return Job.objects.filter(state__in=JOB_ACTIVE, worker=worker, priority__lt=0).count()


def job_execute(job: Job) -> None:
    """Run a claimed job to its end and record that end, fenced."""
    context = JobContext(job)
    ended = threading.Event()
    keeper = threading.Thread(target=keep_lease, args=(context, ended), daemon=True, name=f"lease-{job.pk}")
    keeper.start()
    try:
        run_and_record(context)
    except LeaseLost:
        log.warning("lease_lost", job=job.pk, attempt=job.attempt)
    finally:
        ended.set()
        keeper.join()


def run_and_record(context: JobContext) -> None:
    """Each way a run can end, and what the row says then. Raises LeaseLost when the row is not ours any more."""
    job = context.job
    try:
        if job.kind not in runners:
            raise JobFailed(_("This version of the program knows no work of the kind “%(kind)s”.") % {"kind": job.kind})
        result = runners[job.kind]().run(context)
        finish(context, JobState.DONE, result=result or {}, progress_done=F("progress_total"))
    except JobStopped as stopped:
        finish(context, JobState.CANCELLED, message=storable(str(stopped))[:500])
    except JobDrained:
        message = _("Waiting for the night.") if job.nights else _("Waiting to go on after a restart.")
        requeue(owned(job), job, fruitless=Greatest(F("fruitless") - 1, 0), message=message)
    except LeaseLost:
        raise
    except HINDRANCES as hindrance:
        log.warning("job_hindered", job=job.pk, kind=job.kind, reason=str(hindrance))
        crashed(context, hindrance)
    except (JobFailed, ApplicationError) as failure:  # also what a service refuses is a sentence for people
        code = getattr(failure, "code", "")
        finish(context, JobState.FAILED, error=storable(str(failure)), result={"failure": code})
    except Exception as error:
        log.exception("job_crashed", job=job.pk, kind=job.kind)
        crashed(context, error)


def crashed(context: JobContext, error: Exception) -> None:
    """An error nobody foresaw, or a hindrance: kept in the log, tried again until `max_attempts` brought nothing."""
    hindered = isinstance(error, HINDRANCES)
    context.log(str(error) if hindered else traceback.format_exc(), "error")
    reason = storable(str(error) if hindered else f"{type(error).__name__}: {error}")[:2000]
    if context.job.fruitless >= context.job.max_attempts:
        finish(context, JobState.FAILED, error=reason, result={"failure": getattr(error, "code", "")})
    else:
        requeue(owned(context.job), context.job, message=reason[:500])


def finish(context: JobContext, state: str, **changes: Any) -> None:
    with transaction.atomic():
        context.fenced(state=state, ended_at=Now(), lease_until=None, **changes)
        tell_ended(context.job)


def tell_ended(job: Job) -> None:
    """Let the kind of job do its part, in the transaction that ends it. A kind that is gone has no part."""
    job.refresh_from_db()
    if job.kind in runners:
        runners[job.kind]().ended(job)
    for told in registries.job_ended:
        told(job)


def requeue(rows: QuerySet[Job], job: Job, **changes: Any) -> bool:
    """Give the job back to its queue, if `rows` still holds it; the sweeper or the next poke finds it."""
    back = rows.filter(state=JobState.RUNNING)
    if back.update(state=JobState.QUEUED, lease_until=None, worker="", dispatched_at=None, **changes):
        return True
    return end_stopped(rows, job)


def end_stopped(rows: QuerySet[Job], job: Job) -> bool:
    """A job that somebody asked to stop while its worker went away ends as cancelled."""
    with transaction.atomic():
        count = rows.filter(state=JobState.STOPPING).update(
            state=JobState.CANCELLED, ended_at=Now(), lease_until=None, message=_("Stopped on request.")
        )
        if count:
            tell_ended(job)
    return bool(count)


def keep_lease(context: JobContext, ended: threading.Event) -> None:
    """Renew the lease until the job ended. A worker that cannot renew in time gives the job up; one that got no
    processor in time does not, as long as nobody took the row: the attempt tells."""
    last = timezone.now()
    while not ended.wait(settings.HEARTBEAT_SECONDS):
        try:
            if not renew(context.job):
                context.lost.set()
                break
            last = timezone.now()
        except Exception as error:
            log.warning("heartbeat_failed", job=context.job.pk, error=str(error))
            close_old_connections()
            if timezone.now() - last > timedelta(seconds=settings.LEASE_SECONDS):
                context.lost.set()
                break
    connection.close()


def renew(job: Job) -> bool:
    """Not waited for on the disk: a power cut that undoes it ends the worker, too."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO off")
        until = Now() + timedelta(seconds=settings.LEASE_SECONDS)
        return bool(owned(job).update(lease_until=until, heartbeat_at=Now()))


def on_commit_send(job: Job) -> None:
    transaction.on_commit(_sender(job.pk, job.queue))


def _sender(job_id: int, queue: str) -> Callable[[], None]:
    def send() -> None:
        job_send(job_id, queue)

    return send
