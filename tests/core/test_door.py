"""The door: closed, then open to exactly what is listed, telling what left."""

import hashlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from core import door
from core.denied import ApplicationError
from core.door import DoorClosed, door_request
from core.models import Event, User

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


class Outside(BaseHTTPRequestHandler):
    seen: list[tuple[str, str, bytes]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        type(self).seen.append((self.path, self.headers["Host"], body))
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/inside")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"x" * 5000 if self.path == "/large" else b"thanks")

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Outside, "seen", [])
    server = HTTPServer(("127.0.0.1", 0), Outside)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def knock(actor: User, address: str, **more: Any) -> door.Answer:
    return door_request(actor=actor, purpose="a test", method="POST", url=f"http://{address}", **more)


def test_the_door_is_closed_unless_the_operator_opens_it(admin: User, outside: str) -> None:
    with pytest.raises(DoorClosed, match="the operator can add it to DOOR_ALLOW"):
        knock(admin, f"{outside}/in", body=b"secret")
    assert Outside.seen == []
    assert not Event.objects.filter(action="door.sent").exists()


def test_a_listed_address_is_reached_and_what_left_is_logged(admin: User, outside: str, settings: Any) -> None:
    settings.DOOR_ALLOW = [outside]
    answer = knock(admin, f"{outside}/in?q=1", body=b"hello", seconds=5)
    assert (answer.status, answer.body) == (200, b"thanks")
    assert Outside.seen == [("/in?q=1", outside, b"hello")]
    event = Event.objects.get(action="door.sent")
    assert (event.actor, event.summary) == (admin, "a test")
    assert event.data["sha256"] == hashlib.sha256(b"hello").hexdigest()
    assert (event.data["bytes"], event.data["address"]) == (5, "127.0.0.1")


def test_only_an_admin_opens_the_door(owner: User, outside: str, settings: Any) -> None:
    settings.DOOR_ALLOW = [outside]
    with pytest.raises(DoorClosed, match="Only an admin"):
        knock(owner, f"{outside}/in")
    assert Outside.seen == []


def test_a_name_that_leads_inwards_is_refused_even_when_listed(admin: User, outside: str, settings: Any) -> None:
    port = outside.split(":")[1]
    settings.DOOR_ALLOW = [f"localhost:{port}"]
    with pytest.raises(DoorClosed, match="leads to an address of an internal network"):
        knock(admin, f"localhost:{port}/in")
    assert Outside.seen == []


def test_another_port_of_a_listed_host_is_closed(admin: User, outside: str, settings: Any) -> None:
    settings.DOOR_ALLOW = ["127.0.0.1:1"]
    with pytest.raises(DoorClosed):
        knock(admin, f"{outside}/in")


def test_a_redirect_is_not_followed(admin: User, outside: str, settings: Any) -> None:
    settings.DOOR_ALLOW = [outside, "127.0.0.1:1"]
    assert knock(admin, f"{outside}/away").status == 302
    assert len(Outside.seen) == 1


def test_a_large_answer_is_given_up(admin: User, outside: str, settings: Any) -> None:
    settings.DOOR_ALLOW = [outside]
    with pytest.raises(ApplicationError, match="larger than 1000 bytes"):
        knock(admin, f"{outside}/large", most_bytes=1000)


def test_nobody_there_is_told_in_a_sentence(admin: User, settings: Any) -> None:
    settings.DOOR_ALLOW = ["127.0.0.1:1"]
    with pytest.raises(ApplicationError, match=r"127\.0\.0\.1 did not answer as it should"):
        knock(admin, "127.0.0.1:1/x")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://a.example/x", "http://user:pw@a.example/", "//x", "", "https://[", "http://a:1e9/",
        "http://a.example:99999/", "http://a.example/\x01", "http://a .example/",
    ],
)  # fmt: skip
def test_other_kinds_of_addresses_are_refused(url: str, admin: User) -> None:
    with pytest.raises(DoorClosed, match="is not an address of the form"):
        door_request(actor=admin, purpose="t", method="GET", url=url)


def test_of_several_addresses_the_one_that_the_system_puts_first_is_taken(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(2, 1, 6, "", ("93.184.216.34", 443)), (10, 1, 6, "", ("2606:2800:21f:cb07::1", 443, 0, 0))]
    settings.DOOR_ALLOW = ["a.example:443"]
    for order in (rows, rows[::-1]):
        monkeypatch.setattr(door.socket, "getaddrinfo", lambda *args, found=order, **more: found)
        assert door.pinned_address("a.example", 443) == order[0][4][0]


def test_the_address_is_looked_up_once(admin: User, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([[(2, 1, 6, "", ("93.184.216.34", 80))], [(2, 1, 6, "", ("127.0.0.1", 80))]])
    monkeypatch.setattr(door.socket, "getaddrinfo", lambda *args, **more: next(answers))
    used: list[str] = []
    monkeypatch.setattr(door, "send", lambda method, url, host, address, *rest: used.append(address))
    settings.DOOR_ALLOW = ["a.example:80"]
    knock(admin, "a.example/x")
    assert used == ["93.184.216.34"]


def test_no_other_module_of_ours_opens_connections() -> None:
    """What speaks to parts of the installation itself, the model server and our own web address, is named here."""
    speaks = re.compile(
        r"^\s*(?:import|from) (httpx2?|requests|urllib3|aiohttp|urllib\.request|http\.client|smtplib)\b", re.M
    )
    allowed = {"core/door.py", "core/model_server.py", "core/operations/up.py", "core/operations/doctor.py"}
    found = {
        str(path.relative_to(ROOT))
        for app in ("core", "curation", "training", "evaluation", "home")
        for path in (ROOT / app).rglob("*.py")
        if speaks.search(path.read_text())
    }
    assert found - allowed == set()
