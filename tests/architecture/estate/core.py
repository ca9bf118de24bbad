"""People's links and tokens, a job, a webhook, what people say to each other."""

from django.utils import timezone

from core.choices import LinkKind
from core.models import Comment, Delivery, Heartbeat, Job, Membership, Notice, OneTimeLink, Thread, Webhook
from core.services.invitations import link_create
from core.services.people import token_create
from tests.architecture.estate.one import Estate


def add_core(estate: Estate) -> None:
    owner, project = estate.people["owner"], estate.project
    job = Job.objects.create(
        kind="import", project=project, subject="rows.jsonl", arguments={"import": 0}, requested_by=owner
    )
    path = link_create(actor=owner, kind=LinkKind.INVITE, project=project, role="expert")
    token, _plain = token_create(actor=owner, name="script", project=project, may_write=False, days=1)
    Heartbeat.objects.create(name="worker-default@here", queue="default", seen_at=timezone.now())
    Membership.objects.get(project=project, user=owner)
    webhook = Webhook.objects.create(url="https://example.org/", events=["job.done"], created_by=estate.people["admin"])
    delivery = Delivery.objects.create(webhook=webhook, event="ping", body="{}", next_at=timezone.now())
    estate.values |= {
        "webhook": webhook.pk,
        "delivery": delivery.pk,
    }
    thread = Thread.objects.create(project=project, subject_type="pair", subject_id=0)
    notice = Notice.objects.create(
        user=owner,
        project=project,
        kind="mentioned",
        subject_type="pair",
        subject_id=0,
        url="/p/x/",
    )
    estate.values |= {
        "comment": Comment.objects.create(thread=thread, author=owner, body="So it is.").pk,
        "notice": notice.pk,
        "job": job.pk,
        "secret": path.strip("/").split("/")[-1],
        "invitation": OneTimeLink.objects.latest("pk").pk,
        "user": estate.people["viewer"].pk,
        "key": token.token_key,
    }
