"""A start that is refused says why in one sentence, alone on the error output, and leaves nothing running.

Here without a process of its own; how a wrong setting ends one, tests/faults/test_up.py sees.
"""

import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import database
from core.operations.up import Up

Refused = Callable[..., str]


@pytest.fixture
def refused(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Refused]:
    """The one sentence of a start with these settings, of our own or of the environment."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    monkeypatch.delenv("MAKELEVEL", raising=False)  # else it would ask to be ended with make

    def start(**more: str) -> str:
        for name, value in more.items():
            monkeypatch.setenv(name, value)
            setattr(settings, name, value)
        assert Up(tmp_path).run() == 1
        assert not (tmp_path / "postgres").exists()
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1
        return lines[0]

    yield start
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_taken_port_is_named_with_another_one(refused: Refused) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sentence = refused(PORT=str(port))
    assert sentence == (
        f"Port {port} on 127.0.0.1 is taken by another program; stop that one, or choose another port: "
        f"PORT={port + 1} make up."
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, ["database does not answer", "check DATABASE_URL"]),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, ["Redis does not answer", "check REDIS_URL"]),
        ({"PORT": "eighty"}, ["PORT is 'eighty'"]),
    ],
)
def test_a_wrong_setting_is_refused_with_its_cure(
    servers: object, refused: Refused, more: dict[str, str], words: list[str]
) -> None:
    sentence = refused(**{"PORT": free_port(), **more})
    for part in words:
        assert part in sentence


def test_a_broken_off_restore_is_refused(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "restoring").mkdir()
    told = f"A restore into {tmp_path} was interrupted; run it again: manage.py restore FILE."
    assert refused(PORT=free_port()) == told
    assert [path.name for path in tmp_path.iterdir()] == ["restoring"]


def test_an_address_of_a_database_without_a_port_that_is_one_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL has no valid port"):
        database("postgresql://h:port/db")


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])
