"""Mail: through the door alone, one to each who is told, tried until the server takes it."""

import email
import email.policy
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.choices import DeliveryState
from core.denied import ApplicationError
from core.models import Delivery, Event, Project, User, Webhook
from core.services.webhooks import deliveries_due, mail_server_create, mail_tell, webhook_create
from tests.faults.certificates import write_certificate
from tests.world import run_jobs

pytestmark = pytest.mark.django_db(transaction=True)


class Post(socketserver.StreamRequestHandler):
    """As much of a mail server (RFC 5321, RFC 3207) as takes mails."""

    taken: list[tuple[str, list[str], EmailMessage]] = []
    said: list[str] = []
    refusals: list[str] = []  # said to the next recipients
    secure: ssl.SSLContext | None = None  # encrypts from the first byte, or where the client asks
    at_once = False

    def handle(self) -> None:
        try:
            if self.at_once:
                self.encrypt()
            self.converse()
        except OSError:
            return  # the client went away, as it does when it dislikes our certificate
        finally:
            self.request.close()

    def encrypt(self) -> None:
        assert self.secure is not None
        self.request = self.secure.wrap_socket(self.request, server_side=True)
        self.setup()

    def converse(self) -> None:
        sender, recipients = "", list[str]()
        self.say("220 post.example.org")
        while line := self.rfile.readline().decode().strip():
            word, _, rest = line.partition(" ")
            type(self).said.append(word.upper())
            if word.upper() == "EHLO":
                encrypted = isinstance(self.request, ssl.SSLSocket)
                more = "AUTH PLAIN" if encrypted else "STARTTLS" if self.secure else "HELP"
                self.say("250-post.example.org", f"250-{more}", "250 8BITMIME")
            elif word.upper() == "STARTTLS":
                self.say("220 go on")
                self.encrypt()
            elif word.upper() == "AUTH":
                self.say("235 welcome")
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


@pytest.fixture(params=["smtps", "smtp"])
def secret_post(
    request: pytest.FixtureRequest, post: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], tuple[str, Path]]:
    """Let the mail server prove itself by a certificate for a name; returns its address and the certificate's path."""

    def certify(name: str) -> tuple[str, Path]:
        secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate, key = write_certificate(tmp_path, name)
        secure.load_cert_chain(certificate, key)
        monkeypatch.setattr(Post, "secure", secure)
        monkeypatch.setattr(Post, "at_once", request.param == "smtps")
        return post.replace("smtp", request.param), certificate

    return certify


def named(admin: User, url: str, **more: Any) -> Webhook:
    return mail_server_create(
        actor=admin, url=url, sender="apprentice@example.org", site="https://here.example", **more
    )


def send_again() -> None:
    Delivery.objects.update(next_at=timezone.now())
    deliveries_due()
    run_jobs()


def test_each_who_is_told_gets_a_mail_of_their_own_and_the_door_tells_what_left(
    admin: User, owner: User, expert: User, stranger: User, project: Project, post: str
) -> None:
    named(admin, post)
    run_jobs()
    [(_sender, recipients, first)] = Post.taken
    assert (recipients, first["Subject"]) == ([f"TO:<{admin.email}>"], "Apprentice can send mail")
    Post.taken.clear()
    told = mail_tell(
        users=[owner.pk, expert.pk, stranger.pk], asked_by=owner.pk, project=project,
        subject="Café:\nBcc: x@example.org", text="Dóne.", path="/p/x/",
    )  # fmt: skip
    assert told == 2
    run_jobs()
    assert sorted(recipients for _from, recipients, _mail in Post.taken) == sorted(
        [f"TO:<{person.email}>"] for person in (owner, expert)
    )
    mail = Post.taken[0][2]
    assert (mail["Subject"], mail["Bcc"], mail["To"]) == ("Café: Bcc: x@example.org", None, owner.email)
    told_so, _, stop = mail.get_content().replace("\r\n", "\n").partition("\n-- \n")
    assert (told_so, "https://here.example/profile/" in stop) == ("Dóne.\n\nhttps://here.example/p/x/\n", True)
    assert mail["List-Unsubscribe"] == "<https://here.example/profile/>"
    assert set(Delivery.objects.values_list("state", "status")) == {(DeliveryState.TAKEN, 250)}
    assert Event.objects.filter(action="door.sent", summary__startswith="mail ").count() == 3


