"""Bringing pairs in from a file: kept under our own name, mapped by a person, stored by a job."""

import hashlib
import secrets
import time
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import Queue
from typing import Any, Protocol

import psycopg
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.choices import JobState
from core.denied import ApplicationError
from core.jobs import JobContext, JobFailed, LeaseLost
from core.models import Job, User
from core.services.events import event_record
from core.services.jobs import job_create
from curation.choices import STARTABLE, ImportState
from curation.import_mapping import Mapping, Problem, Ready, columns_of, read_row, recognise, refuse_mapping
from curation.import_reading import (
    Row,
    first_rows,
    first_tables,
    format_found,
    format_of,
    read_rows,
    text_encoding,
)
from curation.models import Import, ImportProblem, Task
from curation.selectors.imports import SAMPLE, import_path, sample_rows
from curation.services.import_storing import BATCH, Storing, own_connection
from ml.tables.shapes import KINDS

TELL_SECONDS = 1.0


class Upload(Protocol):
    """What a framework hands over: Django's uploaded file, or any file that can be read in pieces."""

    name: str | None
    size: int | None

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]: ...


@dataclass
class LocalFile:
    """A file of this machine, such as the demo data, in the shape of an upload."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            while piece := file.read(chunk_size or 2**20):
                yield piece


def import_upload(*, actor: User | None, task: Task, upload: Any) -> Import:
    """Keep an uploaded file and guess its form. Raises ApplicationError, naming the reason, and keeps nothing then.

    1. The ending decides the format. 2. The bytes stream to a name of ours; the size limit holds while they do.
    3. A text file must be in an encoding that can be told, and is kept as UTF-8; a workbook or a dataset names its
    sheets or splits. 4. It must have a row. 5. The form is recognised from the first rows.
    """
    name = Path(str(upload.name)).name.replace("\x00", "")[:200]
    format = format_of(name)
    folder = Path(settings.UPLOADS)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{secrets.token_hex(16)}.{format}"
    try:
        size, sha256 = keep(upload.chunks(), path)
        batch = Import(
            task=task, file_name=name, path=path.name, size=size, sha256=sha256, source=name, created_by=actor
        )
        look_into(batch, path, format)
        return import_record(actor, task, batch)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def look_into(batch: Import, path: Path, format: str) -> None:
    """Fill in format, encoding, tables and the recognised columns. Raises ApplicationError for what holds no rows."""
    if batch.size == 0:
        raise ApplicationError(_("The file is empty."), field="file")
    if format in KINDS.values():
        batch.tables, begun = first_tables(path, format, SAMPLE)
        batch.table, rows = table_guessed(begun)
    else:
        batch.encoding = text_encoding(path)
        format = format_found(path, format)
        rows = first_rows(path, format, SAMPLE)
    batch.format = format
    refuse_rows(rows)
    batch.mapping = recognise(rows).to_json()


def table_guessed(begun: dict[str, tuple[list[Row], str]]) -> tuple[str, list[Row]]:
    """The first of these sheets or splits with columns that look like pairs, else the first that can be read, with its
    rows: notes often stand before the data. Raises ApplicationError when none can be read."""
    readable = {table: rows for table, (rows, problem) in begun.items() if not problem}
    if not readable:
        raise ApplicationError(next(problem for _rows, problem in begun.values()), field="file")
    makes_pairs = [table for table, rows in readable.items() if recognise(rows).makes_pairs]
    filled = [table for table, rows in readable.items() if rows]
    table = next(iter([*makes_pairs, *filled, *readable]))
    return table, readable[table]


def refuse_rows(rows: list[Row]) -> None:
    if not rows:
        raise ApplicationError(_("The file holds no rows."), field="file")
    if not columns_of(rows):
        sentence = ngettext(
            "The only row cannot be read. Row %(row)d: %(reason)s",
            "None of the first %(count)d rows can be read. Row %(row)d: %(reason)s",
            len(rows),
        )
        values = {"count": len(rows), "row": rows[0].number, "reason": rows[0].problem or _("It names no columns.")}
        raise ApplicationError(sentence % values, field="file")


def keep(chunks: Iterable[bytes], path: Path) -> tuple[int, str]:
    """Write the pieces to `path`; returns size and sha256. A full disk or a file over the limit is refused."""
    digest = hashlib.sha256()
    size = 0
    try:
        with path.open("xb") as file:
            for chunk in chunks:
                size += len(chunk)
                if size > settings.UPLOAD_LIMIT_BYTES:
                    most = settings.UPLOAD_LIMIT_BYTES // 2**20
                    raise ApplicationError(_("The file is larger than %d MB; split it.") % most, field="file")
                digest.update(chunk)
                file.write(chunk)
    except OSError as error:
        sentence = _("The file could not be kept: %s. Free some space on the server and bring it again.")
        raise ApplicationError(sentence % error.strerror, field="file") from error
    return size, digest.hexdigest()


@transaction.atomic
def import_record(actor: User | None, task: Task, batch: Import) -> Import:
    batch.save()
    event_record(
        actor=actor, action="import.uploaded", project=task.project, subject=batch, summary=batch.file_name,
        size=batch.size, sha256=batch.sha256,
    )  # fmt: skip
    return batch


def import_choose(*, batch: Import, table: str) -> Import:
    """Read another sheet of the workbook, or another split of the dataset; its columns are recognised anew.

    Raises ApplicationError when there is no such one, or it holds no rows.
    """
    if table not in (*batch.tables, *(["*"] if batch.format == "datasets" else [])):
        raise ApplicationError(_("The file has no part called “%s”.") % table, field="table")
    batch.table = table
    rows = sample_rows(batch)
    refuse_rows(rows)
    batch.mapping = recognise(rows).to_json()
    batch.save(update_fields=["table", "mapping"])
    return batch


@transaction.atomic
def import_start(
    *, actor: User | None, batch: Import, mapping: Mapping, approve: bool = False, source: str = ""
) -> Import:
    """Queue the import with the columns chosen. Starting twice is starting once.

    `approve` makes every row an approved pair of origin imported, with the actor recorded: for owners, asked for at
    the door. Raises ApplicationError when a column is missing.
    """
    batch = Import.objects.select_for_update(of=("self",)).select_related("task__project").get(pk=batch.pk)
    if batch.state not in STARTABLE:
        return batch
    refuse_mapping(mapping, columns_of(sample_rows(batch)))
    batch.mapping, batch.approve, batch.source = mapping.to_json(), approve, source_said(source)
    batch.state, batch.error = ImportState.WAITING, ""
    project = batch.task.project
    batch.job = job_create(
        actor=actor,
        kind="import",
        project=project,
        subject=batch.file_name,
        subject_url=f"/p/{project.slug}/imports/{batch.pk}/",
        arguments={"import": batch.pk},
        once_key=f"import-{batch.pk}",
    )
    batch.save(update_fields=["mapping", "approve", "source", "state", "error", "job"])
    event_record(actor=actor, action="import.started", project=project, subject=batch, approve=approve)
    return batch


def source_said(source: str) -> str:
    return source.strip()[:300]


@transaction.atomic
def import_discard(*, actor: User, batch: Import) -> None:
    """Throw away an upload that was not started, with its file."""
    batch = Import.objects.select_for_update(of=("self",)).select_related("task__project").get(pk=batch.pk)
    if batch.state not in STARTABLE:
        raise ApplicationError(_("This import is under way or done; stop its job instead."))
    event_record(actor=actor, action="import.discarded", project=batch.task.project, subject=batch)
    path = import_path(batch)
    batch.delete()
    transaction.on_commit(lambda: path.unlink(missing_ok=True))


def import_run(batch: Import, context: JobContext) -> dict[str, Any]:
    """What the import job does; run again after a crash it starts over, because nothing of it was kept.

    Progress is counted in bytes until the number of rows is known, so the remaining time is honest from the start.
    """
    if batch.state == ImportState.DONE:
        return result_of(batch)
    Import.objects.filter(pk=batch.pk).update(state=ImportState.RUNNING)
    mapping = Mapping.from_json(batch.mapping)
    path = import_path(batch)
    if not path.exists():
        raise JobFailed(_("The uploaded file is no longer on the server; bring it again."))
    language = batch.task.language
    with closing(read_rows(path, batch.format, batch.table)) as source:
        store_all(batch, (read_row(row, mapping, language) for row in source), context)
    batch.refresh_from_db()
    return result_of(batch)


def store_all(batch: Import, rows: Iterator[Ready | Problem], context: JobContext) -> None:
    total = max(1, estimated_rows(batch))
    with own_connection() as bulk, closing(read_ahead(rows)) as pieces:
        storing = Storing(bulk, batch)
        while not storing.lock():
            context.checkpoint()
            context.progress(0, total, _("Waiting for another import into this task"))
            time.sleep(TELL_SECONDS)
        started = told = time.monotonic()
        for piece in pieces:
            storing.add(piece)
            now = time.monotonic()
            if now - told >= TELL_SECONDS:
                told = now
                context.checkpoint()
                done = storing.counts.rows
                message = ngettext(
                    "%(rows)s row read, %(refused)s refused", "%(rows)s rows read, %(refused)s refused", done
                ) % {
                    "rows": f"{done:,}", "refused": f"{storing.counts.refused:,}"}  # fmt: skip
                context.progress(done, max(total, done), message, rate=done / (now - started))
        context.checkpoint()
        storing.finish(lambda own: hold_job(own, context))


def read_ahead(rows: Iterator[Ready | Problem]) -> Generator[list[Ready | Problem], None, None]:
    """Batches, the next one read by a thread while the database is busy with this one."""
    waiting: Queue[Future[list[Ready | Problem]]] = Queue()
    with ThreadPoolExecutor(1, "import-reader") as reader:
        for _turn in range(2):
            waiting.put(reader.submit(next_batch, rows))
        while piece := waiting.get().result():
            waiting.put(reader.submit(next_batch, rows))
            yield piece


def next_batch(rows: Iterator[Ready | Problem]) -> list[Ready | Problem]:
    return list(islice(rows, BATCH))


def hold_job(bulk: "psycopg.Connection[Any]", context: JobContext) -> None:
    """The commit counts only while the job is ours: the row is locked until then."""
    job = context.job
    row = bulk.execute(
        "SELECT 1 FROM core_job WHERE id = %s AND attempt = %s AND state IN ('running', 'stopping') FOR UPDATE",
        [job.pk, job.attempt],
    ).fetchone()
    if row is None:
        context.lost.set()
        raise LeaseLost(f"job {job.pk}")


def estimated_rows(batch: Import) -> int:
    """From the size of the first rows; good enough for a progress bar."""
    path = import_path(batch)
    with path.open("rb") as file:
        start = file.read(2**20)
    return round(batch.size / len(start) * max(1, start.count(b"\n"))) if start else 0


def result_of(batch: Import) -> dict[str, Any]:
    return {
        "import": batch.pk, "rows": batch.rows, "accepted": batch.accepted, "duplicates": batch.duplicates,
        "refused": batch.refused,
    }  # fmt: skip


def import_ended(batch_id: int, job: Job) -> None:
    """In the transaction that ends the job: what did not succeed says so, and left nothing behind."""
    if job.state == JobState.DONE:
        batch = Import.objects.select_related("task__project").get(pk=batch_id)
        index_ask(actor=batch.created_by, task=batch.task)
        path = import_path(batch)
        transaction.on_commit(lambda: path.unlink(missing_ok=True))  # its rows are stored, its digest is kept
        return
    state = ImportState.CANCELLED if job.state == JobState.CANCELLED else ImportState.FAILED
    open_states = (ImportState.WAITING, ImportState.RUNNING)
    Import.objects.filter(pk=batch_id, state__in=open_states).update(state=state, error=job.error or job.message)


def index_ask(*, actor: User | None, task: Task) -> Job:
    """Make imported pairs findable and checked, in the background."""
    return job_create(
        actor=actor,
        kind="index",
        project=task.project,
        subject=task.name,
        subject_url=f"/p/{task.project.slug}/pairs/?task={task.slug}",
        arguments={"task": task.pk},
        once_key=f"index-{task.pk}",
        priority=-1,
    )


def problems_of(batch: Import) -> Iterator[ImportProblem]:
    return ImportProblem.objects.filter(batch=batch).order_by("row", "pk").iterator(chunk_size=2000)
