"""`make up` with real processes: what it refuses and how it says so, and that it ends with nothing left."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.embedded import broker_url, database_url, runtime_folder
from ml.tiny import make_tiny_model
from tests.faults.starting import ROOT, Running, alive, environment, free_port, wait_gone

pytestmark = [pytest.mark.faults, pytest.mark.slow]
NAMES = {"web", "worker-default", "worker-generate", "worker-train", "beat", "model-server", "postgres", "redis"}
STEPS = 400


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An installation whose two models are tiny random ones."""
    place = tmp_path_factory.mktemp("up")
    base = place / "models" / "base"
    starter = base / "smollm2-135m-instruct"
    make_tiny_model(starter)
    (starter / "apprentice.json").write_text('{"format": 1, "kind": "base", "name": "tiny"}')
    shutil.copytree(starter, base / "all-minilm-l6-v2")
    yield place
    if runtime_folder(place) != place / "run":
        shutil.rmtree(runtime_folder(place), ignore_errors=True)


def heard_of(home: Path) -> set[str]:
    with psycopg.connect(database_url(home)) as connection:
        return {row[0] for row in connection.execute("SELECT queue FROM core_heartbeat WHERE queue <> ''").fetchall()}


def wait_for(found: object, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not found():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_first_start_serves_pages_and_workers_and_a_killed_make_ends_it_in_order(home: Path) -> None:
    make = shutil.which("make")
    assert make
    run = Running(home, free_port(), make, "up", f"PYTHON={sys.executable}")
    try:
        run.wait_ready()
        link = next(line.split()[-1] for line in run.text().splitlines() if "First admin, once" in line)
        assert link.startswith(f"http://127.0.0.1:{run.port}/")
        assert run.status(link.removeprefix(f"http://127.0.0.1:{run.port}")) == 200
        assert str(home) in run.text()
        wait_for(lambda: heard_of(home) == {"default", "generate", "train"})
        family = run.family()
        assert len(family) > 8
        assert {path.stem for path in (home / "logs").glob("*.log")} >= NAMES
        run.process.kill()
        run.process.wait()
        wait_gone(family, 12)
        assert "Killed" not in run.text()
        assert run.text().splitlines()[-1].endswith("Stopped")
    finally:
        run.kill_all()


def rows(home: Path, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url(home)) as connection:
        return connection.execute(query).fetchall()


def answers(home: Path) -> bool:
    """Whether PostgreSQL has recovered: until then it serves nobody."""
    try:
        return bool(rows(home, "SELECT 1"))
    except psycopg.OperationalError:
        return False


def steps_of(home: Path) -> list[int]:
    query = "SELECT step FROM training_runevent WHERE type = 'step' AND NOT superseded ORDER BY step"
    return [step for (step,) in rows(home, query)]


def test_nothing_survives_a_killed_parent_and_the_next_start_goes_on_with_its_training(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job that was under way is neither lost nor doubled: one model, each step of it taken once; it goes on without
    waiting for its lease of an hour. What crashes meanwhile is replaced, and an interrupt ends it all."""
    monkeypatch.setenv("LEASE_SECONDS", "3600")
    if not (home / "postgres" / "PG_VERSION").exists():  # tested beside others, this one may come first
        first = Running(home, free_port())
        first.wait_ready()
        first.process.terminate()
        assert first.process.wait(15) == 0
    run = Running(home, free_port())
    try:
        run.wait_ready()  # how long it takes the benchmark measures
        assert "Bringing the database" not in run.text()
        twin = refused(home, PORT=str(free_port()))
        assert twin.startswith(f"Apprentice already runs on {home} (process {run.process.pid}); stop it, or choose")
        launched = [sys.executable, "-m", "tests.faults.long_run", str(STEPS)]
        addresses = {"DATABASE_URL": database_url(home), "REDIS_URL": broker_url(home)}
        done = subprocess.run(launched, cwd=ROOT, env=environment(home, **addresses), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        wait_for(lambda: len(steps_of(home)) > 40)
        family = run.family()
        run.process.kill()
        run.process.wait()
        wait_gone(family, 10)
        again = Running(home, run.port)
        try:
            again.wait_ready()
            goes_on_with_the_training(home)
            replaces_what_crashes(home, again)
            ends_at_an_interrupt(again)
        finally:
            again.kill_all()
    finally:
        run.kill_all()


def goes_on_with_the_training(home: Path) -> None:
    wait_for(lambda: rows(home, "SELECT state FROM training_run") not in ([("queued",)], [("running",)]), 180)
    assert rows(home, "SELECT state, error FROM training_run") == [("done", "")]
    assert steps_of(home) == list(range(1, STEPS + 1))
    assert rows(home, "SELECT count(*) FROM training_modelversion") == [(1,)]
    ((attempt, resumed_from),) = rows(home, "SELECT attempt, result->>'resumed_from' FROM training_run")
    assert attempt == 2
    assert int(resumed_from) >= 20


def replaces_what_crashes(home: Path, run: Running) -> None:
    worker = next(process for process in run.family() if "generate@%h" in process.cmdline())
    worker.kill()
    wait_for(lambda: any("generate@%h" in other.cmdline() and other.pid != worker.pid for other in alive(run.family())))
    assert "worker-generate ended (signal SIGKILL), again in 0 s" in run.text()
    postgres = next(process for process in run.family() if process.name() == "postgres")
    postgres.kill()
    wait_for(lambda: "postgres ended" in run.text())
    wait_for(lambda: answers(home))
    wait_for(lambda: run.status("/accounts/login/") == 200)


def ends_at_an_interrupt(run: Running) -> None:
    family = run.family()
    began = time.monotonic()
    os.kill(run.process.pid, signal.SIGINT)
    assert run.process.wait(15) == 0
    assert time.monotonic() - began < 10
    wait_gone(family, 1)


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


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"DATABASE_URL": "mysql://here/db"}, ["DATABASE_URL must begin with postgresql://"]),
        ({"APPRENTICE_HOME": "/proc/nothing"}, ["cannot be", "set APPRENTICE_HOME"]),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_in_one_sentence_with_its_cure(
    home: Path, more: dict[str, str], words: list[str]
) -> None:
    """Where Django would not even begin; what `up` itself refuses is tested beside core/operations."""
    sentence = refused(home, **{"PORT": str(free_port()), **more})
    for part in words:
        assert part in sentence
    assert not (home / "postgres" / "postmaster.pid").exists()
