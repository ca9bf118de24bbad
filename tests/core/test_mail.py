"""Mail: through the door alone, one to each who is told, tried until the server takes it."""

import email
import email.policy
import socketserver
import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.choices import DeliveryState
from core.models import Delivery, Event, Project, User, Webhook
from core.services.webhooks import deliveries_due, mail_server_create, mail_tell, webhook_create
from tests.world import run_jobs

pytestmark = pytest.mark.django_db(transaction=True)


class Post(socketserver.StreamRequestHandler):
    """As much of a mail server (RFC 5321) as takes mails."""

    taken: list[tuple[str, list[str], EmailMessage]] = []
    said: list[str] = []
    refusals: list[str] = []  # said to the next recipients

    def handle(self) -> None:
        sender, recipients = "", list[str]()
        self.say("220 post.example.org")
        while line := self.rfile.readline().decode().strip():
            word, _, rest = line.partition(" ")
            type(self).said.append(word.upper())
            if word.upper() == "EHLO":
                self.say("250-post.example.org", "250 8BITMIME")
            elif word.upper() == "MAIL":
                sender = rest
                self.say("250 ok")
            elif word.upper() == "RCPT":
                refused = type(self).refusals.pop(0) if type(self).refusals else ""
                recipients += [] if refused else [rest]
                self.say(refused or "250 ok")
            elif word.upper() == "DATA":
                self.say("354 go on")
                lines = b"".join(iter(self.rfile.readline, b".\r\n"))
                message = email.message_from_bytes(lines, policy=email.policy.default)
                type(self).taken.append((sender, recipients, message))  # type: ignore[arg-type]
                self.say("250 taken")
            elif word.upper() == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[str]:
    for name in ("taken", "said", "refusals"):
        monkeypatch.setattr(Post, name, [])
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Post) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        settings.DOOR_ALLOW = [f"127.0.0.1:{server.server_address[1]}"]
        yield f"smtp://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def named(admin: User, url: str, **more: Any) -> Webhook:
    return mail_server_create(
        actor=admin, url=url, sender="apprentice@example.org", site="https://here.example", **more
    )


def test_each_who_is_told_gets_a_mail_of_their_own_and_the_door_tells_what_left(
    admin: User, owner: User, expert: User, stranger: User, project: Project, post: str
) -> None:
    named(admin, post)
    run_jobs()
    [(_sender, recipients, first)] = Post.taken
    assert (recipients, first["Subject"]) == ([f"TO:<{admin.email}>"], "Apprentice can send mail")
    Post.taken.clear()
    told = mail_tell(
        users=[owner.pk, expert.pk, stranger.pk], project=project, subject="Café:\nBcc: x@example.org", text="Dóne.",
        path="/p/x/",
    )  # fmt: skip
    assert told == 2
    run_jobs()
    assert sorted(recipients for _from, recipients, _mail in Post.taken) == sorted(
        [f"TO:<{person.email}>"] for person in (owner, expert)
    )
    mail = Post.taken[0][2]
    assert (mail["Subject"], mail["Bcc"], mail["To"]) == ("Café: Bcc: x@example.org", None, owner.email)
    assert mail.get_content().replace("\r\n", "\n") == "Dóne.\n\nhttps://here.example/p/x/\n"
    assert set(Delivery.objects.values_list("state", "status")) == {(DeliveryState.TAKEN, 250)}
    assert Event.objects.filter(action="door.sent", summary__startswith="mail ").count() == 3


def test_a_mail_that_is_refused_is_tried_again_under_its_number(
    admin: User, owner: User, project: Project, post: str
) -> None:
    named(admin, post, project=project)
    run_jobs()
    Post.taken.clear()
    Post.refusals = ["451 later"]
    mail_tell(users=[owner.pk], project=project, subject="Done", text="Done.", path="/")
    run_jobs()
    delivery = Delivery.objects.get(attempts=1, state=DeliveryState.WAITING)
    assert ("later" in delivery.error, Post.taken) == (True, [])
    Delivery.objects.filter(pk=delivery.pk).update(next_at=timezone.now())
    deliveries_due()
    run_jobs()
    assert Post.taken[0][2]["Message-ID"] == f"<{delivery.number}@example.org>"


def test_no_password_leaves_in_the_clear_and_a_closed_door_stays_closed(admin: User, post: str, settings: Any) -> None:
    named(admin, post, user="ada", password="secret")
    run_jobs()
    assert "offers no encryption" in Delivery.objects.get().error
    assert not {"AUTH", "MAIL"} & set(Post.said)
    Post.said.clear()
    settings.DOOR_ALLOW = []
    Delivery.objects.update(next_at=timezone.now())
    deliveries_due()
    run_jobs()
    assert ("DOOR_ALLOW" in Delivery.objects.get().error, Post.said) == (True, [])


def test_without_a_mail_server_nobody_is_mailed(admin: User, owner: User, project: Project) -> None:
    webhook_create(actor=admin, url="https://hooks.example.org/x", events=["job.done"])
    assert mail_tell(users=[owner.pk], project=project, subject="Done", text="Done.", path="/") == 0
    assert not Delivery.objects.filter(event="mail").exists()


def test_the_page_and_a_program_name_one(
    admin: User, post: str, as_user: Callable[[User], Client], api_as: Any, project: Project
) -> None:
    client = as_user(admin)
    wrong = client.post("/webhooks/", {"mail-url": "http://127.0.0.1:1", "mail-sender": "a@example.org"})
    assert (wrong.status_code, "smtps://host:465" in wrong.content.decode()) == (400, True)
    given = {"mail-url": post, "mail-sender": "a@example.org", "mail-project": project.pk}
    made = client.post("/webhooks/", given)
    assert made.status_code == 302
    run_jobs()
    log = client.get(made.headers["Location"]).content.decode()
    assert ("250" in log, "Apprentice can send mail" in log) == (True, True)
    api = api_as(admin)
    assert api.post("/api/v1/webhooks/", {"url": post}, format="json").status_code == 400
    answer = api.post("/api/v1/webhooks/", {"url": post, "sender": "a@example.org"}, format="json")
    assert (answer.status_code, answer.json()["kind"], answer.json()["events"]) == (201, "mail", ["mail"])
    assert Webhook.objects.latest("pk").site == "http://testserver"
