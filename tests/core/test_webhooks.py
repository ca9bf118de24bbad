"""Webhooks: told in the transaction of what happened, signed, tried until taken, at least once, under one number."""

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.core.cache import caches
from django.db import transaction
from django.test import Client
from django.utils import timezone

from core import registries
from core.choices import DeliveryState, WebhookState
from core.denied import ApplicationError
from core.jobs import JobRunner, job_kind, runners
from core.models import Delivery, Event, Job, Project, User
from core.services.jobs import job_create
from core.services.webhooks import (
    KEPT_DAYS,
    PAUSES,
    deliveries_due,
    deliveries_prune,
    delivery_resend,
    webhook_create,
    webhook_remove,
    webhook_switch,
    webhook_tell,
)
from tests.world import run_jobs

pytestmark = pytest.mark.django_db(transaction=True)


class Receiver(BaseHTTPRequestHandler):
    seen: list[tuple[dict[str, str], str]] = []
    answers: list[int] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        type(self).seen.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(type(self).answers.pop(0) if type(self).answers else 204)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[str]:
    monkeypatch.setattr(Receiver, "seen", [])
    monkeypatch.setattr(Receiver, "answers", [])
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    settings.DOOR_ALLOW = [f"127.0.0.1:{server.server_port}"]
    yield f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Job]:
    """Makes jobs that end at once; "fail" fails."""

    class Work(JobRunner):
        kind, queue, title = "work", "default", "Work"

        def run(self, context: Any) -> dict[str, Any] | None:
            if context.arguments.get("fail"):
                from core.jobs import JobFailed

                raise JobFailed("A sentence with a secret text.")
            return {}

    monkeypatch.delitem(runners, "work", raising=False)
    job_kind(Work)
    monkeypatch.setitem(runners, "work", runners.pop("work"))
    return lambda project, **arguments: job_create(actor=None, kind="work", project=project, arguments=arguments)


def sent(event: str) -> list[tuple[dict[str, str], dict[str, Any]]]:
    return [(headers, json.loads(body)) for headers, body in Receiver.seen if headers["x-apprentice-event"] == event]


def test_a_finished_job_is_told_signed_and_once(
    admin: User, project: Project, receiver: str, work: Callable[..., Job]
) -> None:
    webhook = webhook_create(actor=admin, url=receiver, events=["job.done"], project=project)
    job = work(project)
    work(project, fail=True)
    run_jobs()
    run_jobs()
    [(headers, told)] = sent("job.done")
    assert told["job"] == {"id": job.pk, "kind": "work", "state": "done", "address": ""}
    assert told["project"] == project.slug
    assert told["delivery"] == headers["x-apprentice-delivery"]
    body = next(text for known, text in Receiver.seen if known == headers)
    signed = hmac.new(webhook.secret.encode(), f"{headers['x-apprentice-timestamp']}.{body}".encode(), hashlib.sha256)
    assert headers["x-apprentice-signature"] == f"sha256={signed.hexdigest()}"
    assert len(sent("ping")) == 1
    assert set(Delivery.objects.values_list("state", flat=True)) == {DeliveryState.TAKEN}
    assert Event.objects.filter(action="door.sent").count() == 2
    assert not [text for _headers, text in Receiver.seen if "secret text" in text]


def test_what_is_not_taken_is_tried_again_later_under_its_number_and_given_up_in_the_end(
    admin: User, receiver: str
) -> None:
    Receiver.answers = [500, 302, 204]
    webhook_create(actor=admin, url=receiver, events=["job.done"])
    run_jobs()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.status) == (DeliveryState.WAITING, 1, 500)
    assert timedelta(seconds=50) < delivery.next_at - timezone.now() <= timedelta(minutes=PAUSES[0])
    deliveries_due()
    assert run_jobs() == []
    for attempts, state in ((2, DeliveryState.WAITING), (3, DeliveryState.TAKEN)):
        Delivery.objects.update(next_at=timezone.now())
        deliveries_due()
        run_jobs()
        delivery.refresh_from_db()
        assert (delivery.attempts, delivery.state) == (attempts, state)
    assert {headers["x-apprentice-delivery"] for headers, _body in Receiver.seen} == {str(delivery.number)}
    Delivery.objects.update(state=DeliveryState.WAITING, attempts=len(PAUSES), next_at=timezone.now())
    Receiver.answers = [503]
    deliveries_due()
    run_jobs()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error) == (DeliveryState.GIVEN_UP, "The receiver answered 503.")
    delivery_resend(actor=admin, delivery=delivery)
    run_jobs()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (DeliveryState.TAKEN, 1)


def test_a_closed_door_is_told_with_its_cure_and_nothing_leaves(admin: User, receiver: str, settings: Any) -> None:
    settings.DOOR_ALLOW = []
    webhook_create(actor=admin, url=receiver, events=["job.done"])
    run_jobs()
    assert "the operator can add it to DOOR_ALLOW" in Delivery.objects.get().error
    assert Receiver.seen == []


def test_a_webhook_whose_maker_is_no_admin_any_more_sends_nothing(admin: User, receiver: str) -> None:
    webhook_create(actor=admin, url=receiver, events=["job.done"])
    User.objects.filter(pk=admin.pk).update(is_superuser=False)
    run_jobs()
    assert "Only an admin" in Delivery.objects.get().error
    assert Receiver.seen == []


def test_what_is_rolled_back_is_not_told(admin: User, project: Project, receiver: str) -> None:
    webhook_create(actor=admin, url=receiver, events=["version.frozen"])
    with transaction.atomic():
        assert webhook_tell(event="version.frozen", project=project, data={}) == 1
        transaction.set_rollback(True)
    assert list(Delivery.objects.values_list("event", flat=True)) == ["ping"]


