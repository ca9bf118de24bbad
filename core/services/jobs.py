from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max, Min
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from core.choices import JOB_ENDED, JOB_WAITING, JobState
from core.denied import ApplicationError
from core.jobs import on_commit_send, runners, tell_ended
from core.models import Job, Project, User
from core.services.events import event_record


@transaction.atomic
def job_create(
    *,
    actor: User | None,
    kind: str,
    project: Project | None = None,
    subject: str = "",
    subject_url: str = "",
    arguments: dict[str, Any] | None = None,
    once_key: str = "",
    priority: int = 0,
    capability: str = "",
) -> Job:
    """Queue work and send the poke on commit. With a `once_key`, an open job of that key is returned instead."""
    if once_key:
        # The advisory lock makes two clicks in the same moment find each other's row.
        with transaction.get_connection().cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [once_key])
        if found := Job.objects.filter(once_key=once_key).exclude(state__in=JOB_ENDED).first():
            return found
    job = Job.objects.create(
        kind=kind,
        queue=runners[kind].queue,
        project=project,
        subject=subject[:200],
        subject_url=subject_url,
        arguments=arguments or {},
        once_key=once_key,
        priority=priority,
        capability=capability,
        requested_by=actor,
    )
    event_record(actor=actor, action="job.created", project=project, subject=job, summary=f"{kind} {subject}")
    on_commit_send(job)
    return job


@transaction.atomic
def job_stop(*, actor: User, job: Job, intent: str = "cancel") -> Job:
    """Ask a job to end: "stop" keeps what it did so that it can go on later, "cancel" gives it up. Twice is once."""
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.state in JOB_WAITING:
        job.state, job.message = JobState.CANCELLED, _("Cancelled before it started.")
        job.stop_intent = intent
        job.save(update_fields=["state", "message", "stop_intent"])
        Job.objects.filter(pk=job.pk).update(ended_at=Now())
        tell_ended(job)
    elif job.state == JobState.RUNNING or (job.state == JobState.STOPPING and intent == "cancel"):
        job.state, job.stop_intent = JobState.STOPPING, intent
        job.save(update_fields=["state", "stop_intent"])
    else:
        return job
    event_record(actor=actor, action=f"job.{intent}", project=job.project, subject=job)
    return job


@transaction.atomic
def job_hold(*, actor: User, job: Job, hold: bool) -> Job:
    """Keep a waiting job from starting, or let it go on waiting its turn."""
    before, after = (JobState.QUEUED, JobState.HELD) if hold else (JobState.HELD, JobState.QUEUED)
    if not Job.objects.filter(pk=job.pk, state=before).update(state=after, dispatched_at=None):
        raise ApplicationError(_("This job is not waiting any more; reload the page to see its state."))
    job.refresh_from_db()
    event_record(actor=actor, action="job.held" if hold else "job.released", project=job.project, subject=job)
    if not hold:
        on_commit_send(job)
    return job


@transaction.atomic
def job_move(*, actor: User, job: Job, first: bool) -> Job:
    """Put a waiting job before or behind all others of its queue and priority."""
    waiting = Job.objects.filter(queue=job.queue, state__in=JOB_WAITING)
    bound = waiting.aggregate(low=Min("order"), high=Max("order"))
    order = (bound["low"] or 0) - 1 if first else (bound["high"] or 0) + 1
    if not waiting.filter(pk=job.pk).update(order=order):
        raise ApplicationError(_("This job is not waiting any more; reload the page to see its state."))
    job.refresh_from_db()
    event_record(actor=actor, action="job.moved", project=job.project, subject=job, first=first)
    return job


@transaction.atomic
def job_retry(*, actor: User, job: Job) -> Job:
    """Queue a failed or cancelled job again; it goes on from what it saved, if it saved anything."""
    try:
        with transaction.atomic():
            changed = Job.objects.filter(pk=job.pk, state__in=(JobState.FAILED, JobState.CANCELLED)).update(
                state=JobState.QUEUED,
                fruitless=0,
                error="",
                message="",
                ended_at=None,
                dispatched_at=None,
                stop_intent="",
            )
    except IntegrityError as error:
        raise ApplicationError(_("The same work is queued or running as another job already.")) from error
    if not changed:
        raise ApplicationError(_("Only a failed or cancelled job can be started again."))
    job.refresh_from_db()
    event_record(actor=actor, action="job.retried", project=job.project, subject=job)
    on_commit_send(job)
    return job
