"""Telling others what happened: a row for each delivery, sent by a job through the door until it is taken.

A delivery is written in the transaction of what it tells, and its row is only then done when the receiver answered with
2xx: it arrives at least once, and always under the same number. What goes out names ids, kinds and states, never texts.
"""

import hashlib
import hmac
import json
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.core.cache import caches
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.choices import DeliveryState, MailWish, Queue, WebhookEvent, WebhookKind, WebhookState
from core.denied import ApplicationError
from core.door import MAIL_PORTS, DoorClosed, door_mail, door_request, host_and_port
from core.jobs import JobContext, JobRunner, job_kind
from core.models import Delivery, Job, Project, User, Webhook
from core.services.events import event_record
from core.services.inbox import who_may_see
from core.services.jobs import job_create
from core.services.mail import mail_of

PING = "ping"
# Minutes between attempts: about two days in all, then it is given up and can be sent again by hand.
PAUSES = (1, 5, 15, 60, 180, 360, 720, 1440)
KEPT_DAYS = 90  # in the log, after a delivery ended
BETWEEN_PRUNINGS = 3600  # seconds
KIND = "webhooks"
MAIL = "mail"  # the event of a mail server's deliveries
SECONDS = 10.0
LARGEST_ANSWER = 64 * 1024


@transaction.atomic
def webhook_create(*, actor: User, url: str, events: list[str], project: Project | None = None) -> Webhook:
    """Make a webhook and send it a first "ping". Raises ApplicationError, naming the field."""
    try:
        host, _port = host_and_port(url)
    except DoorClosed as error:
        raise ApplicationError(str(error), field="url") from error
    unknown = sorted(set(events) - set(WebhookEvent.values))
    if unknown or not events:
        raise ApplicationError(_("Choose at least one of: %s.") % ", ".join(WebhookEvent.values), field="events")
    webhook = Webhook.objects.create(url=url, events=sorted(set(events)), project=project, created_by=actor)
    event_record(actor=actor, action="webhook.created", project=project, subject=webhook, host=host)
    delivery_queue(webhook, PING, project, {})
    return webhook


@transaction.atomic
def mail_server_create(
    *, actor: User, url: str, sender: str, site: str, user: str = "", password: str = "", project: Project | None = None
) -> Webhook:
    """Name the server that carries news to people, and send its maker a first mail. Raises ApplicationError.

    `site` is the address under which people find this installation. The password is never shown again.
    """
    form = _("Give an address of the form smtps://host:465 or smtp://host:587.")
    try:
        host, _port = host_and_port(url, MAIL_PORTS)
    except DoorClosed as error:
        raise ApplicationError(form, field="url") from error
    if urlsplit(url).path.strip("/"):
        raise ApplicationError(form, field="url")
    if bool(user) != bool(password):
        raise ApplicationError(_("Give both a user and a password, or neither."), field="user")
    if not (user + password).isascii():
        text = _("Mail servers take users and passwords of plain letters, digits and signs only (ASCII).")
        raise ApplicationError(text, field="password")
    server = Webhook.objects.create(
        kind=WebhookKind.MAIL, url=url, events=[MAIL], project=project, created_by=actor, sender=sender, site=site,
        user=user, secret=password,
    )  # fmt: skip
    event_record(actor=actor, action="webhook.created", project=project, subject=server, host=host)
    subject, text = _("Apprentice can send mail"), _("This mail server now carries the news of trainings.")
    mail_queue(server, [actor.email], subject, text, "/")
    return server


def mail_tell(
    *, users: Collection[int], asked_by: int | None, project: Project, subject: str, text: str, path: str
) -> int:
    """Queue a mail to each of those of `users` who may see the project and want it, in the transaction under way.
    Returns how many. It ends with the address of the page at `path`; `asked_by` is whose wish it was that came true.

    The project's own mail server goes before that of all projects; where there is none, nobody is mailed.
    """
    wanted = Webhook.objects.filter(kind=WebhookKind.MAIL, state=WebhookState.ACTIVE)
    servers = wanted.filter(Q(project=project) | Q(project=None)).order_by("project", "-pk")
    server = servers.first()
    if server is None:
        return 0
    people = [user for user in who_may_see(project, users) if wants(user, asked_by)]
    mail_queue(server, [user.email for user in people], subject, text, path)
    return len(people)


