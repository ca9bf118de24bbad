"""docker-compose.yml without an engine: its programs, started as it says, against servers started apart."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import yaml

from config.embedded import Postgres, Redis
from core.operations.programs import CONCURRENCY, worker_words
from ml.tiny import make_tiny_model
from tests.faults.certificates import write_certificate
from tests.faults.starting import ROOT, free_port, status_of

if TYPE_CHECKING:
    from tests.conftest import Servers

pytestmark = [pytest.mark.faults, pytest.mark.slow]
PROGRAMS = ("web", "worker-default", "worker-generate", "worker-train", "beat", "model-server")
GIVEN = {"POSTGRES_PASSWORD": "p", "REDIS_PASSWORD": "r"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def filled(text: str, given: dict[str, str]) -> str:
    """Compose's own replacing: ${NAME}, ${NAME:-default}, ${NAME:?message}, $$."""

    def one(match: re.Match[str]) -> str:
        name, kind, rest = match.group("name", "kind", "rest")
        if given.get(name):
            return given[name]
        assert kind != ":?", rest
        return rest or ""

    found = re.sub(r"(?<!\$)\$\{(?P<name>\w+)(?:(?P<kind>:[-?])(?P<rest>[^}]*))?\}", one, text)
    return found.replace("$$", "$")


def test_it_has_the_parts_of_an_installation(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {*PROGRAMS, "prepare", "postgres", "redis"}
    assert services["postgres"]["image"].startswith("pgvector/pgvector:pg")
    for name in PROGRAMS:
        assert services[name]["image"] == "apprentice"
        assert services[name]["depends_on"]["prepare"] == {"condition": "service_completed_successfully"}
        assert "data:/data" in services[name]["volumes"]
    for queue in CONCURRENCY:
        assert services[f"worker-{queue}"]["command"] == worker_words(queue)
        assert services[f"worker-{queue}"]["environment"]["WORKER_QUEUE"] == queue
    published = [name for name in services if "ports" in services[name]]
    assert published == ["web"]
    assert services["web"]["ports"] == ["${PUBLISH:-127.0.0.1:8000}:8000"]


def test_it_has_no_password_of_its_own(compose: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        assert f"{name}:-" not in text
        assert f"{name}:?set {name} in .env" in text


def test_the_image_runs_as_an_ordinary_user_with_the_pinned_packages() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    words = [line.split(maxsplit=1) for line in lines if line and not line.startswith(("#", " "))]
    assert words[0][0] == "FROM"
    assert re.fullmatch(r"python:3\.1[12]-slim\S*", words[0][1])
    assert ["USER", "apprentice"] in words
    copied = [rest for word, rest in words if word == "COPY"]
    assert copied[0] == "pyproject.toml constraints.txt ./"
    assert "RUN python scripts/bootstrap.py && rm -rf /root/.cache" in lines
    [compiled] = [line for line in lines if "compileall" in line]
    parts = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"benchmarks"}
    assert parts == set(compiled.split(" -q ")[1].split())  # by whoever starts a program nothing can be written there
    assert {".venv", "var", ".git"} <= set((ROOT / ".dockerignore").read_text().split())


@pytest.fixture(scope="module")
def apart(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """PostgreSQL and Redis as somebody else would run them, a data volume, and a certificate."""
    place, home = tmp_path_factory.mktemp("servers"), tmp_path_factory.mktemp("data")
    servers.put_migrated(place)
    postgres, broker = Postgres(place, fast=True), Redis(place, fast=True)
    try:
        yield {
            "DATABASE_URL": postgres.start(),
            "REDIS_URL": broker.start(),
            "APPRENTICE_HOME": str(home),
            **certificate(home),
        }
    finally:
        broker.stop()
        postgres.stop()


def certificate(folder: Path) -> dict[str, str]:
    cert, key = write_certificate(folder)
    return {"TLS_CERT": str(cert), "TLS_KEY": str(key)}


def environment_of(service: dict[str, Any], apart: dict[str, str], **ours: str) -> dict[str, str]:
    """The service's own environment, with the addresses of our servers in the place of compose's names."""
    declared = {name: filled(str(value), {**GIVEN, **apart}) for name, value in service["environment"].items()}
    assert declared["DATABASE_URL"].startswith("postgresql://apprentice:p@postgres:5432/")
    replaced = {name: apart[name] for name in ("DATABASE_URL", "REDIS_URL", "APPRENTICE_HOME")}
    system = {
        "PATH": f"{ROOT / '.venv' / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PIP_NO_INDEX": "1",
    }
    return {**system, **declared, **replaced, **ours}


def test_the_same_commands_run_against_separate_servers(
    compose: dict[str, Any], apart: dict[str, str], tmp_path: Path
) -> None:
    services, home, port = compose["services"], Path(apart["APPRENTICE_HOME"]), free_port()
    starter = home / "models" / "base" / "smollm2-135m-instruct"
    make_tiny_model(starter)
    (starter / "apprentice.json").write_text('{"format": 1, "kind": "base", "name": "tiny"}')
    shutil.copytree(starter, starter.with_name("all-minilm-l6-v2"))
    prepare = services["prepare"]
    done = subprocess.run(
        prepare["command"], cwd=ROOT, env=environment_of(prepare, apart), capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "First admin, once" in done.stdout
    model_port = free_port()
    ours = {"PORT": str(port), "MODEL_SERVER": f"http://127.0.0.1:{model_port}", "SWEEP_SECONDS": "1"}
    swaps = {"/data/models": str(home / "models"), "0.0.0.0": "127.0.0.1", "8010": str(model_port)}
    swaps["/tmp/beat"] = str(tmp_path / "beat")
    running = {}
    try:
        for name in PROGRAMS:
            with (tmp_path / f"{name}.log").open("wb") as log:
                running[name] = subprocess.Popen(
                    [swaps.get(word, word) for word in services[name]["command"]],
                    cwd=ROOT,
                    env=environment_of(services[name], apart, **ours),
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
        deadline = time.monotonic() + 90
        while (missing := not_yet(apart, port, model_port)) and time.monotonic() < deadline:
            assert all(process.poll() is None for process in running.values()), logs(tmp_path)
            time.sleep(0.3)
        assert not missing, f"{missing}: {logs(tmp_path)}"
    finally:
        for process in running.values():
            process.terminate()
        codes = {name: process.wait(30) for name, process in running.items()}
    assert set(codes.values()) <= {0, -15}, codes


def not_yet(apart: dict[str, str], port: int, model_port: int) -> list[str]:
    """What does not work so far: the page over TLS, the model server, each worker, the beat."""
    with psycopg.connect(apart["DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT queue, name FROM core_heartbeat").fetchall()
    heard = {queue or name for queue, name in rows}
    missing = sorted({"default", "generate", "train", "beat"} - heard)
    if status_of(port, "/accounts/login/", tls=True) != 200:
        missing.append("web")
    if status_of(model_port, "/health") != 200:
        missing.append("model-server")
    return missing


def logs(folder: Path) -> str:
    return "\n".join(f"== {path.name}\n{path.read_text()[-1500:]}" for path in sorted(folder.glob("*.log")))


def test_the_web_service_without_certificate_or_proxy_refuses_with_the_cure(
    compose: dict[str, Any], apart: dict[str, str]
) -> None:
    web = compose["services"]["web"]
    bare = {name: value for name, value in apart.items() if not name.startswith("TLS")}
    done = subprocess.run(
        web["command"], cwd=ROOT, env=environment_of(web, bare), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "HOST=0.0.0.0 is reachable from the network without encryption; set TLS_CERT and TLS_KEY" in done.stderr
