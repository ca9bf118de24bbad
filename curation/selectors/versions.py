"""Dataset versions: what a freeze would take, and what a frozen one holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core import registries
from core.models import Project, User
from curation.choices import PART_NOTES, Origin, PairState, Part
from curation.models import DatasetVersion, Pair, Task, VersionPair
from curation.selectors.strata import stratified
from curation.selectors.subsets import subsets_offered


def versions_of(project: Project) -> list[DatasetVersion]:
    found = DatasetVersion.objects.filter(task__project=project).select_related("task", "created_by", "job")
    return list(found.order_by("-pk")[:200])


def version_page(version: DatasetVersion, user: User) -> dict[str, Any]:
    counts: Mapping[str, Any] = version.counts
    return {
        "version": version,
        "task": version.task,
        "counts": counts,
        "parts": [(part, part.label, counts.get("parts", {}).get(part, 0), PART_NOTES[part]) for part in Part],
        "origins": [(Origin(key).label, key, count) for key, count in counts.get("origin", {}).items()],
        "suites": list(version.suites.order_by("role")),
        "left_out": list(version.left_out.select_related("pair__current", "item__revision")[:100]),
        "subsets": subsets_offered(version),
        "report": stratified(counts.get("strata", {}), counts.get("parts", {})),
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


def approved_pairs(task: Task) -> Any:
    """What a freeze takes: pairs with an approved revision, also those with a newer one on its way."""
    return Pair.objects.filter(task=task, approved__isnull=False).exclude(state=PairState.TRASHED)
