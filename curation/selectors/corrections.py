"""What people made of models' drafts: how much of them stood, release by release, and where nobody seems to read."""

from collections.abc import Collection
from dataclasses import dataclass
from statistics import median
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Avg, Count, OuterRef, Q, QuerySet, StdDev

from core.models import Project, User
from curation.models import Answer, Drafting, ModelDraft
from curation.selectors.agreement import MOST, share_interval
from ml.stats import Interval, mean_interval_of, wilson

FEWEST = 10  # corrections of one person before anything is said of them
RECENT = 20
MARGIN = 0.10  # so much more often than the others, at the least, for an alarm


def corrections_of(project: Project) -> QuerySet[Answer]:
    """Answers of people who had a model's draft before their eyes."""
    return Answer.objects.filter(draft__drafting__project=project, draft__drafting__blind=False)


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
    rows = Answer.objects.filter(draft__drafting__project=project, distance__isnull=False).order_by()
    names = ("draft__drafting__model_key", "draft__drafting__release", "draft__drafting__model_name")
    found: Any = rows.values_list(*names).annotate(
        count=Count("pk"),
        unchanged=Count("pk", filter=Q(unchanged=True)),
        mean=Avg("distance"),
        deviation=StdDev("distance", sample=True),
    )
    return [
        ReleaseRow(name, release, count, unchanged, share_interval(mean_interval_of(count, mean, deviation)))
        for _key, release, name, count, unchanged, mean, deviation in sorted(
            found, key=lambda row: (row[1] or 0, row[2])
        )
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
    given = corrections_of(project).order_by()
    counted: Any = given.values_list("author").annotate(
        unchanged=Count("pk", filter=Q(unchanged=True)), count=Count("pk")
    )
    amounts = {author: (unchanged, count) for author, unchanged, count in counted}
    same, all_of_them = (sum(column) for column in zip(*amounts.values(), strict=True)) if amounts else (0, 0)
    theirs = corrections_of(project).filter(author=OuterRef("pk")).order_by("-pk").values("unchanged")[:RECENT]
    found = []
    for user in User.objects.filter(pk__in=amounts).annotate(recent=ArraySubquery(theirs)).order_by("pk"):
        unchanged, count = amounts[user.pk]
        recent, late = sum(user.recent), len(user.recent)
        found.append(
            alarm(user, unchanged, count, same - unchanged, all_of_them - count, "others")
            or alarm(user, recent, late, unchanged - recent, count - late, "before")
        )
    return [one for one in found if one is not None]


def alarm(user: User, same: int, count: int, base_same: int, base_count: int, against: str) -> Alarm | None:
    """`same` of the person's `count` answers are the draft unchanged; `base_same` of those they are compared with."""
    if min(count, base_count) < FEWEST:
        return None
    share, rate = wilson(same, count), base_same / base_count
    if share.low is None or share.low <= rate + MARGIN:
        return None
    return Alarm(user, same, count, share, rate, base_count, against)


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


@dataclass(frozen=True)
class DraftingRow:
    """An asking of a model with how many drafts it has written, and how many of them people have answered."""

    drafting: Drafting
    written: int
    done: int


def draftings_of(project: Project) -> QuerySet[Drafting]:
    return Drafting.objects.filter(project=project).select_related("task", "job", "created_by")


def draftings_counted(draftings: Collection[Drafting]) -> list[DraftingRow]:
    drafts = ModelDraft.objects.filter(drafting__in=draftings, written_at__isnull=False).order_by()
    answers = Answer.objects.filter(draft__drafting__in=draftings).order_by()
    written: dict[int, int] = dict(drafts.values_list("drafting").annotate(count=Count("pk")))
    done: dict[int, int] = dict(answers.values_list("draft__drafting").annotate(count=Count("pk")))
    return [DraftingRow(row, written.get(row.pk, 0), done.get(row.pk, 0)) for row in draftings]
