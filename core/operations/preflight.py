"""What must be true before anything is started. Each check raises OperatorError with one sentence and its cure."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import psycopg
import redis

from core.operations.errors import OperatorError

FIRST_START_BYTES = 2_500_000_000  # packages, the starter model unpacked, a new database
LATER_START_BYTES = 300_000_000
NOT_RUNNING = "start it with `make up`"


def check_python() -> None:
    if not (3, 11) <= sys.version_info[:2] <= (3, 12):
        found = ".".join(str(part) for part in sys.version_info[:3])
        raise OperatorError(f"Python {found} does not fit; install Python 3.11 or 3.12 and remove .venv.")


def check_home(home: Path) -> None:
    """The folder exists or can be made, and files in it can be written."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        raise OperatorError(
            f"{home} cannot be written ({error.strerror}); give this user write rights to it, or set APPRENTICE_HOME."
        ) from error


def check_whole(home: Path) -> None:
    """No restore was broken off here (see restore.py, which clears up when it is run again)."""
    if (home / "restoring").exists():
        raise OperatorError(f"A restore into {home} was interrupted; run it again: manage.py restore FILE.")


def check_disk(home: Path, *, first: bool) -> None:
    need = FIRST_START_BYTES if first else LATER_START_BYTES
    free = shutil.disk_usage(home).free
    if free < need:
        raise OperatorError(
            f"The disk of {home} has {free / 1e9:.1f} GB free and {need / 1e9:.1f} GB are needed; free some, or set "
            "APPRENTICE_HOME to a folder on a larger disk."
        )


def check_database(url: str) -> None:
    """A given DATABASE_URL answers, may be written to, is new enough and has pgvector at hand."""
    cure = "check DATABASE_URL, or unset it to use the embedded database"
    if not os.environ.get("DATABASE_URL"):
        cure = NOT_RUNNING
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            row = connection.execute(
                "SELECT current_setting('server_version_num')::int, pg_is_in_recovery()"
            ).fetchone()
            vector = connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'").fetchone()
    except (psycopg.Error, UnicodeError) as error:
        raise OperatorError(f"The database does not answer ({' '.join(str(error).split())}); {cure}.") from error
    assert row is not None
    if row[0] < 140000:
        raise OperatorError(f"The database is PostgreSQL {row[0] // 10000}; version 14 or newer is needed: {cure}.")
    if row[1]:
        raise OperatorError(f"The database is a read-only standby; {cure}.")
    if not vector:
        raise OperatorError(f"The database server has no pgvector; install it there (package pgvector), or {cure}.")


def check_redis(url: str) -> None:
    cure = "check REDIS_URL, or unset it to use the embedded Redis"
    if not os.environ.get("REDIS_URL"):
        cure = NOT_RUNNING
    try:
        with redis.from_url(client_url(url), socket_connect_timeout=5, socket_timeout=5) as client:
            version = str(client.info("server")["redis_version"])
    except (redis.RedisError, OSError, ValueError) as error:
        raise OperatorError(f"Redis does not answer ({' '.join(str(error).split())}); {cure}.") from error
    if int(version.split(".")[0]) < 6:
        raise OperatorError(f"Redis is version {version}; 6.0 or newer is needed: {cure}.")


def client_url(url: str) -> str:
    """The Redis client names socket addresses otherwise than the queue does."""
    return url.replace("redis+socket://", "unix://", 1)


def memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
