"""The programs of an installation and how each is started. docker-compose.yml starts the same ones."""

import sys
from pathlib import Path

from core.operations.supervisor import Program
from ml.devices import gpus

ROOT = Path(__file__).resolve().parents[2]
# Threads, not processes: a worker supervises children of its own, and the signal that it should stop reaches its jobs.
# Of trainings one on each GPU, or one on the processor.
CONCURRENCY = {"default": 2, "generate": 1, "train": max(1, len(gpus()))}


def web(home: Path, env: dict[str, str], fd: int) -> Program:
    """gunicorn on the socket that the supervisor opened and keeps open over restarts."""
    argv = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py", "--bind", f"fd://{fd}", "config.wsgi"]
    return Program("web", argv, home / "logs" / "web.log", env, ROOT, (fd,))


def worker(home: Path, env: dict[str, str], queue: str) -> Program:
    argv = [sys.executable, "-m", *worker_words(queue)]
    name = f"worker-{queue}"
    return Program(name, argv, home / "logs" / f"{name}.log", {**env, "WORKER_QUEUE": queue}, ROOT)


def worker_words(queue: str) -> list[str]:
    return [
        "celery", "--app", "config.celery", "worker", "--queues", queue, "--hostname", f"{queue}@%h",
        "--pool", "threads", "--concurrency", str(CONCURRENCY[queue]),
        "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO",
    ]  # fmt: skip


def beat(home: Path, env: dict[str, str]) -> Program:
    schedule = str(home / "run" / "beat")
    words = ["celery", "--app", "config.celery", "beat", "--schedule", schedule, "--pidfile", "", "--loglevel", "INFO"]
    return Program("beat", [sys.executable, "-m", *words], home / "logs" / "beat.log", env, ROOT)


def model_server(home: Path, env: dict[str, str], socket: str, store: Path, embedder: Path) -> Program:
    words = ["serve", "--socket", socket, "--store", str(store), "--embedder", str(embedder.relative_to(store))]
    argv = [sys.executable, "-m", "ml", *words]
    return Program("model-server", argv, home / "logs" / "model-server.log", env, ROOT)
