"""A Redis of its own for each test and real Celery workers as processes, on the database of the test."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import kombu.pools
import pytest
from django.db import connection

from config.celery import app
from config.embedded import Redis
from tests.faults import probe  # noqa: F401  registers the probe here as in the worker

ROOT = Path(__file__).resolve().parents[2]
QUICK = {"LEASE_SECONDS": "2", "HEARTBEAT_SECONDS": "1", "SWEEP_SECONDS": "1"}


def wait_for(what: Callable[[], object], seconds: float = 60.0) -> None:
    """Look four times a second; fail with what was awaited."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            pytest.fail(f"after {seconds} s still not: {what.__doc__ or what}")
        time.sleep(0.1)


@dataclass
class Worker:
    process: subprocess.Popen[bytes]
    log: Path

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def stop(self, seconds: float = 15.0) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()


@dataclass
class Plant:
    """Redis and workers of one test."""

    redis: Redis
    env: dict[str, str]
    folder: Path
    workers: list[Worker] = field(default_factory=list)

    def start_worker(self) -> Worker:
        """A worker of the queue `default` that is ready to take jobs."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        argv = [
            sys.executable, "-m", "celery", "--app", "tests.faults.worker_app", "worker", "--queues", "default",
            "--hostname", f"w{len(self.workers)}@%h", "--pool", "threads", "--concurrency", "2", "--without-gossip",
            "--without-mingle", "--without-heartbeat", "--loglevel", "INFO",
        ]  # fmt: skip
        with log.open("wb") as output:
            process = subprocess.Popen(argv, cwd=ROOT, env=self.env, stdout=output, stderr=subprocess.STDOUT)
        worker = Worker(process, log)
        self.workers.append(worker)
        wait_for(lambda: b" ready." in log.read_bytes() or process.poll() is not None, 120)
        assert process.poll() is None, log.read_text()
        return worker


@pytest.fixture(name="plant")
def plant_fixture(servers: Any, transactional_db: None, tmp_path: Path, settings: object) -> Iterator[Plant]:
    redis = Redis(tmp_path / "redis", fast=True)
    redis.start()
    point_queue_to(redis.url)
    for name, value in QUICK.items():
        setattr(settings, name, int(value))
    env = {**os.environ, **QUICK, "DATABASE_URL": test_database(servers.database_url), "REDIS_URL": redis.url}
    here = Plant(redis, env, tmp_path)
    try:
        yield here
    finally:
        for worker in here.workers:
            if worker.process.poll() is None:
                worker.stop()
        redis.stop()
        point_queue_to(servers.redis_url)


def point_queue_to(url: str) -> None:
    app.conf.broker_url = url
    app.amqp._producer_pool = None  # the pool keeps connections to the address it was made with
    app._pool = None
    kombu.pools.reset()


def test_database(url: str) -> str:
    """The test's database at the same server."""
    return urlsplit(url)._replace(path=f"/{quote(str(connection.settings_dict['NAME']))}").geturl()
