"""Walking from any object to what it came from and to what came from it, step by step through the registries."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext_lazy as _

from core.models import Project
from core.registries import LineageEntry, lineage_of
from curation.models import DatasetVersion, Pair, Task
from evaluation.models import Evaluation
from training.models import ModelVersion, Run

MOST_STEPS = 4
MOST_ENTRIES = 60


@dataclass(frozen=True)
class Kind:
    """A sort of object that has a lineage: its word, its model, its page, and how the page's address names it."""

    label: Any
    model: Any
    project: str  # from the model to its project
    page: str
    parameter: str
    key: str = "pk"

    def those_of(self, project: Project, **where: Any) -> Any:
        """The project's objects of this kind, with the project beside each: every step asks for that."""
        return self.model.objects.filter(**{self.project: project}, **where).select_related(self.project)


KINDS = {
    "task": Kind(_("Task"), Task, "project", "curation:task-detail", "task", "slug"),
    "pair": Kind(_("Pair"), Pair, "project", "curation:pair-detail", "pair"),
    "dataset_version": Kind(
        _("Dataset version"), DatasetVersion, "task__project", "curation:version-detail", "version"
    ),
    "run": Kind(_("Run"), Run, "project", "training:run-detail", "run"),
    "model_version": Kind(_("Model version"), ModelVersion, "project", "training:model-detail", "version"),
    "evaluation": Kind(_("Evaluation"), Evaluation, "project", "evaluation:evaluation-detail", "evaluation"),
}
PAGES = {kind.page: name for name, kind in KINDS.items()}


@dataclass(frozen=True)
class Step:
    """An object on the way, how many steps from the start, and the address of its own lineage if it has one."""

    entry: LineageEntry
    distance: int
    lineage_url: str


def subject_of(project: Project, kind: str, number: int) -> Any | None:
    """The object of that kind and number in this project, else None."""
    found = KINDS.get(kind)
    return found.those_of(project, pk=number).first() if found else None


def lineage_page(kind: str, subject: Any) -> dict[str, Any]:
    found = KINDS[kind]
    slug = project_of(subject).slug
    url = reverse(found.page, args=[slug, getattr(subject, found.key)])
    return {
        "kind": found.label,
        "subject": subject,
        "subject_url": url,
        "up": walk(kind, subject, "up"),
        "down": walk(kind, subject, "down"),
    }


def project_of(subject: Any) -> Project:
    return subject.task.project if isinstance(subject, DatasetVersion) else subject.project


def walk(kind: str, subject: Any, direction: str) -> list[Step]:
    """Everything in one direction, nearest first, each object once, at most four steps away.

    1. Ask the registries for the neighbours of what was reached last. 2. A neighbour whose page is known is gone on
    from. 3. Stop when nothing new comes.
    """
    found: dict[str, Step] = {}
    reached = [(kind, subject)]
    for distance in range(1, MOST_STEPS + 1):
        entries = [entry for name, each in reached for entry in lineage_of(name, each) if entry.direction == direction]
        fresh = {entry.url: entry for entry in entries if entry.url not in found}
        reached = []
        shown = list(fresh.items())[: MOST_ENTRIES - len(found)]
        targets = targets_of(project_of(subject), [url for url, _entry in shown])
        for url, entry in shown:
            target = targets.get(url)
            found[url] = Step(entry, distance, lineage_url(project_of(subject), target))
            if target is not None:
                reached.append(target)
        if not reached:
            break
    return list(found.values())


def targets_of(project: Project, urls: list[str]) -> dict[str, tuple[str, Any]]:
    """By address, the objects of this project whose pages these are and that have a lineage: one question a kind."""
    asked: dict[str, dict[str, list[str]]] = {}
    for url in urls:
        try:
            match = resolve(urlsplit(url).path)
        except Resolver404:
            continue
        if name := PAGES.get(match.view_name):
            key = str(match.kwargs[KINDS[name].parameter])
            asked.setdefault(name, {}).setdefault(key, []).append(url)
    found: dict[str, tuple[str, Any]] = {}
    for name, keys in asked.items():
        kind = KINDS[name]
        for subject in kind.those_of(project, **{f"{kind.key}__in": list(keys)}):
            found |= dict.fromkeys(keys[str(getattr(subject, kind.key))], (name, subject))
    return found


def lineage_url(project: Project, target: tuple[str, Any] | None) -> str:
    return reverse("lineage", args=[project.slug, target[0], target[1].pk]) if target else ""