def wants(user: User, asked_by: int | None) -> bool:
    return user.mails == MailWish.ALL or (user.mails == MailWish.OWN and user.pk == asked_by)


def mail_queue(server: Webhook, addresses: Sequence[str], subject: str, text: str, path: str) -> None:
    """One delivery each: nobody reads the others' addresses, and what failed for one is not sent twice to another."""
    for address in addresses:
        told = {"to": address, "subject": " ".join(subject.split())[:200], "text": text, "path": path}
        Delivery.objects.create(
            webhook=server, event=MAIL, next_at=timezone.now(), body=json.dumps(told, ensure_ascii=False)
        )
    deliveries_ask()


@transaction.atomic
def webhook_switch(*, actor: User, webhook: Webhook, state: WebhookState) -> Webhook:
    """Pause a webhook, or let it go on: what waited meanwhile is sent then."""
    Webhook.objects.filter(pk=webhook.pk).update(state=state)
    webhook.state = state
    event_record(actor=actor, action=f"webhook.{state}", project=webhook.project, subject=webhook)
    if state == WebhookState.ACTIVE:
        deliveries_ask()
    return webhook


@transaction.atomic
def webhook_remove(*, actor: User, webhook: Webhook) -> None:
    event_record(actor=actor, action="webhook.removed", project=webhook.project, subject=webhook)
    webhook.delete()


@transaction.atomic
def delivery_resend(*, actor: User, delivery: Delivery) -> Delivery:
    """Send a delivery once more, under its old number, whether it had been taken or given up."""
    Delivery.objects.filter(pk=delivery.pk).update(
        state=DeliveryState.WAITING, attempts=0, next_at=Now(), ended_at=None
    )
    event_record(actor=actor, action="webhook.resent", subject=delivery.webhook, delivery=str(delivery.number))
    deliveries_ask()
    delivery.refresh_from_db()
    return delivery


def webhook_tell(*, event: str, project: Project | None, data: dict[str, Any]) -> int:
    """Queue a delivery to every webhook that wants this event, in the transaction under way. Returns how many."""
    wanted = Webhook.objects.filter(state=WebhookState.ACTIVE, events__contains=[event])
    found = [hook for hook in wanted if hook.project_id in (None, project.pk if project else None)]
    for webhook in found:
        delivery_queue(webhook, event, project, data)
    return len(found)


def job_told(job: Job) -> None:
    """For `core.jobs.tell_ended`: every finished job but the deliveries' own."""
    if job.kind != KIND:
        about = {"id": job.pk, "kind": job.kind, "state": job.state, "address": job.subject_url}
        webhook_tell(event=f"job.{job.state}", project=job.project, data={"job": about})


def delivery_queue(webhook: Webhook, event: str, project: Project | None, data: dict[str, Any]) -> None:
    delivery = Delivery(webhook=webhook, event=event, next_at=timezone.now())
    told = {
        "delivery": str(delivery.number), "event": event, "at": timezone.now().isoformat(timespec="seconds"),
        "project": project.slug if project else None, **data,
    }  # fmt: skip
    delivery.body = json.dumps(told, separators=(",", ":"))
    delivery.save()
    deliveries_ask()


def deliveries_ask() -> None:
    job_create(actor=None, kind=KIND, once_key=KIND, priority=-1)


def deliveries_due() -> None:
    """A chore of the sweeper: poke a worker when a delivery waits whose pause is over."""
    if due().exists():
        deliveries_ask()


def deliveries_prune() -> None:
    """A chore of the scheduler, once an hour: what ended long ago leaves the log; what waits stays, however old."""
    if caches["near"].add("deliveries-pruned", True, BETWEEN_PRUNINGS):
        Delivery.objects.filter(ended_at__lt=timezone.now() - timedelta(days=KEPT_DAYS)).delete()


