"""What people made of models' drafts: how much of them stood, release by release, and where nobody seems to read."""

from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from core.models import Project, User
from curation.models import Answer, Drafting, ModelDraft
from curation.selectors.agreement import MOST, share_interval
from ml.stats import Interval, wilson

FEWEST = 10  # corrections of one person before anything is said of them
RECENT = 20
MARGIN = 0.10  # so much more often than the others, at the least, for an alarm


def corrections_of(project: Project) -> QuerySet[Answer]:
    """Answers of people who had a model's draft before their eyes."""
    return Answer.objects.filter(question__project=project, draft__isnull=False, draft__drafting__blind=False)


@dataclass(frozen=True)
class ReleaseRow:
    """How far people went from one model's drafts. `distance` is the mean share of words changed."""

    name: str
    release: int | None
    count: int
    unchanged: int
    distance: Interval

    @property
    def share(self) -> float:
        return self.unchanged / self.count


def releases_of(project: Project) -> list[ReleaseRow]:
    """By model, oldest release first, base models before them. Blind answers count too: they differ from the draft all
    the same, and nothing led them."""
    rows = Answer.objects.filter(question__project=project, draft__isnull=False, distance__isnull=False).order_by()
    names = ("draft__drafting__model_key", "draft__drafting__release", "draft__drafting__model_name")
    found: Any = rows.values_list(*names).annotate(
        distances=ArrayAgg("distance"), unchanged=Count("pk", filter=Q(unchanged=True))
    )
    return [
        ReleaseRow(name, release, len(distances), unchanged, share_interval(distances))
        for _key, release, name, distances, unchanged in sorted(found, key=lambda row: (row[1] or 0, row[2]))
    ]


@dataclass(frozen=True)
class Alarm:
    """Somebody accepts drafts unchanged far more often than the others do, or than they themselves did before."""

    user: User
    unchanged: int
    count: int
    share: Interval
    base: float  # the others' share, or this person's own before
    base_count: int
    against: str  # "others" | "before"


def alarms_of(project: Project) -> list[Alarm]:
    """Evidence for an owner's eyes, never a judgement: easy questions look the same.

    A person is named when the lower end of the interval of their unchanged accepts lies above the base rate, which is
    everybody else's, or their own before the last twenty, and at least a tenth above it.
    """
    by_person: dict[int, list[bool]] = defaultdict(list)
    for author, unchanged in corrections_of(project).order_by("pk").values_list("author", "unchanged"):
        by_person[author].append(unchanged)
    same, all_of_them = sum(map(sum, by_person.values())), sum(map(len, by_person.values()))
    people = User.objects.in_bulk(by_person)
    found = []
    for author, mine in by_person.items():
        others = (same - sum(mine), all_of_them - len(mine))
        before = mine[:-RECENT]
        found.append(
            alarm(people[author], mine, *others, "others")
            or alarm(people[author], mine[-RECENT:], sum(before), len(before), "before")
        )
    return [one for one in found if one is not None]


def alarm(user: User, mine: list[bool], base_unchanged: int, base_count: int, against: str) -> Alarm | None:
    if min(len(mine), base_count) < FEWEST:
        return None
    share, rate = wilson(sum(mine), len(mine)), base_unchanged / base_count
    if share.low is None or share.low <= rate + MARGIN:
        return None
    return Alarm(user, sum(mine), len(mine), share, rate, base_count, against)


@dataclass(frozen=True)
class Pace:
    """Median seconds from the page to its submit, of the whole project's newest corrections: no person's."""

    unchanged: float | None
    corrected: float | None
    hasty: int  # unchanged accepts faster than anybody can have read the draft
    counted: int
    most: int


WORDS_A_SECOND = 8.0  # twice as fast as people read attentively


def pace_of(project: Project) -> Pace:
    found = corrections_of(project).filter(seconds__isnull=False).order_by("-pk")[:MOST]
    rows: list[Any] = list(found.values_list("unchanged", "seconds", "draft__text"))
    same = [seconds for unchanged, seconds, _ in rows if unchanged]
    other = [seconds for unchanged, seconds, _ in rows if not unchanged]
    hasty = sum(unchanged and seconds * WORDS_A_SECOND < len(text.split()) for unchanged, seconds, text in rows)
    return Pace(median(same) if same else None, median(other) if other else None, hasty, len(same), MOST)


def draftings_of(project: Project) -> QuerySet[Drafting]:
    answers = Answer.objects.filter(draft__drafting=OuterRef("pk")).order_by().values("draft__drafting")
    drafts = ModelDraft.objects.filter(drafting=OuterRef("pk"), written_at__isnull=False).order_by().values("drafting")
    done, written = (
        Coalesce(Subquery(rows.annotate(rows=Count("pk")).values("rows")), 0) for rows in (answers, drafts)
    )
    return Drafting.objects.filter(project=project).select_related("task", "job").annotate(done=done, written=written)
