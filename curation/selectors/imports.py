"""Imports: what a file would become, and what became of it."""

from dataclasses import dataclass
from typing import Any

from core.models import Project
from curation.choices import ImportState
from curation.models import Import, ImportProblem
from curation.services.import_mapping import FORMS, Mapping, Problem, Ready, columns_of, read_row, recognise
from curation.services.imports import sample_rows

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
