"""Imports: what a file would become, and what became of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.models import Project
from curation.choices import ImportState
from curation.import_mapping import FORMS, Mapping, Problem, Ready, columns_of, read_row, recognise
from curation.import_reading import Row, first_rows
from curation.models import Import, ImportProblem

SAMPLE = 200  # rows looked at to find the columns

SHOWN = 8
PROBLEMS_SHOWN = 50


@dataclass(frozen=True)
class MappingPreview:
    """The file's columns, the form it was recognised as, and its first rows as they would be stored."""

    columns: list[str]
    form: Any
    ready: list[Ready]
    problems: list[Problem]
    looked_at: int
    fit: int


def mapping_preview(batch: Import, mapping: Mapping) -> MappingPreview:
    """Raises ApplicationError when the kept file is gone."""
    rows = sample_rows(batch)
    found = [read_row(row, mapping, batch.task.language) for row in rows]
    ready = [row for row in found if isinstance(row, Ready)]
    problems = [row for row in found if isinstance(row, Problem)]
    form = FORMS[recognise(rows).form]
    return MappingPreview(columns_of(rows), form, ready[:SHOWN], problems[:SHOWN], len(rows), len(ready))


def imports_of(project: Project) -> list[Import]:
    rows = Import.objects.filter(task__project=project).select_related("task", "created_by", "job")
    return list(rows.order_by("-pk")[:200])


def import_arriving(project: Project) -> int | None:
    """The number of an import that waits for a worker or is under way."""
    open_ones = Import.objects.filter(task__project=project, state__in=(ImportState.WAITING, ImportState.RUNNING))
    return open_ones.order_by("pk").values_list("pk", flat=True).first()


def import_page(batch: Import) -> dict[str, Any]:
    problems = list(ImportProblem.objects.filter(batch=batch)[: PROBLEMS_SHOWN + 1])
    return {
        "batch": batch,
        "task": batch.task,
        "problems": problems[:PROBLEMS_SHOWN],
        "more_problems": batch.refused > PROBLEMS_SHOWN,
    }


def import_path(batch: Import) -> Path:
    return Path(settings.UPLOADS) / Path(batch.path).name


def sample_rows(batch: Import) -> list[Row]:
    """The first rows of a kept file. Raises ApplicationError when the file is gone."""
    path = import_path(batch)
    if not path.exists():
        raise ApplicationError(_("The uploaded file is no longer on the server; bring it again."))
    return first_rows(path, batch.format, SAMPLE, batch.table)
