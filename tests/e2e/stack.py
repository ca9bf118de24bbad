"""A whole installation of its own for the browser tests: `manage.py up` over a temporary home with a tiny model."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from config.embedded.children import start_child
from ml.tiny import make_tiny_embedder, make_tiny_model

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 240.0
ADMIN_LINK = re.compile(r"(/link/[\w-]+/)")


@dataclass
class Stack:
    home: Path
    url: str
    admin_path: str
    process: subprocess.Popen[bytes]

    def kill_worker(self, queue: str) -> None:
        """Without a word, as the system would; its supervisor starts another."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        [worker] = [each for each in family if f"{queue}@%h" in each.cmdline()]
        worker.kill()

    def say(self, module: str, *words: str) -> str:
        """What `python -m module words…` prints, run as a process of this installation."""
        argv = [sys.executable, "-m", module, *words]
        done = subprocess.run(argv, cwd=ROOT, env=environment(self.home), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def stop(self) -> int:
        """End it as Ctrl-C would; returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def put_models(home: Path) -> None:
    """Tiny models where the starter and the embedding model are looked for, so that nothing big is fetched."""
    for name, make in (("smollm2-135m-instruct", make_tiny_model), ("all-minilm-l6-v2", make_tiny_embedder)):
        folder = make(home / "models" / "base" / name)
        (folder / "apprentice.json").write_text(json.dumps({"name": f"Tiny {name}", "licence": "Apache-2.0"}))


def environment(home: Path) -> dict[str, str]:
    """Without the addresses of the tests' own database and broker: the installation has its own."""
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    return {**kept, "APPRENTICE_HOME": str(home)}


def start(home: Path) -> Stack:
    """Start the installation and wait until it prints that it is ready."""
    put_models(home)
    port = free_port()
    told = {
        **environment(home),
        "PORT": str(port),
        "HEARTBEAT_SECONDS": "2",
        "SWEEP_SECONDS": "2",
        "LEASE_SECONDS": "10",  # what a killed worker held is taken up soon
        "PYTHONUNBUFFERED": "1",
        "PIP_NO_INDEX": "1",  # the demo's data are left out: nothing is fetched for a test
    }
    log = home / "up.log"
    # With a killed pytest it ends too, as at a Ctrl-C.
    words = [sys.executable, "manage.py", "up"]
    process = start_child(words, log=log, env=told, cwd=ROOT, death_signal=signal.SIGTERM)
    deadline = time.monotonic() + START_SECONDS
    while True:
        output = log.read_text()
        link = ADMIN_LINK.search(output)
        if link:
            return Stack(home, f"http://127.0.0.1:{port}", link[1], process)
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"the installation did not start:\n{output}")
        time.sleep(0.2)
