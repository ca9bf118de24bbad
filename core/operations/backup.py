"""Online backup of database, models, keys and files into one archive, while people go on working."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from core.operations.archive import DATABASE, FILES, Manifest, written
from core.operations.database import database_running, run_tool
from core.operations.prepare import Tell

ERASURES = "erasures"  # the journal of what was erased for good
FOLDERS = ("models", "corpora", "runs", "secrets", "uploads", ERASURES)
# The embedded database's password belongs to its cluster; a restored one has its own.
LEFT_OUT = ("secrets/postgres",)
# Sign-ins and login counters: people sign in again after a restore.
EMPTY_TABLES = ("core_cache", "django_session")


def default_name(home: Path) -> Path:
    return home / "backups" / f"apprentice-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar"


def backup(home: Path, url: str, target: Path, tell: Tell) -> Manifest:
    """1. dump the database (one snapshot). 2. copy the files: they are written before the rows that name them, so all
    that the snapshot refers to is there. 3. manifest. Checkpoints are left out: a training under way starts anew."""
    with database_running(home, url), tempfile.TemporaryDirectory(dir=home, prefix="backup-") as scratch:
        manifest = Manifest(datetime.now(UTC).isoformat(timespec="seconds"), applied_migrations())
        with written(target, manifest) as archive:
            tell("Dumping the database")
            dump = Path(scratch) / DATABASE
            empty = [f"--exclude-table-data={table}" for table in EMPTY_TABLES]
            run_tool("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", *empty, f"--file={dump}")
            archive.add(DATABASE, dump)
            tell("Copying models, corpora, runs, uploads and keys")
            for path in files_of(home):
                archive.add(FILES + path.relative_to(home).as_posix(), path)
        connection.close()
    return manifest


def applied_migrations() -> list[list[str]]:
    return sorted([app, name] for app, name in MigrationRecorder(connection).applied_migrations())


def files_of(home: Path) -> Iterator[Path]:
    """Everything an installation keeps outside the database, without what is only being written (names with a dot)."""
    for folder in FOLDERS:
        for path in sorted((home / folder).rglob("*")):
            inner = path.relative_to(home)
            hidden = any(part.startswith(".") for part in inner.parts)
            checkpoint = inner.parts[0] == "runs" and "checkpoints" in inner.parts
            left_out = hidden or checkpoint or inner.as_posix() in LEFT_OUT
            if path.is_file() and not path.is_symlink() and not left_out:
                yield path
