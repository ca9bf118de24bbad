"""What the next version of a task would hold, before it is frozen."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from django.core.cache import caches
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from numpy.typing import NDArray

from core import registries
from core.denied import Denied
from curation.choices import PART_NOTES, LeakRule, Origin, PairState, Part, ReviewBasis, VersionState
from curation.models import DatasetVersion, Pair, Review, Task, VersionLeftOut
from curation.selectors.check_settings import finding_counts
from curation.selectors.editions import edition_asked
from curation.selectors.freeze_guard import freeze_warnings
from curation.selectors.leaks import LeakRow
from curation.selectors.pair_filters import in_no_version
from curation.selectors.planning import UNCOUNTED, LeftOutRow, Plan, version_plan
from curation.selectors.strata import Strata, Stratification, strata_of, stratified
from curation.selectors.uncompared import likeness_waiting, unmeant
from curation.selectors.versions import approved_pairs
from ml.checks import known_checks

MANY = 10_000  # approved pairs, which are counted in less than a second
LISTED = 500
FRESH_SECONDS = 60
STARTS, PAIRS_A_SECOND = 3.0, 12_000  # of a freeze on two cores
Tell = Callable[[int, int, str], None]


@dataclass(frozen=True)
class PlanFacts:
    """The numbers of a plan. `left_out` and `leaks` are the first of them, with their counts beside."""

    parts: dict[str, int]
    groups: int
    tokens: dict[str, int | None]  # sum, longest, uncounted, too_long
    strata: Strata
    left_out: list[LeftOutRow]
    left_out_count: int
    leaks: list[LeakRow]
    leaking_pairs: int

    @property
    def named_parts(self) -> list[tuple[Any, Any, int]]:
        """(label, what it is for, pairs) of each part."""
        return [(Part(part).label, PART_NOTES[Part(part)], count) for part, count in self.parts.items()]

    @property
    def report(self) -> list[Stratification]:
        return stratified(self.strata, self.parts)


@dataclass(frozen=True)
class FreezeCounts:
    """What a freeze would make of the task. `facts` is None while texts wait to be compared with the others (`waiting`
    of them)."""

    approved: int
    waiting: int
    facts: PlanFacts | None
    findings: list[tuple[str, str, int]]  # check, its name, pairs
    with_finding: int
    unchecked: int
    origins: list[tuple[str, str, int]]
    unreviewed: int
    unconfirmed: int  # written and not approved: not in it
    fresh: int  # approved since the newest version, or changed
    unmeant: int  # whose meaning was not compared with that of the others
    outdated: int = 0  # not looked at since the guidelines changed; counts that were kept before did not know it

    @property
    def seconds(self) -> float:
        """What the freeze will take, the waiting for a worker included."""
        return STARTS + self.approved / PAIRS_A_SECOND


@dataclass(frozen=True, kw_only=True)
class FreezePreview(FreezeCounts):
    refused: list[Denied]
    warnings: list[str]  # thresholds of findings that are passed


def freeze_preview(
    task: Task, train_share: float, rule: str = LeakRule.EXCLUDE, counts: FreezeCounts | None = None
) -> FreezePreview:
    """From these counts, or from what they are now."""
    counts = counts or freeze_counts(task, train_share)
    return FreezePreview(
        **{field.name: getattr(counts, field.name) for field in fields(FreezeCounts)},
        refused=[*registries.refusals("freeze", task), *leak_refusals(counts.facts, rule)],
        warnings=freeze_warnings(task),
    )


def freeze_counts(task: Task, train_share: float, tell: Tell = lambda *_told: None) -> FreezeCounts:
    """Reads every pair of the task, once for each number: seconds where there are hundreds of thousands."""
    tell(0, 3, _("Counting"))
    pairs = approved_pairs(task)
    counts = pairs.aggregate(
        approved=Count("pk"),
        with_finding=Count("pk", filter=Q(found__len__gt=0)),
        unchecked=Count("pk", filter=Q(found__isnull=True)),
        outdated=Count("pk", filter=Q(edition__lt=edition_asked(task.pk))),
    )
    waiting = likeness_waiting(task) if counts["approved"] else 0
    tell(1, 3, _("Splitting"))
    planned = counts["approved"] and not waiting
    facts = facts_of(version_plan(task, train_share), task.max_tokens) if planned else None
    tell(2, 3, _("Counting"))
    by_origin = pairs.order_by().values_list("approved__origin").annotate(count=Count("pk")).order_by("-count")
    reviewed = Review.objects.filter(
        basis=ReviewBasis.SECOND_PERSON, decision="approve", revision__in=pairs.values("approved")
    )
    return FreezeCounts(
        waiting=waiting,
        facts=facts,
        findings=findings_of(task),
        origins=[(origin, str(Origin(origin).label), count) for origin, count in by_origin],
        unreviewed=counts["approved"] - reviewed.values("revision").distinct().count(),
        unconfirmed=Pair.objects.filter(task=task, state__in=(PairState.SUBMITTED, PairState.RETURNED)).count(),
        fresh=fresh_pairs(task).count(),
        unmeant=unmeant(task),
        **counts,
    )


def has_many(task: Task) -> bool:
    """Whether its numbers are for a job. One look at the index, however many there are."""
    return approved_pairs(task).order_by("pk")[MANY : MANY + 1].exists()


def leak_refusals(facts: PlanFacts | None, rule: str) -> list[Denied]:
    if facts is None or rule != LeakRule.BLOCK or not facts.leaking_pairs:
        return []
    return [leaks_denied(facts.leaking_pairs)]


def leaks_denied(count: int) -> Denied:
    """Why a freeze that no leak may pass is not made: so many pairs leak."""
    text = ngettext("%(count)d pair gives a test item away.", "%(count)d pairs give test items away.", count)
    cure = _("Change them, spend the items, or let the freeze leave such pairs out.")
    return Denied(text % {"count": count}, cure)


def leaks_now(task: Task, train_share: float) -> list[Denied]:
    """The same before a freeze is asked for, where it can be told at once: else its job finds out."""
    if has_many(task) or likeness_waiting(task):
        return []
    return leak_refusals(facts_of(version_plan(task, train_share), task.max_tokens), LeakRule.BLOCK)


def facts_of(plan: Plan, limit: int) -> PlanFacts:
    parts = plan.kept_parts()
    return PlanFacts(
        parts=part_counts(parts),
        groups=plan.groups(),
        tokens=token_facts(plan.rows.tokens[plan.kept], limit),
        strata=strata_of(plan.rows.strata(plan.kept), parts),
        left_out=list(plan.left_out[:LISTED]),
        left_out_count=len(plan.left_out),
        leaks=list(plan.leaks[:LISTED]),
        leaking_pairs=len({leak.pair_id for leak in plan.leaks}),
    )


def part_counts(parts: Iterable[str]) -> dict[str, int]:
    counted = Counter(parts)
    return {part: counted[part] for part in Part.values}


def token_facts(counts: NDArray[np.int32], limit: int) -> dict[str, int | None]:
    known = counts[counts != UNCOUNTED]
    return {
        "sum": int(known.sum()) if len(known) else None,
        "longest": int(known.max()) if len(known) else None,
        "uncounted": len(counts) - len(known),
        "too_long": int((known > limit).sum()),
    }


def findings_of(task: Task) -> list[tuple[str, str, int]]:
    """Approved pairs by what the checks found in them, most frequent first."""
    names = {check.id: str(_(check.name)) for check in known_checks()}
    _pairs, counts = finding_counts(task)
    ordered = sorted(counts.items(), key=lambda found: (-found[1], found[0]))
    return [(check, names.get(check, check), count) for check, count in ordered]


def fresh_pairs(task: Task) -> QuerySet[Pair]:
    """Approved pairs whose approved text no ready version holds yet, nor has left out and said why."""
    left_out = VersionLeftOut.objects.filter(version__task=task, version__state=VersionState.READY)
    return in_no_version(approved_pairs(task), task).exclude(Exists(left_out.filter(revision=OuterRef("approved"))))


def fresh_count(task: Task, approved: int) -> int:
    """How many those are, among so many approved ones: in a large task as it was at most a minute ago."""
    if approved < MANY:
        return fresh_pairs(task).count()
    newest = DatasetVersion.objects.filter(task=task, state=VersionState.READY).order_by("-pk")
    key = f"fresh-{task.pk}-{newest.values_list('pk', flat=True).first()}"
    return int(caches["near"].get_or_set(key, fresh_pairs(task).count, FRESH_SECONDS) or 0)