def test_a_mail_that_is_refused_is_tried_again_under_its_number(
    admin: User, owner: User, project: Project, post: str
) -> None:
    named(admin, post, project=project)
    run_jobs()
    Post.taken.clear()
    Post.refusals = ["451 later"]
    mail_tell(users=[owner.pk], asked_by=None, project=project, subject="Done", text="Done.", path="/")
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
    send_again()
    assert ("DOOR_ALLOW" in Delivery.objects.get().error, Post.said) == (True, [])


@pytest.mark.parametrize("url", ["smtps://[", "smtps://h:99999", "smtps://h:465/in", "https://h"])
def test_what_names_no_mail_server_is_refused(admin: User, url: str) -> None:
    with pytest.raises(ApplicationError, match="smtps://host:465"):
        named(admin, url)
    assert not Webhook.objects.exists()


def test_a_password_that_no_mail_server_takes_is_refused_at_once(admin: User, post: str) -> None:
    with pytest.raises(ApplicationError, match="ASCII"):
        named(admin, post, user="ada", password="hemlighetåäö")
    assert not Webhook.objects.exists()


def test_a_password_and_a_mail_go_encrypted_to_who_proves_to_be_the_server(
    admin: User, secret_post: Callable[[str], tuple[str, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, certificate = secret_post("127.0.0.1")
    named(admin, url, user="ada", password="s" * 255)
    run_jobs()
    assert "127.0.0.1 could not prove that it is 127.0.0.1 (self-signed certificate)" in Delivery.objects.get().error
    assert not {"AUTH", "MAIL"} & set(Post.said)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    send_again()
    assert (Delivery.objects.get().error, len(Post.taken)) == ("", 1)
    assert {"AUTH", "MAIL"} <= set(Post.said)


def test_nothing_is_sent_to_a_server_with_the_certificate_of_another(
    admin: User, secret_post: Callable[[str], tuple[str, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, certificate = secret_post("post.example.org")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    named(admin, url)
    run_jobs()
    error = Delivery.objects.get().error
    assert ("IP address mismatch" in error, "nothing was sent" in error, Post.taken) == (True, True, [])


def test_a_server_that_begins_in_the_clear_is_told_from_one_that_does_not(admin: User, post: str) -> None:
    named(admin, post.replace("smtp", "smtps"))
    run_jobs()
    assert "A port that begins in the clear, as 587 does, is named by smtp://." in Delivery.objects.get().error


def test_a_person_is_mailed_as_much_as_their_profile_says(
    admin: User, owner: User, expert: User, project: Project, post: str, as_user: Callable[[User], Client]
) -> None:
    named(admin, post)
    people = {"users": [owner.pk, expert.pk], "project": project, "subject": "Done", "text": "Done.", "path": "/"}
    assert mail_tell(asked_by=owner.pk, **people) == 2
    as_user(expert).post("/profile/", {"name": expert.name, "mails": "own"})
    assert [mail_tell(asked_by=who, **people) for who in (owner.pk, expert.pk, None)] == [1, 2, 1]
    as_user(expert).post("/profile/", {"name": expert.name, "mails": "none"})
    assert mail_tell(asked_by=expert.pk, **people) == 1
    page = as_user(expert).get("/profile/").content.decode()
    assert '<option value="none" selected>' in page


def test_without_a_mail_server_nobody_is_mailed(admin: User, owner: User, project: Project) -> None:
    webhook_create(actor=admin, url="https://hooks.example.org/x", events=["job.done"])
    assert mail_tell(users=[owner.pk], asked_by=None, project=project, subject="Done", text="Done.", path="/") == 0
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


def test_a_password_of_any_usual_length_is_kept_whole(
    admin: User, as_user: Callable[[User], Client], api_as: Any
) -> None:
    """Some providers hand out keys of 69 letters and more."""
    server = {"url": "smtps://mail.example.org:465", "sender": "a@example.org", "user": "ada"}

    def named_on_the_page(password: str) -> int:
        given = {f"mail-{name}": value for name, value in {**server, "password": password}.items()}
        return as_user(admin).post("/webhooks/", given).status_code

    def named_by_a_program(password: str) -> int:
        return api_as(admin).post("/api/v1/webhooks/", {**server, "password": password}, format="json").status_code

    assert [name("k" * length) for name in (named_on_the_page, named_by_a_program) for length in (69, 255, 256)] == [
        302, 302, 400, 201, 201, 400,
    ]  # fmt: skip
    assert sorted(len(secret) for secret in Webhook.objects.values_list("secret", flat=True)) == [69, 69, 255, 255]