def due() -> Any:
    return Delivery.objects.filter(
        state=DeliveryState.WAITING, next_at__lte=Now(), webhook__state=WebhookState.ACTIVE
    ).select_related("webhook__created_by", "webhook__project")


@job_kind
class Deliver(JobRunner):
    kind = KIND
    queue = Queue.DEFAULT
    title = gettext_lazy("Tell webhooks")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        taken = done = 0
        tried: set[int] = set()
        while delivery := due().exclude(pk__in=tried).order_by("next_at", "pk").first():
            context.checkpoint()
            tried.add(delivery.pk)
            taken += deliver(delivery)
            done += 1
            context.progress(done, done)
        return {"sent": done, "taken": taken}

    def ended(self, job: Job) -> None:
        # A delivery may have been queued after our last look, while this job was still open.
        deliveries_due()


def deliver(delivery: Delivery) -> bool:
    """Send it once and write down how it went. Only an answer of 2xx counts as taken.

    The attempt is counted before anything leaves, so that a worker that dies on the way does not try without end.
    """
    attempts = delivery.attempts + 1
    last = attempts > len(PAUSES)
    pause = timedelta(minutes=PAUSES[min(attempts, len(PAUSES)) - 1])
    mine = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.WAITING)
    if not mine.filter(attempts=delivery.attempts).update(attempts=attempts, next_at=timezone.now() + pause):
        return False  # somebody else is at it
    status, reason = send(delivery)
    changes: dict[str, Any] = {"status": status, "error": reason[:400]}
    if not reason or last:
        changes |= {"state": DeliveryState.GIVEN_UP if reason else DeliveryState.TAKEN, "ended_at": Now()}
    # Sent again by hand meanwhile, the row counts anew; then this answer is about an earlier try.
    mine.filter(attempts=attempts).update(**changes)
    return not reason


def send(delivery: Delivery) -> tuple[int | None, str]:
    """The status of the answer, and why it does not count ("" if it does)."""
    webhook = delivery.webhook
    try:
        if webhook.kind == WebhookKind.MAIL:
            return mailed(webhook, delivery)
        answer = door_request(
            actor=webhook.created_by,
            purpose=f"webhook {webhook.pk}: {delivery.event}",
            method="POST",
            url=webhook.url,
            body=delivery.body.encode(),
            headers=signed_headers(webhook, delivery),
            seconds=SECONDS,
            most_bytes=LARGEST_ANSWER,
        )
    except ApplicationError as error:
        return None, str(error)
    if 200 <= answer.status < 300:
        return answer.status, ""
    return answer.status, _("The receiver answered %d.") % answer.status


def mailed(webhook: Webhook, delivery: Delivery) -> tuple[int, str]:
    """250 is what a mail server says when it takes one."""
    door_mail(
        actor=webhook.created_by,
        purpose=f"mail {delivery.number}",
        url=webhook.url,
        message=mail_of(webhook, delivery),
        user=webhook.user,
        password=webhook.secret,
        seconds=SECONDS,
    )
    return 250, ""


def signed_headers(webhook: Webhook, delivery: Delivery) -> dict[str, str]:
    """The signature is over moment and body, so that an old delivery cannot be sent again by somebody else."""
    moment = str(int(timezone.now().timestamp()))
    return {
        "Content-Type": "application/json",
        "User-Agent": "Apprentice-Webhook/1",
        "X-Apprentice-Event": delivery.event,
        "X-Apprentice-Delivery": str(delivery.number),
        "X-Apprentice-Timestamp": moment,
        "X-Apprentice-Signature": f"sha256={signature(webhook.secret, moment, delivery.body)}",
    }


def signature(secret: str, moment: str, body: str) -> str:
    """HMAC-SHA-256 (RFC 2104) of "moment.body" in hexadecimal digits."""
    return hmac.new(secret.encode(), f"{moment}.{body}".encode(), hashlib.sha256).hexdigest()
