"""An installation of its own in a temporary folder: real PostgreSQL and Redis, the real web server, no workers.

What needs Django happens in fresh processes (`python -m benchmarks.steps NAME JSON`), so that their memory is theirs
alone and this process never reads the settings of another installation.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.net import free_port, page_status
from benchmarks.places import ROOT
from config.embedded import Postgres, Redis
from config.embedded.children import start_child, stop_child

START_SECONDS = 120.0
ACCESS_LINE = re.compile(r"^([A-Z]+) (\S+) (\d{3}) (\d+)$")


class StepError(RuntimeError):
    """A step of a measurement failed; the message ends with what it printed."""


@dataclass(frozen=True)
class Answered:
    """A request as the web server saw it."""

    method: str
    path: str
    status: int
    seconds: float


@dataclass
class Web:
    """The web server, and every request that it answered since `forget`."""

    port: int
    process: "subprocess.Popen[bytes]"
    log: Path
    offset: int = field(default=0)

    def forget(self) -> None:
        self.offset = self.log.stat().st_size

    def answered(self) -> list[Answered]:
        with self.log.open("rb") as file:
            file.seek(self.offset)
            lines = file.read().decode().splitlines()
        found = [match.groups() for line in lines if (match := ACCESS_LINE.match(line))]
        return [Answered(method, path, int(status), int(spent) / 1e6) for method, path, status, spent in found]

    def processor_seconds(self) -> float:
        """What all workers together have spent of a processor since they started."""
        return sum(sum(worker.cpu_times()[:2]) for worker in self.workers())

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()


class Installation:
    """`with Installation() as own:` makes it; nothing of it is left afterwards. `fast` gives up durability."""

    def __init__(self, *, fast: bool = False) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="apprentice-bench-"))
        self.postgres, self.redis = Postgres(self.home, fast=fast), Redis(self.home, fast=fast)

    def __enter__(self) -> "Installation":
        try:
            self.postgres.start()
            self.redis.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.redis.stop()
        self.postgres.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in {"HOST", "TLS_CERT", "TLS_KEY"}}
        return {
            **kept,
            "APPRENTICE_HOME": str(self.home),
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LOG_LEVEL": "WARNING",
        }

    def step(self, name: str, **given: Any) -> dict[str, Any]:
        """Run one step of benchmarks/steps.py in a process of its own and return what it found."""
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.steps", name, json.dumps(given)],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StepError(f"The step {name} failed:\n{done.stdout[-1000:]}{done.stderr[-3000:]}")
        return json.loads(done.stdout.strip().splitlines()[-1])

    @contextmanager
    def web(self) -> Iterator[Web]:
        """gunicorn as an installation runs it, answering on loopback, with a line for each request."""
        port, log = free_port(), self.home / "logs" / "access.log"
        argv = [
            sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py", "--bind", f"127.0.0.1:{port}",
            "--access-logfile", log, "--access-logformat", "%(m)s %(U)s %(s)s %(D)s", "config.wsgi",
        ]  # fmt: skip
        process = start_child(
            argv, log=self.home / "logs" / "web.log", env=self.environment, cwd=ROOT, death_signal=signal.SIGTERM
        )
        try:
            await_page(process, port, self.home / "logs" / "web.log")
            yield Web(port, process, log)
        finally:
            stop_child(process, [(signal.SIGTERM, 10.0)])


def await_page(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while page_status(port, "/accounts/login/") != 200:
        if process.poll() is not None or time.monotonic() > deadline:
            raise StepError(f"The web server did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.1)
