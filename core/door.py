"""The door: the only module through which anything leaves this installation. Closed unless the operator opens it.

`DOOR_ALLOW` lists what may be reached as host:port, separated by commas. A name must lead to public addresses only; a
private address is reachable when it is itself on the list, so that a server on the own network works and a name that
somebody points inwards does not. The address is looked up once and used for the connection, redirects are not
followed, and what left is logged. The database, Redis and the model server are parts of the installation, not doors.
"""

import hashlib
import ipaddress
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import structlog
from django.conf import settings
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.models import User
from core.services.events import event_record

log = structlog.get_logger(__name__)
PORTS = {"http": 80, "https": 443}
MAIL_PORTS = {"smtp": 587, "smtps": 465}
DOWNLOAD_SECONDS = 60.0  # without a byte


class DoorClosed(ApplicationError):
    """This may not be reached; the sentence says what an operator would have to allow."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def door_request(
    *,
    actor: User,
    purpose: str,
    method: str,
    url: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    seconds: float = 30.0,
    most_bytes: int = 16 * 1024 * 1024,
) -> Answer:
    """Send one request to an allowed address and return its answer.

    Raises DoorClosed when the address is not allowed or the actor is no admin, ApplicationError when nobody answers
    or the answer is larger than `most_bytes`.
    """
    host, _port, address = opened(actor, purpose, url, body)
    try:
        return send(method, url, host, address, body, headers or {}, seconds, most_bytes)
    except httpx2.HTTPError as error:
        raise silent(host, error) from error


def door_check(url: str) -> None:
    """Raises DoorClosed if the address may not be reached; nothing is sent."""
    pinned_address(*host_and_port(url))


def host_and_port(url: str, ports: dict[str, int] = PORTS) -> tuple[str, int]:
    """Of an address of one of the schemes in `ports`, which name the usual port. Raises DoorClosed for others."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:  # half a bracket, a port that is no number
        host = None
    if not host or parts.scheme not in ports or parts.username or not url.isprintable() or " " in url:
        text = _("“%(url)s” is not an address of the form %(scheme)s://host:port/path.")
        raise DoorClosed(text % {"url": url[:200], "scheme": list(ports)[-1]})
    return host, port or ports[parts.scheme]


def door_download(
    *, actor: User, purpose: str, url: str, target: Path, most_bytes: int, tell: Callable[[int], None]
) -> Answer:
    """Fetch what lies at an allowed address into a file, piece by piece; `tell` hears the bytes so far.

    The answer's body stays empty. Redirects are not followed: their address has to come through the door as well.
    Raises as `door_request` does, and whatever `tell` raises to stop it.
    """
    host, _port, address = opened(actor, purpose, url, b"")
    try:
        with reply("GET", url, host, address, b"", {}, DOWNLOAD_SECONDS) as response:
            received = 0
            if response.status_code == httpx2.codes.OK:
                with target.open("wb") as file:
                    for chunk in response.iter_bytes():
                        received += len(chunk)
                        if received > most_bytes:
                            raise too_large(host, most_bytes)
                        file.write(chunk)
                        tell(received)
            return Answer(response.status_code, dict(response.headers), b"")
    except httpx2.HTTPError as error:
        raise silent(host, error) from error


def door_mail(
    *, actor: User, purpose: str, url: str, message: EmailMessage, user: str = "", password: str = "", seconds: float
) -> None:
    """Hand one mail to an allowed mail server, `smtps://host:port` or `smtp://host:port`.

    The second begins in the clear and is encrypted as soon as the server offers it; a password is never sent in the
    clear. Raises DoorClosed and ApplicationError as `door_request` does.
    """
    host, port, address = opened(actor, purpose, url, message.as_bytes(), MAIL_PORTS)
    secure = ssl.create_default_context()
    at_once = secure if urlsplit(url).scheme == "smtps" else None
    try:
        with _Pinned(address, host, port, seconds, at_once) as server:
            server.ehlo()
            if at_once is None and server.has_extn("starttls"):
                server.starttls(context=secure)
                server.ehlo()
            if user:
                if not isinstance(server.sock, ssl.SSLSocket):
                    raise ApplicationError(
                        _("%(host)s offers no encryption; no password is sent to it.") % {"host": host}
                    )
                server.login(user, password)
            server.send_message(message)
    except ssl.SSLError as error:
        raise not_itself(host, error) from error
    except (smtplib.SMTPException, OSError) as error:
        raise silent(host, error) from error


