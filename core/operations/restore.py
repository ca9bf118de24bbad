"""A backup into an empty installation."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import psycopg
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from psycopg.conninfo import conninfo_to_dict

from config.embedded.paths import take_lock
from core import registries
from core.operations.archive import DATABASE, FILES, Manifest, verify
from core.operations.backup import ERASURES, FOLDERS
from core.operations.database import database_running, run_tool
from core.operations.errors import OperatorError
from core.operations.prepare import Tell, migrate

MARK = "restoring"  # while this folder exists the installation is incomplete and `up` refuses it


def restore(home: Path, url: str, source: Path, tell: Tell) -> Manifest:
    """1. the place is empty. 2. read and verify the whole archive. 3. files aside, database into its place. 4. migrate
    to this version. 5. files into place. 6. what was erased after the backup is erased again, by the journal that lies
    in the place. 7. mark away. A failed restore leaves the place as empty as it was."""
    with contextlib.closing(take_lock(_made(home) / "up.lock", "Apprentice")):
        refuse_used(home)
        tell("Verifying the backup")
        manifest = verify(source)
        refuse_newer(manifest)
        refuse_small_disk(home, source)
        with undone_on_failure(home):
            unpack(home / MARK, source, tell)
            with database_running(home, url):
                refuse_tables(url)
                tell("Restoring the database")
                # Comments are left out: only a superuser may put the one on the extension.
                words = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", "--no-comments")
                name = str(conninfo_to_dict(url)["dbname"])
                run_tool("pg_restore", url, *words, f"--dbname={name}", str(home / MARK / DATABASE))
                migrate(tell)
                join_journals(home / MARK / FILES / ERASURES, home / ERASURES)
                for folder in FOLDERS:
                    settle(home / MARK / FILES / folder, home / folder)
                forget_again(tell)
                connection.close()
        shutil.rmtree(home / MARK)
    return manifest


def join_journals(backed_up: Path, in_place: Path) -> None:
    """The journal of the backup's day and the newer one that lies here already: every line of both, once, in order."""
    for old in sorted(backed_up.rglob("*")) if backed_up.is_dir() else ():
        here = in_place / old.relative_to(backed_up)
        if old.is_file() and here.is_file():
            lines = dict.fromkeys([*old.read_bytes().splitlines(), *here.read_bytes().splitlines()])
            old.write_bytes(b"".join(line + b"\n" for line in lines))


def forget_again(tell: Tell) -> None:
    for task in registries.after_restore:
        task(tell)


def refuse_newer(manifest: Manifest) -> None:
    loader = MigrationLoader(None)
    ours = {app for app, _ in loader.disk_migrations}
    for app, name in manifest.migrations:
        if app in ours and (app, name) not in loader.disk_migrations:
            raise OperatorError(f"The backup was made by a newer version (it has {app}.{name}); use that version.")


def refuse_used(home: Path) -> None:
    """Also clears what a killed restore left: its mark says that nothing of it was ever in use."""
    if (home / MARK).exists():
        clear(home)
    used = [name for name in ("postgres", "models", "corpora", "runs", "uploads") if _filled(home / name)]
    if used:
        raise OperatorError(f"{home / used[0]} is not empty; restore into an empty folder: set APPRENTICE_HOME to one.")


def refuse_small_disk(home: Path, source: Path) -> None:
    need, free = 3 * source.stat().st_size + 200_000_000, shutil.disk_usage(home).free
    if free < need:
        raise OperatorError(f"The disk of {home} has {free / 1e9:.1f} GB free and {need / 1e9:.1f} GB are needed.")


def refuse_tables(url: str) -> None:
    with psycopg.connect(url) as found:
        row = found.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' LIMIT 1").fetchone()
    if row:
        raise OperatorError(f"The database has a table already ({row[0]}); set DATABASE_URL to an empty database.")


@contextlib.contextmanager
def undone_on_failure(home: Path) -> Iterator[None]:
    (home / MARK).mkdir()
    try:
        yield
    except BaseException:
        clear(home)
        raise


def clear(home: Path) -> None:
    for name in ("postgres", "postgres.new", "models", "corpora", "runs", "uploads", MARK):
        shutil.rmtree(home / name, ignore_errors=True)


def unpack(place: Path, source: Path, tell: Tell) -> None:
    """Verified once already, and again while it is written: the disk may have changed its mind."""
    tell("Unpacking")

    def take(name: str, content: IO[bytes]) -> None:
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            shutil.copyfileobj(content, file, 1 << 20)

    verify(source, take)


def settle(place: Path, target: Path) -> None:
    """Move each file to where it belongs; a key made meanwhile gives way to the restored one."""
    for path in sorted(place.rglob("*")):
        if path.is_file():
            new = target / path.relative_to(place)
            new.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if target.name == "secrets" else 0o777)
            path.replace(new)


def _made(home: Path) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    return home


def _filled(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())
