"""What the next version of a task would hold, before it is frozen."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Max, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import registries
from core.denied import Denied
from curation.choices import PART_NOTES, LeakRule, Origin, PairState, Part, ReviewBasis, VersionState
from curation.models import Leak, Pair, Review, Suite, Task, VersionPair
from curation.selectors.leaks import LeakRow
from curation.selectors.planning import ApprovedRow, LeftOutRow, Plan, version_plan
from curation.selectors.strata import Strata, Stratification, strata_of, stratified
from curation.services.freeze_guard import freeze_warnings
from curation.services.likeness import likeness_waiting
from curation.services.meaning import unmeant
from curation.services.versions import approved_pairs
from ml.checks import known_checks

KEPT_FROM = 20_000  # approved pairs from which on a plan is kept while nothing changes; below it takes under a second
KEPT_SECONDS = 3_600
LISTED = 500
STARTS, PAIRS_A_SECOND = 3.0, 5_000  # of a freeze on two cores


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
class FreezePreview:
    """`facts` is None while texts wait to be compared with the others (`waiting` of them)."""

    approved: int
    waiting: int
    facts: PlanFacts | None
    findings: list[tuple[str, Any, int]]  # check, its name, pairs
    with_finding: int
    unchecked: int
    origins: list[tuple[str, str, int]]
    unreviewed: int
    unconfirmed: int  # written and not approved: not in it
    fresh: int  # approved since the newest version, or changed
    unmeant: int  # whose meaning was not compared with the test items
    refused: list[Denied]
    warnings: list[str]  # thresholds of findings that are passed

    @property
    def seconds(self) -> float:
        """What the freeze will take, the waiting for a worker included."""
        return STARTS + self.approved / PAIRS_A_SECOND


def freeze_preview(task: Task, train_share: float, rule: str = LeakRule.EXCLUDE) -> FreezePreview:
    pairs = approved_pairs(task)
    counts = pairs.aggregate(
        approved=Count("pk"),
        with_finding=Count("pk", filter=Q(found__len__gt=0)),
        unchecked=Count("pk", filter=Q(found__isnull=True)),
    )
    waiting = likeness_waiting(task) if counts["approved"] else 0
    facts = plan_facts(task, train_share, counts["approved"]) if counts["approved"] and not waiting else None
    by_origin = pairs.order_by().values_list("approved__origin").annotate(count=Count("pk")).order_by("-count")
    reviewed = Review.objects.filter(
        basis=ReviewBasis.SECOND_PERSON, decision="approve", revision__in=pairs.values("approved")
    )
    return FreezePreview(
        waiting=waiting,
        facts=facts,
        findings=findings_of(task),
        origins=[(origin, str(Origin(origin).label), count) for origin, count in by_origin],
        unreviewed=counts["approved"] - reviewed.values("revision").distinct().count(),
        unconfirmed=Pair.objects.filter(task=task, state__in=(PairState.SUBMITTED, PairState.RETURNED)).count(),
        fresh=fresh_pairs(task).count(),
        unmeant=unmeant(task),
        refused=[*registries.refusals("freeze", task), *leak_refusals(facts, rule)],
        warnings=freeze_warnings(task),
        **counts,
    )


def leak_refusals(facts: PlanFacts | None, rule: str) -> list[Denied]:
    if facts is None or rule != LeakRule.BLOCK or not facts.leaking_pairs:
        return []
    text = ngettext(
        "%(count)d pair gives a test item away.", "%(count)d pairs give test items away.", facts.leaking_pairs
    )
    cure = _("Change them, spend the items, or let the freeze leave such pairs out.")
    return [Denied(text % {"count": facts.leaking_pairs}, cure)]


def plan_facts(task: Task, train_share: float, approved: int) -> PlanFacts:
    """For a large task the same facts are given until a pair, a place or a suite changes."""
    if approved < KEPT_FROM:
        return facts_of(version_plan(task, train_share), task.max_tokens)
    state = Pair.objects.filter(task=task).aggregate(at=Max("updated_at"))["at"]
    suite = Suite.objects.filter(project=task.project_id).aggregate(newest=Max("pk"))["newest"]
    leak = Leak.objects.filter(task=task).aggregate(newest=Max("pk"))["newest"]
    key = f"plan-{task.pk}-{train_share}-{approved}-{state.timestamp()}-{suite}-{leak}-{task.spent.count()}"
    found = cache.get(key)
    if found is None:
        found = facts_of(version_plan(task, train_share), task.max_tokens)
        cache.set(key, found, KEPT_SECONDS)
    return found


def facts_of(plan: Plan, limit: int) -> PlanFacts:
    kept = plan.kept
    parts = [plan.parts[row.pair_id] for row in kept]
    return PlanFacts(
        parts=part_counts(parts),
        groups=len({plan.split.placements[row.pair_id].group for row in kept}),
        tokens=token_facts(kept, limit),
        strata=strata_of(((row.topic, row.language, row.characters, row.origin) for row in kept), parts),
        left_out=list(plan.left_out[:LISTED]),
        left_out_count=len(plan.left_out),
        leaks=list(plan.leaks[:LISTED]),
        leaking_pairs=len({leak.pair_id for leak in plan.leaks}),
    )


def part_counts(parts: Iterable[str]) -> dict[str, int]:
    counted = Counter(parts)
    return {part: counted[part] for part in Part.values}


def token_facts(rows: Iterable[ApprovedRow], limit: int) -> dict[str, int | None]:
    counts = [row.tokens for row in rows]
    known = [count for count in counts if count is not None]
    return {
        "sum": sum(known) if known else None,
        "longest": max(known, default=None),
        "uncounted": len(counts) - len(known),
        "too_long": sum(count > limit for count in known),
    }


def findings_of(task: Task) -> list[tuple[str, Any, int]]:
    """Approved pairs by what the checks found in them, most frequent first."""
    names = {check.id: _(check.name) for check in known_checks()}
    query = (
        "SELECT found.id, count(*) FROM curation_pair pair, unnest(pair.found) AS found(id) WHERE pair.task_id = %s "
        "AND pair.approved_id IS NOT NULL AND pair.state <> 'trashed' AND cardinality(pair.found) > 0 "
        "GROUP BY found.id ORDER BY count(*) DESC, found.id"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [task.pk])
        return [(check, names.get(check, check), count) for check, count in cursor.fetchall()]


def fresh_pairs(task: Task) -> QuerySet[Pair]:
    """Approved pairs whose approved text no ready version holds yet."""
    held = VersionPair.objects.filter(version__task=task, version__state=VersionState.READY)
    return approved_pairs(task).exclude(approved__in=held.values("revision"))
