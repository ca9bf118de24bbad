"""Bring database, static files and first data up to this version of the code. Doing it twice does nothing twice."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import structlog
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from core.models import Event
from core.operations.errors import OperatorError
from core.registries import first_start
from core.services.events import event_record

log = structlog.get_logger(__name__)
Tell = Callable[[str], None]
FIRST_START = "start.first"
# Modules that name each other through an import map: no page of ours loads them, and their names cannot be hashed.
UNUSED = ["django_htmx/ext/*"]


def prepare(tell: Tell, await_models: Callable[[], None]) -> None:
    """1. migrate if something is pending. 2. collect static files if one changed. 3. wait for the models, which the
    first-start hooks register. 4. run each of these once."""
    migrate(tell)
    collect_static(tell)
    await_models()
    run_first_start(tell)


def migrate(tell: Tell) -> None:
    """Apply what is missing; refuse a database that a newer version has already changed."""
    executor = MigrationExecutor(connection)
    loader = executor.loader
    ours = {app for app, _ in loader.disk_migrations}
    unknown = sorted(key for key in loader.applied_migrations if key[0] in ours and key not in loader.graph.nodes)
    unknown = [key for key in unknown if key not in loader.replacements]
    if unknown:
        raise OperatorError(
            f"The database was changed by a newer version of Apprentice (it has {unknown[0][0]}.{unknown[0][1]}); "
            "start that version, or restore a backup made by this one."
        )
    plan = executor.migration_plan(loader.graph.leaf_nodes())
    if plan:
        tell(f"Bringing the database up to date ({len(plan)} steps)")
        call_command("migrate", interactive=False, verbosity=0)


def collect_static(tell: Tell) -> None:
    """Skip when neither a source file nor the way of storing changed since the last time."""
    root = Path(settings.STATIC_ROOT)
    stamp = root / ".collected"
    now = _static_state()
    if stamp.exists() and stamp.read_text() == now:
        return
    tell("Collecting static files")
    call_command("collectstatic", interactive=False, verbosity=0, clear=True, ignore_patterns=UNUSED)
    stamp.write_text(now)


def _static_state() -> str:
    found: list[tuple[str, int, int]] = []
    for finder in get_finders():
        for name, storage in finder.list([]):
            stat = Path(storage.path(name)).stat()
            found.append((name, stat.st_size, stat.st_mtime_ns))
    text = json.dumps([sorted(found), settings.STORAGES["staticfiles"], settings.STATIC_URL], default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def run_first_start(tell: Tell) -> None:
    """Each hook once in the life of a database; its audit log tells which ran, so a restored one knows too.

    All or nothing each, and none is needed for the rest to run.
    """
    done = set(Event.objects.filter(action=FIRST_START).values_list("summary", flat=True))
    for hook in first_start:
        name = f"{hook.__module__}.{hook.__qualname__}"
        if name not in done:
            title = (hook.__doc__ or name).strip().splitlines()[0].rstrip(".")
            tell(f"First start: {title.removeprefix('First start: ')}")
            try:
                with transaction.atomic():
                    hook()
                    event_record(actor=None, action=FIRST_START, summary=name)
            except Exception as error:
                log.warning("first_start_failed", hook=name, exc_info=True)
                tell(f"That did not work and is tried again at the next start: {error}")
