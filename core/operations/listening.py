"""Where the web server listens. No Django: gunicorn's configuration asks here too."""

import errno
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.operations.errors import OperatorError


@dataclass(frozen=True)
class Listen:
    """A checked combination of HOST, PORT, TLS_CERT, TLS_KEY and TRUSTED_PROXY."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    proxy: str = ""

    @property
    def url(self) -> str:
        """What a person opens. Behind a proxy that is the proxy's address, which we do not know."""
        name = self.host
        if name in {"0.0.0.0", "::"}:
            name = socket.gethostname()
        elif ":" in name:
            name = f"[{name}]"
        return f"{'https' if self.certificate else 'http'}://{name}:{self.port}"


def read_listen(environment: Mapping[str, str]) -> Listen:
    """1. the port is a number. 2. certificate and key come together and fit. 3. beyond loopback only encrypted or
    behind a declared proxy. Raises OperatorError."""
    host = environment.get("HOST") or "127.0.0.1"
    text = environment.get("PORT") or "8000"
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise OperatorError(f"PORT is {text!r}; write a number from 1 to 65535.")
    certificate, key = (_file(environment, name) for name in ("TLS_CERT", "TLS_KEY"))
    if (certificate is None) != (key is None):
        raise OperatorError("TLS_CERT and TLS_KEY belong together; set both or none.")
    if certificate and key:
        _check_pair(certificate, key)
    proxy = _proxies(environment.get("TRUSTED_PROXY", ""))
    if not (certificate or proxy or is_loopback(host)):
        raise OperatorError(
            f"HOST={host} is reachable from the network without encryption; set TLS_CERT and TLS_KEY, or "
            "TRUSTED_PROXY to the address of the proxy that encrypts, or leave HOST out."
        )
    return Listen(host, int(text), certificate, key, proxy)


def is_loopback(host: str) -> bool:
    """Whether every address that `host` stands for is this machine's own loopback."""
    try:
        found = {row[4][0] for row in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as error:
        raise OperatorError(f"HOST={host} is no address of this machine; leave it out to use 127.0.0.1.") from error
    return all(ipaddress.ip_address(str(address).split("%")[0]).is_loopback for address in found)


def open_socket(listen: Listen) -> socket.socket:
    """The listening socket itself, kept by the supervisor: whoever binds first has it, so there is no race to check."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((listen.host, listen.port))
        opened.listen(512)
    except OSError as error:
        opened.close()
        raise OperatorError(_bind_sentence(listen, error)) from error
    opened.set_inheritable(True)
    return opened


def _bind_sentence(listen: Listen, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {listen.port} on {listen.host} is taken by another program; stop that one, or choose another port: "
            f"PORT={listen.port + 1 if listen.port < 65535 else 8000} make up."
        )
    if error.errno == errno.EACCES:
        return f"Port {listen.port} needs more rights than this user has; choose one from 1024 up with PORT."
    return f"HOST={listen.host} is no address of this machine ({error.strerror}); leave it out to use 127.0.0.1."


def _file(environment: Mapping[str, str], name: str) -> Path | None:
    value = environment.get(name, "")
    if not value:
        return None
    path = Path(value).expanduser()
    try:
        path.open("rb").close()
    except OSError as error:
        raise OperatorError(
            f"{name}={value} cannot be read ({error.strerror}); give the path of a PEM file."
        ) from error
    return path


def _check_pair(certificate: Path, key: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, OSError, ValueError) as error:
        raise OperatorError(
            f"TLS_CERT={certificate} and TLS_KEY={key} are no pair of certificate and key in PEM form without a "
            f"passphrase ({getattr(error, 'reason', None) or error})."
        ) from error


def _proxies(text: str) -> str:
    """The comma-separated addresses or networks of TRUSTED_PROXY, each proven to be one."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for part in parts:
        try:
            ipaddress.ip_network(part, strict=False)
        except ValueError as error:
            raise OperatorError(
                f"TRUSTED_PROXY contains {part!r}; write addresses such as 10.0.0.2, with commas."
            ) from error
    return ",".join(parts)
