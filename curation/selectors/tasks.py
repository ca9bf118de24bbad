"""Tasks with their numbers."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from core.models import Project, WorkItem
from curation.choices import PairState, VersionState
from curation.models import DatasetVersion, Guideline, Pair, Task
from curation.subjects import review_batch


@dataclass(frozen=True)
class TaskRow:
    task: Task
    states: dict[str, int]
    waiting: int  # open reviews
    newest: DatasetVersion | None

    @property
    def pairs(self) -> int:
        return sum(count for state, count in self.states.items() if state != PairState.TRASHED)

    @property
    def approved(self) -> int:
        return self.states.get(PairState.APPROVED, 0)

    @property
    def share(self) -> float:
        """Of the target, at most 1."""
        return min(1.0, self.approved / self.task.target_pairs) if self.task.target_pairs else 1.0


def state_counts(project: Project) -> dict[int, dict[str, int]]:
    """Pairs by task and state, read from an index alone."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    tasks = list(Task.objects.filter(project=project).values_list("pk", flat=True))
    rows = Pair.objects.filter(task__in=tasks).order_by().values_list("task", "state").annotate(count=Count("pk"))
    for task, state, count in rows:
        found[task][state] = count
    return found


def tasks_of(project: Project) -> list[TaskRow]:
    states = state_counts(project)
    open_items = WorkItem.objects.filter(project=project, kind="review", state="open")
    waiting = dict(open_items.order_by().values_list("batch").annotate(count=Count("pk")))
    versions = {
        version.task_id: version
        for version in DatasetVersion.objects.filter(task__project=project, state=VersionState.READY).order_by("number")
    }
    return [
        TaskRow(task, states.get(task.pk, {}), waiting.get(review_batch(task.pk), 0), versions.get(task.pk))
        for task in Task.objects.filter(project=project)
    ]


def task_row(task: Task) -> TaskRow:
    return next(row for row in tasks_of(task.project) if row.task.pk == task.pk)


def guideline_of(task: Task) -> Guideline | None:
    return Guideline.objects.filter(task=task).order_by("-number").first()


def example_pair(task: Task) -> dict[str, Any]:
    """A real pair of the task for previews, else a made-up one that says so."""
    pair = Pair.objects.filter(task=task, approved__isnull=False).select_related("approved").order_by("-pk").first()
    if pair is not None and pair.approved is not None:
        return {**pair.approved.texts(), "pair": pair.pk}
    return {
        "instruction": "How long does a building permit take?",
        "input": "",
        "response": "Ten weeks at most, from the day on which the application is complete.",
        "system": "",
        "turns": [],
        "language": task.language,
        "pair": None,
    }
