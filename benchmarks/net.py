"""Talking to a web server on this machine, and to no other."""

import http.client
import re
import socket
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

HOST = "127.0.0.1"
# Whoever can set this cookie can send it along: the server compares the two.
CSRF = "b" * 32
TIMEOUT = 60.0


def free_port() -> int:
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])


def page_status(port: int, path: str) -> int:
    """The status of a page; 0 while nothing answers."""
    client = http.client.HTTPConnection(HOST, port, timeout=20)
    try:
        client.request("GET", path)
        return client.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        client.close()


@dataclass(frozen=True)
class Reply:
    status: int
    location: str  # path and query of where it sends us, or ""
    body: str

    def hidden(self, name: str) -> str:
        """The value of a hidden form field on the page. Raises LookupError."""
        field_tag = re.search(rf'<input[^>]*name="{name}"[^>]*>', self.body)
        value = re.search(r'value="([^"]*)"', field_tag[0]) if field_tag else None
        if value is None:
            raise LookupError(f"the page has no field {name}")
        return value[1]


@dataclass
class Browser:
    """A person's browser as far as a load test needs one: a session, a connection that stays, forms and JSON."""

    port: int
    session: str
    connection: http.client.HTTPConnection | None = field(default=None, repr=False)

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def get(self, path: str) -> Reply:
        return self.send("GET", path)

    def post(self, path: str, **fields: object) -> Reply:
        return self.send("POST", path, urlencode(fields), "application/x-www-form-urlencoded")

    def post_json(self, path: str, body: str) -> Reply:
        return self.send("POST", path, body, "application/json")

    def send(self, method: str, path: str, body: str | None = None, kind: str = "") -> Reply:
        headers = {"Cookie": f"session={self.session}; csrftoken={CSRF}", "Host": f"{HOST}:{self.port}"}
        if body is not None:
            headers |= {"Content-Type": kind, "X-CSRFToken": CSRF}
        for again in (True, False):
            if self.connection is None:
                self.connection = http.client.HTTPConnection(HOST, self.port, timeout=TIMEOUT)
            try:
                self.connection.request(method, path, body, headers)
                answer = self.connection.getresponse()
                text = answer.read().decode("utf-8", "replace")
                place = urlsplit(answer.getheader("Location") or "")
                query = f"?{place.query}" if place.query else ""
                return Reply(answer.status, f"{place.path}{query}", text)
            except (http.client.HTTPException, ConnectionError):
                # The server closes a connection that rested for long, perhaps just as we speak.
                self.__exit__()
                if not again:
                    raise
        raise AssertionError("unreachable")
