"""Starting the installation as its own processes, for the tests that kill them."""

import http.client
import os
import signal
import socket
import ssl
import sys
import time
from pathlib import Path

import psutil

from config.embedded.children import start_child

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def environment(home: Path, **more: str) -> dict[str, str]:
    """A start that needs no network: the models are there, and the demo data may be missing."""
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL", "HOST"}}
    return {**kept, "APPRENTICE_HOME": str(home), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", **more}


class Running:
    """A start of `make up` or `manage.py up`, its output in a file."""

    def __init__(self, home: Path, port: int, *argv: str) -> None:
        self.port = port
        self.output = home / f"output-{time.monotonic_ns()}.txt"
        self.began = time.monotonic()
        self.process = start_child(
            argv or [sys.executable, "manage.py", "up"],
            log=self.output,
            env=environment(home, PORT=str(port)),
            cwd=ROOT,
            death_signal=signal.SIGTERM,
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
        return status_of(self.port, path)

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


def status_of(port: int, path: str, *, tls: bool = False) -> int:
    """The status of a page on this machine; 0 when nothing answers."""
    client: http.client.HTTPConnection
    if tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        client = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
    else:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        client.request("GET", path)
        return client.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        client.close()
