"""`make up` with real processes: what it refuses and how it says so, and that it ends with nothing left."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from config.embedded import database_url, runtime_folder

pytestmark = [pytest.mark.faults, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
NAMES = {"web", "worker-default", "worker-generate", "worker-train", "beat", "model-server", "postgres", "redis"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def environment(home: Path, **more: str) -> dict[str, str]:
    """A start that needs no network: the models are there, and the demo data may be missing."""
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL", "HOST"}}
    return {**kept, "APPRENTICE_HOME": str(home), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", **more}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An installation whose two models are tiny random ones."""
    place = tmp_path_factory.mktemp("up")
    base = place / "models" / "base"
    starter = base / "smollm2-135m-instruct"
    subprocess.run([sys.executable, "-m", "ml", "tiny", str(starter)], check=True, cwd=ROOT, capture_output=True)
    (starter / "apprentice.json").write_text('{"format": 1, "kind": "base", "name": "tiny"}')
    shutil.copytree(starter, base / "all-minilm-l6-v2")
    yield place
    if runtime_folder(place) != place / "run":
        shutil.rmtree(runtime_folder(place), ignore_errors=True)


class Running:
    """A start of `make up` or `manage.py up`, its output in a file."""

    def __init__(self, home: Path, port: int, *argv: str) -> None:
        self.port = port
        self.output = home / f"output-{time.monotonic_ns()}.txt"
        self.began = time.monotonic()
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                argv or [sys.executable, "manage.py", "up"],
                cwd=ROOT,
                env=environment(home, PORT=str(port)),
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def text(self) -> str:
        return self.output.read_text()

    def wait_ready(self, seconds: float = 90) -> float:
        """Seconds until it called itself ready."""
        while "  Stop  " not in self.text():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() - self.began < seconds, self.text()
            time.sleep(0.05)
        return time.monotonic() - self.began

    def family(self) -> list[psutil.Process]:
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def status(self, path: str) -> int:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        client.request("GET", path)
        status = client.getresponse().status
        client.close()
        return status

    def kill_all(self) -> None:
        if self.process.poll() is None:
            for process in self.family():
                process.kill()
        self.process.wait()


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    found = []
    for process in processes:
        try:
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def wait_gone(processes: list[psutil.Process], seconds: float) -> float:
    began = time.monotonic()
    while left := alive(processes):
        assert time.monotonic() - began < seconds, [process.cmdline() for process in left]
        time.sleep(0.05)
    return time.monotonic() - began


def heard_of(home: Path) -> set[str]:
    with psycopg.connect(database_url(home)) as connection:
        return {row[0] for row in connection.execute("SELECT queue FROM core_heartbeat WHERE queue <> ''").fetchall()}


def wait_for(found: object, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not found():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_start_serves_pages_and_workers_and_sigterm_ends_it_all(home: Path) -> None:
    run = Running(home, free_port())
    try:
        run.wait_ready()
        link = next(line.split()[-1] for line in run.text().splitlines() if "First admin, once" in line)
        assert link.startswith(f"http://127.0.0.1:{run.port}/")
        assert run.status(link.removeprefix(f"http://127.0.0.1:{run.port}")) == 200
        assert str(home) in run.text()
        wait_for(lambda: heard_of(home) == {"default", "generate", "train"})
        family = run.family()
        assert {path.stem for path in (home / "logs").glob("*.log")} >= NAMES
        run.process.terminate()
        assert run.process.wait(15) == 0
        assert wait_gone(family, 1) < 1
        assert "Killed" not in run.text()
    finally:
        run.kill_all()


def test_a_second_start_is_quick_refuses_a_twin_and_replaces_a_crashed_worker(home: Path) -> None:
    run = Running(home, free_port())
    try:
        assert run.wait_ready() < 20  # the budget of 8 s is measured by the benchmark; this machine may be busy
        assert "Bringing the database" not in run.text()
        twin = refused(home, PORT=str(free_port()))
        assert twin.startswith(f"Apprentice already runs on {home} (process {run.process.pid}); stop it, or choose")
        assert run.status("/accounts/login/") == 200
        worker = next(process for process in run.family() if "generate@%h" in process.cmdline())
        worker.kill()
        wait_for(
            lambda: any("generate@%h" in other.cmdline() and other.pid != worker.pid for other in alive(run.family()))
        )
        assert "worker-generate ended (signal SIGKILL), again in 0 s" in run.text()
        postgres = next(process for process in run.family() if process.name() == "postgres")
        postgres.kill()
        wait_for(lambda: "postgres ended" in run.text())
        wait_for(lambda: run.status("/accounts/login/") == 200)
        family = run.family()
        began = time.monotonic()
        os.kill(run.process.pid, signal.SIGINT)
        assert run.process.wait(15) == 0
        assert time.monotonic() - began < 10
        wait_gone(family, 1)
    finally:
        run.kill_all()


def test_nothing_survives_a_killed_parent_and_the_next_start_is_clean(home: Path) -> None:
    run = Running(home, free_port())
    try:
        run.wait_ready()
        wait_for(lambda: heard_of(home) == {"default", "generate", "train"})
        family = run.family()
        run.process.kill()
        run.process.wait()
        wait_gone(family, 10)
        again = Running(home, run.port)
        try:
            again.wait_ready()
            assert again.status("/accounts/login/") == 200
        finally:
            again.process.terminate()
            assert again.process.wait(15) == 0
    finally:
        run.kill_all()


def test_a_killed_make_takes_everything_along(home: Path) -> None:
    make = shutil.which("make")
    assert make
    run = Running(home, free_port(), make, "up", f"PYTHON={sys.executable}")
    try:
        run.wait_ready()
        family = run.family()
        assert len(family) > 8
        run.process.kill()
        run.process.wait()
        wait_gone(family, 12)
    finally:
        run.kill_all()


def refused(home: Path, **more: str) -> str:
    """The one sentence of a start that is refused: alone on stderr, with an exit code that is not 0."""
    done = subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=ROOT,
        env=environment(home, **more),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


def test_a_taken_port_is_named_with_another_one(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sentence = refused(home, PORT=str(port))
    assert sentence == (
        f"Port {port} on 127.0.0.1 is taken by another program; stop that one, or choose another port: "
        f"PORT={port + 1} make up."
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, ["database does not answer", "check DATABASE_URL"]),
        ({"DATABASE_URL": "mysql://here/db"}, ["DATABASE_URL must begin with postgresql://"]),
        ({"DATABASE_URL": "postgresql://h:port/db"}, ["DATABASE_URL has no valid port"]),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, ["Redis does not answer", "check REDIS_URL"]),
        ({"HOST": "0.0.0.0"}, ["reachable from the network without encryption", "set TLS_CERT and TLS_KEY"]),
        ({"PORT": "eighty"}, ["PORT is 'eighty'"]),
        ({"TLS_CERT": "/nowhere/cert.pem"}, ["TLS_CERT=/nowhere/cert.pem cannot be read"]),
        ({"APPRENTICE_HOME": "/proc/nothing"}, ["cannot be", "set APPRENTICE_HOME"]),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_in_one_sentence_with_its_cure(
    home: Path, more: dict[str, str], words: list[str]
) -> None:
    sentence = refused(home, **{"PORT": str(free_port()), **more})
    for part in words:
        assert part in sentence
    assert not (home / "postgres" / "postmaster.pid").exists()


def test_a_broken_off_restore_is_refused(home: Path) -> None:
    (home / "restoring").mkdir()
    try:
        assert refused(home, PORT=str(free_port())).startswith(f"A restore into {home} was interrupted; run it again")
    finally:
        (home / "restoring").rmdir()
