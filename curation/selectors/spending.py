"""Where a pair stands in the newest version, and which test items were given up as lessons."""

from datetime import datetime

from django.db.models import Count, F, OuterRef, QuerySet, Subquery

from core.models import Project
from curation.choices import VersionState
from curation.models import DatasetVersion, Pair, Spent, SuiteItem, Task, VersionPair


def standing_of(pair: Pair) -> str:
    """The part of the newest ready version in which the pair stands, "" for none."""
    newest = DatasetVersion.objects.filter(task=pair.task_id, state=VersionState.READY).order_by("-number").first()
    rows = VersionPair.objects.filter(version=newest, revision__pair=pair) if newest else VersionPair.objects.none()
    return rows.values_list("part", flat=True).first() or ""


def spent_of(task: Task) -> QuerySet[Spent]:
    return Spent.objects.filter(task=task).select_related("pair__current", "spent_by").order_by("-spent_at", "pair")


def fresh_wanted(project: Project) -> list[tuple[str, str, int]]:
    """(task's short name, name, questions) of tasks whose test items were spent since their newest version."""
    ready = DatasetVersion.objects.filter(task=OuterRef("task"), state=VersionState.READY).order_by("-number")
    since = Spent.objects.filter(task__project=project).annotate(frozen=Subquery(ready.values("created_at")[:1]))
    tasks = since.filter(spent_at__gt=F("frozen")).values("task__slug", "task__name").order_by("task")
    return list(tasks.annotate(count=Count("because", distinct=True)).values_list("task__slug", "task__name", "count"))


def without_spent(items: QuerySet[SuiteItem], at: datetime | None = None) -> QuerySet[SuiteItem]:
    """Items that still measure, now or at that moment."""
    spent = Spent.objects.filter(spent_at__lte=at) if at else Spent.objects.all()
    return items.exclude(revision__pair__in=spent.values("pair"))