class _Pinned(smtplib.SMTP):
    """Connects to the address that was looked up, and speaks to the host: its certificate is checked by that name.

    With a context all is encrypted from the first byte.
    """

    def __init__(self, address: str, host: str, port: int, seconds: float, context: ssl.SSLContext | None) -> None:
        self._address, self._context = address, context
        super().__init__(host, port, timeout=seconds)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((self._address, port), timeout)
        return self._context.wrap_socket(plain, server_hostname=host) if self._context else plain


def opened(actor: User, purpose: str, url: str, body: bytes, ports: dict[str, int] = PORTS) -> tuple[str, int, str]:
    """Host, port and pinned address, if this may leave; what leaves is logged. Raises DoorClosed."""
    if not actor.is_admin:
        raise DoorClosed(_("Only an admin may let something leave this installation."))
    host, port = host_and_port(url, ports)
    address = pinned_address(host, port)
    event_record(
        actor=actor,
        action="door.sent",
        summary=purpose,
        host=host,
        port=port,
        address=address,
        bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
    )
    log.info("door_opened", purpose=purpose, host=host, port=port, address=address, bytes=len(body), actor=actor.pk)
    return host, port, address


def silent(host: str, error: Exception) -> ApplicationError:
    text = _("%(host)s did not answer as it should: %(reason)s.")
    return ApplicationError(text % {"host": host, "reason": error or type(error).__name__})


def not_itself(host: str, error: ssl.SSLError) -> ApplicationError:
    """No encrypted connection: who answers cannot prove to be that host, or speaks no TLS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        text = _(
            "%(host)s could not prove that it is %(host)s (%(reason)s), so nothing was sent. Give it a certificate for "
            "this name that this machine trusts."
        )
        return ApplicationError(text % {"host": host, "reason": error.verify_message.rstrip(".")})
    text = _(
        "%(host)s agreed on no encryption (%(reason)s). A port that begins in the clear, as 587 does, is named by smtp://."
    )
    return ApplicationError(text % {"host": host, "reason": error.reason or error})


def too_large(host: str, most: int) -> ApplicationError:
    text = _("The answer of %(host)s is larger than %(limit)s bytes and was given up.")
    return ApplicationError(text % {"host": host, "limit": most})


def pinned_address(host: str, port: int) -> str:
    """The one IP address to connect to. Raises DoorClosed."""
    if f"{host}:{port}" not in settings.DOOR_ALLOW and f"[{host}]:{port}" not in settings.DOOR_ALLOW:
        text = _("%(host)s:%(port)s may not be reached from here; the operator can add it to DOOR_ALLOW.")
        raise DoorClosed(text % {"host": host, "port": port})
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        found = [str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError as error:
        raise ApplicationError(_("The name %(host)s is not known here.") % {"host": host}) from error
    if not all(ipaddress.ip_address(one).is_global for one in found):
        text = _("%(host)s leads to an address of an internal network; list that address itself if it is meant.")
        raise DoorClosed(text % {"host": host})
    return found[0]  # the system puts first what it can reach best


@contextmanager
def reply(
    method: str, url: str, host: str, address: str, body: bytes, headers: dict[str, str], seconds: float
) -> Iterator[httpx2.Response]:
    """Connect to the address, speak to the host: the certificate is checked against the name."""
    target = httpx2.URL(url).copy_with(host=address)
    named = {**headers, "Host": httpx2.URL(url).netloc.decode()}
    with (
        httpx2.Client(trust_env=False, follow_redirects=False, timeout=seconds) as client,
        client.stream(method, target, content=body, headers=named, extensions={"sni_hostname": host}) as response,
    ):
        yield response


def send(
    method: str, url: str, host: str, address: str, body: bytes, headers: dict[str, str], seconds: float, most: int
) -> Answer:
    """One request and its whole answer."""
    with reply(method, url, host, address, body, headers, seconds) as response:
        received = bytearray()
        for chunk in response.iter_bytes():
            received += chunk
            if len(received) > most:
                raise too_large(host, most)
        return Answer(response.status_code, dict(response.headers), bytes(received))