def test_a_project_hears_of_its_own_and_a_paused_webhook_of_nothing(
    admin: User, project: Project, receiver: str, stranger: User
) -> None:
    elsewhere = Project.objects.exclude(pk=project.pk).get()
    webhook = webhook_create(actor=admin, url=receiver, events=["job.done"], project=project)
    assert webhook_tell(event="job.done", project=elsewhere, data={}) == 0
    webhook_switch(actor=admin, webhook=webhook, state=WebhookState.PAUSED)
    assert webhook_tell(event="job.done", project=project, data={}) == 0
    run_jobs()
    assert Receiver.seen == []
    webhook_switch(actor=admin, webhook=webhook, state=WebhookState.ACTIVE)
    run_jobs()
    assert len(Receiver.seen) == 1
    webhook_remove(actor=admin, webhook=webhook)
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("url", ["ftp://example.org", "https://", "https://user:pass@example.org/", "example.org"])
def test_an_address_that_is_none_is_refused(admin: User, url: str) -> None:
    with pytest.raises(ApplicationError) as refused:
        webhook_create(actor=admin, url=url, events=["job.done"])
    assert refused.value.field == "url"
    with pytest.raises(ApplicationError):
        webhook_create(actor=admin, url="https://example.org", events=["everything"])


def test_a_delivery_whose_worker_dies_on_the_way_is_sent_again_after_its_pause(
    admin: User, receiver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook_create(actor=admin, url=receiver, events=["job.done"])
    with monkeypatch.context() as patched:
        patched.setattr("core.services.webhooks.signed_headers", lambda *_arguments: 1 / 0)
        run_jobs()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts, Receiver.seen) == (DeliveryState.WAITING, 1, [])
    Delivery.objects.update(next_at=timezone.now())
    deliveries_due()
    run_jobs()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (DeliveryState.TAKEN, 2)


def test_what_ended_long_ago_leaves_the_log_and_what_waits_stays(admin: User) -> None:
    webhook = webhook_create(actor=admin, url="https://hooks.example.org:443/x", events=["job.done"])
    webhook_switch(actor=admin, webhook=webhook, state=WebhookState.PAUSED)
    long_ago, lately = (timezone.now() - timedelta(days=KEPT_DAYS, hours=hours) for hours in (1, -1))
    for state, ended in (
        (DeliveryState.TAKEN, long_ago), (DeliveryState.GIVEN_UP, long_ago), (DeliveryState.TAKEN, lately),
        (DeliveryState.GIVEN_UP, lately),
    ):  # fmt: skip
        Delivery.objects.create(webhook=webhook, event="job.done", state=state, ended_at=ended, next_at=ended)
    Delivery.objects.update(created_at=long_ago)
    caches["near"].delete("deliveries-pruned")
    deliveries_prune()
    left = Delivery.objects.order_by("pk").values_list("event", "state", "ended_at")
    assert list(left) == [
        ("ping", DeliveryState.WAITING, None), ("job.done", DeliveryState.TAKEN, lately),
        ("job.done", DeliveryState.GIVEN_UP, lately),
    ]  # fmt: skip
    assert deliveries_prune in registries.chores


def test_in_the_browser_an_admin_makes_pauses_and_reads_the_log(
    admin: User, receiver: str, as_user: Callable[[User], Client]
) -> None:
    client = as_user(admin)
    assert client.post("/webhooks/", {"url": "x", "events": ["job.done"]}).status_code == 400
    assert client.get("/webhooks/").content.decode().count('" checked') == 3
    page = client.post("/webhooks/", {"url": receiver, "events": ["job.done", "job.failed"]}).content.decode()
    delivery = Delivery.objects.get()
    assert delivery.webhook.secret in page
    Receiver.answers = [500]
    run_jobs()
    assert delivery.webhook.secret not in client.get("/webhooks/").content.decode()
    log = client.get(f"/webhooks/{delivery.webhook_id}/").content.decode()
    assert "The receiver answered 500." in log
    assert "An entry is kept for 90 days" in log
    client.post(f"/webhooks/{delivery.webhook_id}/switch/")
    assert "Paused" in client.get(f"/webhooks/{delivery.webhook_id}/").content.decode()
    client.post(f"/webhooks/{delivery.webhook_id}/switch/")
    client.post(f"/webhooks/deliveries/{delivery.pk}/resend/")
    run_jobs()
    assert len(Receiver.seen) == 2
    client.post(f"/webhooks/{delivery.webhook_id}/remove/")
    assert not Delivery.objects.exists()


def test_a_program_does_the_same(admin: User, receiver: str, project: Project, api_as: Any) -> None:
    client = api_as(admin)
    made = client.post("/api/v1/webhooks/", {"url": receiver, "events": ["job.done"], "project": project.slug}).json()
    assert len(made["secret"]) > 30
    run_jobs()
    assert "secret" not in client.get(f"/api/v1/webhooks/{made['id']}/").json()
    [delivery] = client.get(f"/api/v1/webhooks/{made['id']}/deliveries/").json()["results"]
    assert (delivery["event"], delivery["state"], delivery["status"]) == ("ping", "taken", 204)
    assert client.post(f"/api/v1/webhooks/deliveries/{delivery['id']}/resend/").status_code == 202
    assert client.patch(f"/api/v1/webhooks/{made['id']}/", {"state": "paused"}).json()["state"] == "paused"
    assert client.delete(f"/api/v1/webhooks/{made['id']}/").status_code == 204
