"""What `manage.py doctor` looks at: one function a check, each with the cure for its failure."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib import metadata
from urllib.parse import urlparse

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from core.choices import Queue
from core.models import Heartbeat
from core.operations import downloads, preflight
from core.operations.errors import OperatorError
from core.operations.listening import read_listen
from core.operations.programs import ROOT

LEAST_MEMORY = 4_000_000_000
NOT_RUNNING = "Start it with `make up`."


@dataclass(frozen=True)
class Finding:
    """The outcome of a check. `cure` is empty when all is well; a warning does not make the doctor fail."""

    name: str
    text: str
    cure: str = ""
    warning: bool = False

    @property
    def ok(self) -> bool:
        return not self.cure


def python() -> Finding:
    preflight.check_python()
    return Finding("Python", sys.version.split()[0])


def packages() -> Finding:
    """The installed versions against the pins; only what we import directly can be missing."""
    wrong = []
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        name, _, version = line.partition("==")
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:  # of the tests, or for another platform
            continue
        if found.split("+")[0] != version:
            wrong.append(f"{name} {found} instead of {version}")
    if wrong:
        return Finding(
            "Packages", ", ".join(wrong[:5]), "Remove .venv/.installed and run `make install`.", warning=True
        )
    return Finding("Packages", "as pinned")


def disk() -> Finding:
    preflight.check_home(settings.HOME)
    preflight.check_whole(settings.HOME)
    preflight.check_disk(settings.HOME, first=False)
    return Finding("Disk", f"{shutil.disk_usage(settings.HOME).free / 1e9:.1f} GB free in {settings.HOME}")


def memory() -> Finding:
    size = preflight.memory_bytes()
    text = f"{size / 1e9:.1f} GB"
    if size < LEAST_MEMORY:
        return Finding("Memory", text, "Training needs about 4 GB; use a machine with more.", warning=True)
    return Finding("Memory", text)


def listening() -> Finding:
    return Finding("Address", read_listen(os.environ).url)


def database() -> Finding:
    preflight.check_database(settings.DATABASE_URL)
    executor = MigrationExecutor(connection)
    if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return Finding("Database", f"{len(plan)} migrations are missing", "Run `make up`, or `manage.py prepare`.")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), extversion FROM pg_extension WHERE extname = 'vector'"
        )
        row = cursor.fetchone()
    if row is None:
        return Finding("Database", "the extension vector is not made", "Run `manage.py migrate`.")
    return Finding("Database", f"PostgreSQL {row[0]}, pgvector {row[1]}")


def redis() -> Finding:
    preflight.check_redis(settings.REDIS_URL)
    return Finding("Redis", "answers")


def workers() -> Finding:
    """Each queue was heard of within three heartbeats, and so was the beat within three of its rounds."""
    now = timezone.now()
    seen = {row.queue or row.name: now - row.seen_at for row in Heartbeat.objects.order_by("seen_at")}
    limits = dict.fromkeys(Queue.values, 3 * settings.HEARTBEAT_SECONDS) | {"beat": 3 * settings.SWEEP_SECONDS}
    late = [name for name, limit in limits.items() if seen.get(name, timedelta.max) > timedelta(seconds=limit)]
    if late:
        return Finding(
            "Workers", f"no sign of life from: {', '.join(late)}", f"{NOT_RUNNING} Its logs: {settings.HOME / 'logs'}"
        )
    return Finding("Workers", ", ".join(limits))


def store() -> Finding:
    """Both models that every installation has, with the weights' sizes as they were unpacked."""
    for folder, package in ((settings.STARTER_MODEL, downloads.STARTER), (settings.EMBEDDER, downloads.EMBEDDER)):
        if not folder.exists():
            return Finding("Model store", f"{folder} is missing", "Run `make up`, which fetches it.")
        facts, weights = folder / "apprentice.json", folder / "model.safetensors"
        if not facts.exists() or not weights.exists() or weights.stat().st_size < package.size // 2:
            return Finding("Model store", f"{folder} is incomplete", "Remove that folder and run `make up`.")
        json.loads(facts.read_text())
    return Finding("Model store", str(settings.MODEL_STORE))


def model_server() -> Finding:
    try:
        status = ask_model_server()
    except OSError as error:
        return Finding("Model server", f"does not answer ({error})", NOT_RUNNING)
    if status != 200:
        return Finding("Model server", f"answers {status}", f"See {settings.HOME / 'logs' / 'model-server.log'}.")
    return Finding("Model server", "answers")


def ask_model_server() -> int:
    """The status of its /health."""
    place = settings.MODEL_SERVER
    if place.startswith("unix:"):
        client = http.client.HTTPConnection("localhost", timeout=5)
        client.sock = socket.socket(socket.AF_UNIX)
        client.sock.settimeout(5)
        client.sock.connect(place.removeprefix("unix:"))
    else:
        parts = urlparse(place)
        client = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        client.request("GET", "/health")
        return client.getresponse().status
    finally:
        client.close()


def isolation() -> Finding:
    """How a training would be cut off the network, tried in a child because it cannot be undone."""
    code = "from ml.isolation import isolate; print(isolate('forbidden'))"
    child = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30)
    if child.returncode != 0:
        cure = "Allow user namespaces or seccomp on this machine; until then trainings are refused."
        return Finding("Isolation", "trainings cannot be cut off the network", cure)
    return Finding("Isolation", f"trainings run without network ({child.stdout.strip()})")


CHECKS: tuple[Callable[[], Finding], ...] = (
    python, packages, disk, memory, listening, database, redis, workers, store, model_server,
    isolation,
)  # fmt: skip


def examine() -> list[Finding]:
    """Run every check; one that cannot even be made is a finding too."""
    return [outcome(check) for check in CHECKS]


def outcome(check: Callable[[], Finding]) -> Finding:
    name = check.__name__.replace("_", " ").capitalize()
    try:
        return check()
    except OperatorError as error:
        text, _, cure = str(error).partition("; ")
        return Finding(name, text, cure[:1].upper() + cure[1:] if cure else NOT_RUNNING)
    except Exception as error:
        return Finding(name, f"{type(error).__name__}: {' '.join(str(error).split())}", NOT_RUNNING)
