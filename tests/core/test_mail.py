"""Mail: through the door alone, one to each who is told, tried until the server takes it."""

import email
import email.policy
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.test import Client
from django.utils import timezone

from core.choices import DeliveryState
from core.denied import ApplicationError
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
                self.say("250-post.example.org", "250-AUTH PLAIN", "250 8BITMIME")
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
    with listening() as port:
        settings.DOOR_ALLOW = [f"127.0.0.1:{port}"]
        yield f"smtp://127.0.0.1:{port}"


@contextmanager
def listening(secure: ssl.SSLContext | None = None) -> Iterator[int]:
    """A mail server on a port of this machine, encrypted from the first byte with `secure`."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Post) as server:
        if secure:
            server.socket = secure.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_address[1]
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


def test_an_encrypted_server_gets_mail_and_password_if_its_certificate_is_its_own(
    admin: User, post: str, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = written_certificate(tmp_path, "127.0.0.1")
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(certificate, key)
    with listening(secure) as port:
        settings.DOOR_ALLOW = [f"127.0.0.1:{port}"]
        named(admin, f"smtps://127.0.0.1:{port}", user="ada", password="secret")
        run_jobs()
        assert ("certificate" in Delivery.objects.get().error, Post.said) == (True, [])
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        Delivery.objects.update(next_at=timezone.now())
        deliveries_due()
        run_jobs()
    assert (Delivery.objects.get().status, "AUTH" in Post.said, len(Post.taken)) == (250, True, 1)


def written_certificate(folder: Path, address: str) -> tuple[Path, Path]:
    """Key and certificate of an address, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
    now = timezone.now()
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "key.pem", folder / "certificate.pem"
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    paths[0].write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    paths[1].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return paths


@pytest.mark.parametrize("url", ["smtps://[", "smtps://h:99999", "smtps://h:465/in", "https://h"])
def test_what_names_no_mail_server_is_refused(admin: User, url: str) -> None:
    with pytest.raises(ApplicationError, match="smtps://host:465"):
        named(admin, url)
    assert not Webhook.objects.exists()


def test_a_password_that_no_mail_server_takes_is_refused_at_once(admin: User, post: str) -> None:
    with pytest.raises(ApplicationError, match="ASCII"):
        named(admin, post, user="ada", password="hemlighetåäö")
    assert not Webhook.objects.exists()


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
