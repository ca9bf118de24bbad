"""The sweeper: sends again what nobody picked up and takes back what a dead worker held.

Every worker runs it every `SWEEP_SECONDS`; two at once do no harm, since each change is fenced like a worker's writes.
"""

from datetime import timedelta

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from kombu.exceptions import ChannelError, OperationalError
from redis.exceptions import RedisError

from core import jobs
from core.choices import JOB_ACTIVE, JobState
from core.models import Job


def sweep() -> dict[str, int]:
    """Resend what was never picked up and take back what a dead worker held. Safe to run twice at once."""
    return {"reaped": reap(), "sent": resend()}


def end_leases() -> int:
    """Let the next sweep take back every job under way: for a start that knows that no worker can be alive."""
    return Job.objects.filter(state__in=JOB_ACTIVE).update(lease_until=Now())


def reap() -> int:
    expired = Job.objects.filter(state__in=JOB_ACTIVE, lease_until__lt=Now())
    return sum(reap_safely(job) for job in expired[:200])


def reap_safely(job: Job) -> bool:
    """A job whose kind fails in `ended` must not keep the others from being taken back."""
    try:
        return reap_one(job)
    except Exception:
        jobs.log.exception("reap_failed", job=job.pk, kind=job.kind)
        return False


def reap_one(job: Job) -> bool:
    """Take a job back from a worker whose lease ran out; nothing happens if the worker renewed it meanwhile."""
    expired = jobs.owned(job).filter(lease_until__lt=Now())
    if job.state == JobState.STOPPING:
        return jobs.end_stopped(expired, job)
    if job.fruitless < job.max_attempts:
        return jobs.requeue(expired, job, message=_("The worker went away; the job starts again from what it saved."))
    reason = _(
        "The worker died %(count)s times without getting anywhere. Look at the job's log and at the worker's log; "
        "too little memory is the usual cause."
    ) % {"count": job.fruitless}
    with transaction.atomic():
        count = expired.filter(state=JobState.RUNNING).update(
            state=JobState.FAILED, ended_at=Now(), lease_until=None, error=reason
        )
        if count:
            jobs.tell_ended(job)
    return bool(count) or jobs.end_stopped(expired, job)


def resend() -> int:
    """One poke for each waiting row that has none under way. A poke that was lost with Redis is sent again.

    Where enough pokes wait in Redis already, because every worker is busy, none is added: they would pile up for
    as long as the work takes.
    """
    stale = Now() - timedelta(seconds=2 * settings.SWEEP_SECONDS)
    waiting = Job.objects.filter(state=JobState.QUEUED).filter(Q(dispatched_at=None) | Q(dispatched_at__lt=stale))
    sent = 0
    under_way: dict[str, int] = {}
    for pk, queue in waiting.order_by("-priority", "order", "pk").values_list("pk", "queue")[:50]:
        if queue not in under_way:
            under_way[queue] = pokes_in(queue)
        if under_way[queue] > 0:
            under_way[queue] -= 1
        elif jobs.job_send(pk, queue):
            sent += 1
        else:
            break  # Redis is away; asking again for each row would only wait for each time-out
    return sent


def pokes_in(queue: str) -> int:
    """How many messages nobody has taken yet; 0 when Redis does not tell."""
    try:
        with current_app.connection_for_read() as broker:
            return broker.default_channel.queue_declare(queue=queue, passive=True).message_count
    except (OSError, OperationalError, ChannelError, RedisError):
        return 0
