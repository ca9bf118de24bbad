"""A look through a whole file before anything of it is stored: what fits, what is refused, what is there already."""

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.jobs import JobContext, JobFailed
from core.models import Job, User
from core.services.jobs import job_create
from curation.choices import STARTABLE, ImportState, PairState
from curation.import_mapping import Mapping, Problem, Ready, columns_of, read_row, refuse_mapping
from curation.import_reading import read_rows
from curation.models import Import, Pair
from curation.selectors.imports import import_path, sample_rows
from curation.services.erased_texts import Forgotten
from curation.services.imports import estimated_rows, source_said
from ml.near_duplicates import near_duplicates

BATCH = 2_000
SHOWN = 50
COMPARED = 50_000  # rows of the file, and as many of the newest pairs: more than this is found by the health page
LONGEST = 2_000  # characters of a text that are compared


@transaction.atomic
def import_check(
    *, actor: User, batch: Import, mapping: Mapping, approve: bool = False, source: str | None = None
) -> Import:
    """Queue the look through the file with the columns chosen. Raises ApplicationError when a column is missing.

    What else was chosen for the import is kept, so that the page shows it again: nothing comes of it before the start.
    """
    batch = Import.objects.select_for_update(of=("self",)).select_related("task__project").get(pk=batch.pk)
    if batch.state not in STARTABLE:
        return batch
    refuse_mapping(mapping, columns_of(sample_rows(batch)))
    project = batch.task.project
    batch.mapping, batch.report, batch.state = mapping.to_json(), {}, ImportState.CHECKING
    batch.approve, batch.source = approve, source_said(batch.source if source is None else source)
    batch.job = job_create(
        actor=actor,
        kind="import-check",
        project=project,
        subject=batch.file_name,
        subject_url=f"/p/{project.slug}/imports/{batch.pk}/",
        arguments={"import": batch.pk},
        once_key=f"import-check-{batch.pk}",
    )
    batch.save(update_fields=["mapping", "approve", "source", "report", "state", "job"])
    return batch


class Found:
    """What the rows read so far amount to."""

    def __init__(self, batch: Import) -> None:
        self.batch = batch
        self.rows = self.refused = self.twice = self.known = 0
        self.problems: list[list[Any]] = []
        self.keys: set[int] = set()
        self.texts: list[str] = []
        self.numbers: list[int] = []
        self.forgotten = Forgotten(batch.task.project_id)

    def add(self, rows: list[Ready | Problem]) -> None:
        fresh: dict[str, Ready] = {}
        for row in self.forgotten.refused(rows):
            self.rows += 1
            if isinstance(row, Problem):
                self.refused += 1
                if len(self.problems) < SHOWN:
                    self.problems.append([row.number, row.column, row.reason])
                continue
            key = row.key
            short = int(key[:16], 16)  # 64 bits: a million rows collide once in 37 million files
            if short in self.keys:
                self.twice += 1
            else:
                self.keys.add(short)
                fresh[key] = row
        stored = Pair.objects.filter(task=self.batch.task_id, import_key__in=list(fresh))
        for key in stored.exclude(import_key="").values_list("import_key", flat=True):
            self.known += 1
            del fresh[key]
        for row in list(fresh.values())[: COMPARED - len(self.texts)]:
            self.texts.append(compared(row.texts.instruction, row.texts.input))
            self.numbers.append(row.number)

    def report(self, near: list[list[Any]], count: int) -> dict[str, Any]:
        ready = self.rows - self.refused - self.twice - self.known
        return {
            "rows": self.rows, "ready": ready, "refused": self.refused, "twice": self.twice, "known": self.known,
            "problems": self.problems, "near": near, "near_count": count, "compared": len(self.texts),
            "mapping": self.batch.mapping, "table": self.batch.table,
        }  # fmt: skip


def compared(instruction: str, given: str) -> str:
    return f"{instruction}\n{given}"[:LONGEST]


def import_look(batch: Import, context: JobContext) -> dict[str, Any]:
    """What the job does. It stores nothing but its report; tried again it starts over."""
    path = import_path(batch)
    if not path.exists():
        raise JobFailed(_("The uploaded file is no longer on the server; bring it again."))
    mapping, found, total = Mapping.from_json(batch.mapping), Found(batch), max(1, estimated_rows(batch))
    with closing(read_rows(path, batch.format, batch.table)) as source:
        rows = (read_row(row, mapping, batch.task.language) for row in source)
        while piece := list(islice(rows, BATCH)):
            context.checkpoint()
            found.add(piece)
            context.progress(found.rows, max(total, found.rows), _("Looking through the rows"))
    context.progress(found.rows, found.rows, _("Looking for rows that resemble each other or a pair"))
    near, count = resembling(found)
    report = found.report(near, count)
    with transaction.atomic():
        context.fenced(message="")
        Import.objects.filter(pk=batch.pk).update(report=report)
    return {name: report[name] for name in ("rows", "ready", "refused", "twice", "known", "near_count")}


def resembling(found: Found) -> tuple[list[list[Any]], int]:
    """Rows that say nearly what another row or an existing pair says: [row, "row" or "pair", its number]; how many."""
    pairs = list(stored_prompts(found.batch))
    texts = [*found.texts, *(text for _pk, text in pairs)]
    rows = len(found.texts)
    near: dict[int, list[Any]] = {}
    for one, other in near_duplicates(texts):
        if one >= rows:
            continue  # two pairs: not this file's doing
        if other < rows:
            near.setdefault(other, [found.numbers[other], "row", found.numbers[one]])
        else:
            near.setdefault(one, [found.numbers[one], "pair", pairs[other - rows][0]])
    return [near[key] for key in sorted(near)][:SHOWN], len(near)


def stored_prompts(batch: Import) -> Iterator[tuple[int, str]]:
    rows = Pair.objects.filter(task=batch.task_id).exclude(state=PairState.TRASHED).order_by("-pk")[:COMPARED]
    for pk, instruction, given in rows.values_list("pk", "current__instruction", "current__input"):
        yield pk, compared(instruction or "", given or "")


def check_ended(batch_id: int, job: Job) -> None:
    """Whatever became of the look: the file waits to be imported, with a report or the reason why there is none."""
    error = "" if job.state == "done" else job.error or job.message
    open_rows = Import.objects.filter(pk=batch_id, state=ImportState.CHECKING)
    open_rows.update(state=ImportState.UPLOADED, error=error)
