"""Dataset versions: what a freeze would take, and what a frozen one holds."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from core import registries
from core.denied import Denied
from core.models import Project, User
from curation.choices import Origin, PairState, Part, ReviewBasis, VersionState
from curation.models import DatasetVersion, Pair, Review, Task, VersionPair
from curation.services.building import approved_rows
from curation.services.freeze_guard import freeze_warnings
from curation.services.likeness import likeness_waiting
from curation.services.splitting import split_rows
from curation.services.versions import approved_pairs

EXACT_UP_TO = 20_000  # approved pairs for which the preview splits for real; it takes under a second


@dataclass(frozen=True)
class FreezePreview:
    """What the next version would hold. `parts` is exact for small tasks and None above that."""

    approved: int
    parts: dict[str, int] | None
    groups: int | None
    left_out: list[tuple[int, str]]
    origins: list[tuple[str, int]]
    unreviewed: int
    with_finding: int
    unchecked: int
    waiting: int  # texts that were not compared with the others yet
    fresh: int  # approved since the newest version, or changed
    refused: list[Denied]
    warnings: list[str]  # thresholds of findings that are passed


def freeze_preview(task: Task, train_share: float) -> FreezePreview:
    pairs = approved_pairs(task)
    counts = pairs.aggregate(
        approved=Count("pk"),
        with_finding=Count("pk", filter=Q(found__len__gt=0)),
        unchecked=Count("pk", filter=Q(found__isnull=True)),
    )
    split = None
    waiting = likeness_waiting(task)
    if counts["approved"] <= EXACT_UP_TO and not waiting:
        split = split_rows(task, approved_rows(task), train_share=train_share)
    by_origin = pairs.order_by().values_list("approved__origin").annotate(count=Count("pk")).order_by("-count")
    reviewed = Review.objects.filter(
        basis=ReviewBasis.SECOND_PERSON, decision="approve", revision__in=pairs.values("approved")
    )
    return FreezePreview(
        parts=part_counts(split.parts.values()) if split else None,
        groups=len({split.placements[pair].group for pair in split.parts}) if split else None,
        left_out=[(int(row.id), row.sentence) for row in split.left_out] if split else [],
        waiting=waiting,
        origins=[(str(Origin(origin).label), count) for origin, count in by_origin],
        unreviewed=counts["approved"] - reviewed.values("revision").distinct().count(),
        fresh=fresh_pairs(task).count(),
        refused=registries.refusals("freeze", task),
        warnings=freeze_warnings(task),
        **counts,
    )


def part_counts(parts: Any) -> dict[str, int]:
    counted = Counter(parts)
    return {part: counted.get(part, 0) for part in Part.values}


def fresh_pairs(task: Task) -> QuerySet[Pair]:
    """Approved pairs whose approved text no ready version holds yet."""
    held = VersionPair.objects.filter(version__task=task, version__state=VersionState.READY)
    return approved_pairs(task).exclude(approved__in=held.values("revision"))


def versions_of(project: Project) -> list[DatasetVersion]:
    found = DatasetVersion.objects.filter(task__project=project).select_related("task", "created_by", "job")
    return list(found.order_by("-pk")[:200])


def version_page(version: DatasetVersion, user: User) -> dict[str, Any]:
    counts: Mapping[str, Any] = version.counts
    return {
        "version": version,
        "task": version.task,
        "counts": counts,
        "parts": [(part, part.label, counts.get("parts", {}).get(part, 0)) for part in Part],
        "origins": [(Origin(key).label, key, count) for key, count in counts.get("origin", {}).items()],
        "suites": list(version.suites.order_by("role")),
        "left_out": list(version.left_out.select_related("pair__current")[:100]),
        "lineage": registries.lineage_of("dataset_version", version),
        "panels": registries.panels_for("dataset_version", version, user),
    }


@dataclass(frozen=True)
class RowPage:
    rows: list[VersionPair]
    previous: int | None  # ordinals to begin with
    following: int | None


def version_rows(version: DatasetVersion, part: str, start: int, size: int = 50) -> RowPage:
    """Rows from ordinal `start` on: an index position, so page 20,000 costs as much as page 1."""
    rows = VersionPair.objects.filter(version=version)
    if part in Part.values:
        rows = rows.filter(part=part)
    found = list(rows.filter(ordinal__gte=start).select_related("revision").order_by("ordinal")[: size + 1])
    before = list(rows.filter(ordinal__lt=start).order_by("-ordinal").values_list("ordinal", flat=True)[:size])
    following = found[size].ordinal if len(found) > size else None
    return RowPage(found[:size], before[-1] if before else None, following)


def versions_ready(project: Project) -> int:
    return DatasetVersion.objects.filter(task__project=project, state=VersionState.READY).count()


def approved_count(project: Project) -> int:
    tasks = Task.objects.filter(project=project)
    return Pair.objects.filter(task__in=tasks, approved__isnull=False).exclude(state=PairState.TRASHED).count()
