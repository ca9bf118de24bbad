from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.choices import JOB_ENDED, JOB_WAITING, JobState
from core.denied import ApplicationError
from core.jobs import on_commit_send, runners, tell_ended
from core.models import Job, Project, User
from core.services.events import event_record

MOVES = ("first", "up", "down", "last")
WAITS_NO_MORE = gettext_lazy("This job is not waiting any more; reload the page to see its state.")


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
    nights: bool = False,
) -> Job:
    """Queue work and send the poke on commit. With a `once_key`, an open job of that key is returned instead; one that
    waits gets the higher priority of the two."""
    if once_key:
        # The advisory lock makes two clicks in the same moment find each other's row.
        with transaction.get_connection().cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [once_key])
        if found := Job.objects.filter(once_key=once_key).exclude(state__in=JOB_ENDED).first():
            if Job.objects.filter(pk=found.pk, state__in=JOB_WAITING, priority__lt=priority).update(priority=priority):
                found.priority = priority
                on_commit_send(found)
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
        nights=nights,
        requested_by=actor,
    )
    event_record(actor=actor, action="job.created", project=project, subject=job, summary=f"{kind} {subject}")
    on_commit_send(job)
    return job


@transaction.atomic
def job_stop(*, actor: User, job: Job, intent: str = "cancel") -> Job:
    """Ask a job to end: "stop" keeps what it did so that it can go on later, "finish" takes what it did as the result
    (for kinds of work that can), "cancel" gives it up. Twice is once."""
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.state in JOB_WAITING:
        job.state, job.message = JobState.CANCELLED, _("Cancelled before it started.")
        job.stop_intent = intent
        job.save(update_fields=["state", "message", "stop_intent"])
        Job.objects.filter(pk=job.pk).update(ended_at=Now())
        tell_ended(job)
    elif job.state == JobState.RUNNING or (job.state == JobState.STOPPING and intent != "finish"):
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
        raise ApplicationError(WAITS_NO_MORE)
    job.refresh_from_db()
    event_record(actor=actor, action="job.held" if hold else "job.released", project=job.project, subject=job)
    if not hold:
        on_commit_send(job)
    return job


@transaction.atomic
def job_move(*, actor: User, job: Job, to: str) -> Job:
    """Move a waiting job among those of its queue and priority: `to` is first, up, down or last.

    All of them get new numbers below 0, which is where jobs that come later stand: behind.
    """
    waiting = Job.objects.filter(queue=job.queue, priority=job.priority, state__in=JOB_WAITING)
    keys = list(waiting.select_for_update().order_by("order", "pk").values_list("pk", flat=True))
    if job.pk not in keys:
        raise ApplicationError(WAITS_NO_MORE)
    place = keys.index(job.pk)
    keys.remove(job.pk)
    keys.insert({"first": 0, "up": max(0, place - 1), "down": place + 1, "last": len(keys)}[to], job.pk)
    Job.objects.bulk_update([Job(pk=key, order=number - len(keys)) for number, key in enumerate(keys)], ["order"])
    job.refresh_from_db()
    event_record(actor=actor, action="job.moved", project=job.project, subject=job, to=to)
    return job


@transaction.atomic
def job_plan(*, actor: User, job: Job, priority: int | None = None, nights: bool | None = None) -> Job:
    """Say before which others a waiting job starts, and whether only at night."""
    changes = {"priority": priority, "nights": nights}
    given: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
    if not Job.objects.filter(pk=job.pk, state__in=JOB_WAITING).update(dispatched_at=None, **given):
        raise ApplicationError(WAITS_NO_MORE)
    job.refresh_from_db()
    event_record(actor=actor, action="job.planned", project=job.project, subject=job, **given)
    on_commit_send(job)
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
