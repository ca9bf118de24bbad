"""What each person of a project did: amounts, how often a text came back, how reviewers agree, and times if measured.

Imports and mere changes of a topic are nobody's writing. A share is shown with what it is a share of; None where there
is nothing to divide by.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations, groupby
from typing import Any

from django.db.models import Aggregate, Count, DurationField, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import TruncWeek
from django.utils import timezone
from django.utils.translation import gettext as _

from core.charts import Chart, Series, line_chart
from core.choices import AssignmentState, WorkKind
from core.models import Assignment, Membership, Project, User
from curation.choices import Decision, Origin, ReviewBasis
from curation.models import Review, Revision

WEEKS = 12
MOST_CURVES = 6


@dataclass(frozen=True)
class Share:
    part: int
    whole: int

    @property
    def value(self) -> float | None:
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True)
class PersonRow:
    user: User
    role: str
    written: int
    corrected: int
    returned: Share  # of the decisions about this person's texts
    unchanged: Share  # of the model drafts this person took over
    reviewed: int
    agreed: Share  # of the texts that this person and another reviewer both decided about
    seconds: dict[str, tuple[float, int]] | None  # kind of work -> (median, pieces); None: not measured
    weeks: tuple[int, ...]  # texts in each of the last WEEKS weeks, oldest first

    @property
    def times(self) -> list[tuple[Any, float, int]]:
        """(kind of work in words, median, pieces)."""
        words = dict(WorkKind.choices)
        return [(words.get(kind, kind), median, pieces) for kind, (median, pieces) in (self.seconds or {}).items()]


def people_of(project: Project, viewer: User, *, everybody: bool) -> list[PersonRow]:
    """A row for each member and for whoever else took part, or the viewer's own alone.

    One's own times are always there, others' if measured.
    """
    members = Membership.objects.filter(project=project).select_related("user").order_by("user__name", "pk")
    everyone = [(member.user, member.get_role_display()) for member in members] + outsiders(project)
    shown = [(user, role) for user, role in everyone if everybody or user.pk == viewer.pk]
    ids = [user.pk for user, _role in shown]
    written, reviews, agreed, weeks = (
        amounts(project, ids),
        decided(project, ids),
        agreement(project),
        by_week(project, ids),
    )
    times = seconds_of(project, ids, viewer)
    nothing: dict[str, int] = {}
    return [
        PersonRow(
            user=user,
            role=role,
            written=(one := written.get(user.pk, nothing)).get("written", 0),
            corrected=one.get("corrected", 0),
            returned=Share((two := reviews.get(user.pk, nothing)).get("returned", 0), two.get("all", 0)),
            unchanged=Share(one.get("accepted", 0), one.get("accepted", 0) + one.get("edited", 0)),
            reviewed=two.get("reviewed", 0),
            agreed=agreed.get(user.pk, Share(0, 0)),
            seconds=times.get(user.pk, {}) if project.speeds_since or user.pk == viewer.pk else None,
            weeks=weeks.get(user.pk, (0,) * WEEKS),
        )
        for user, role in shown
    ]


def outsiders(project: Project) -> list[tuple[User, str]]:
    """Who wrote or reviewed here without being a member: admins, and people who have left."""
    texts = Revision.objects.filter(author=OuterRef("pk"), pair__project=project).exclude(origin=Origin.IMPORTED)
    reviews = Review.objects.filter(reviewer=OuterRef("pk"), revision__pair__project=project)
    took_part = Exists(texts) | Exists(reviews.exclude(basis=ReviewBasis.IMPORT))
    found = User.objects.exclude(memberships__project=project).filter(took_part).order_by("name", "pk")
    return [(user, _("Admin") if user.is_admin else _("No member any more")) for user in found]


def texts_of_people(project: Project, users: Collection[int]) -> "QuerySet[Revision]":
    """What these people wrote: no imports, and no revision whose texts the pair had before."""
    same = Revision.objects.filter(
        pair=OuterRef("pair"), number__lt=OuterRef("number"), fingerprint=OuterRef("fingerprint")
    )
    own = Revision.objects.filter(author__in=users, pair__project=project).exclude(origin=Origin.IMPORTED)
    return own.exclude(Exists(same)).order_by()


def amounts(project: Project, users: Collection[int]) -> dict[int, dict[str, int]]:
    rows: Any = (
        texts_of_people(project, users)
        .values("author")
        .annotate(
            written=Count("pk", filter=Q(number=1)),
            corrected=Count("pk", filter=Q(number__gt=1)),
            accepted=Count("pk", filter=Q(origin=Origin.DRAFT_ACCEPTED)),
            edited=Count("pk", filter=Q(origin=Origin.DRAFT_EDITED)),
        )
    )
    return {row["author"]: {name: count for name, count in row.items() if name != "author"} for row in rows}


def decided(project: Project, users: Collection[int]) -> dict[int, dict[str, int]]:
    """Decisions about each person's texts by somebody else, and each person's own decisions."""
    by_others = Review.objects.filter(revision__pair__project=project).exclude(basis=ReviewBasis.IMPORT).order_by()
    about = by_others.filter(revision__author__in=users).exclude(reviewer=F("revision__author"))
    found: dict[int, dict[str, int]] = {}
    returned = Count("pk", filter=Q(decision=Decision.RETURN))
    for row in about.values("revision__author").annotate(all=Count("pk"), returned=returned):
        found[row["revision__author"]] = {"all": row["all"], "returned": row["returned"]}
    own = by_others.filter(reviewer__in=users).values_list("reviewer").annotate(count=Count("pk"))
    for reviewer, count in own:
        found.setdefault(reviewer, {})["reviewed"] = count
    return found


def agreement(project: Project) -> dict[int, Share]:
    """For each reviewer: of the texts that another person decided about as well, how many both decided alike."""
    rows = Review.objects.filter(revision__pair__project=project, reviewer__isnull=False).exclude(
        basis=ReviewBasis.IMPORT
    )
    shared = (
        rows.order_by().values("fingerprint").annotate(people=Count("reviewer", distinct=True)).filter(people__gt=1)
    )
    several = rows.filter(fingerprint__in=shared.values("fingerprint")).order_by("fingerprint", "pk")
    counts: dict[int, list[int]] = {}
    decisions = several.values_list("fingerprint", "reviewer", "decision")
    for _fingerprint, judged in groupby(decisions, key=lambda row: row[0]):
        last = {reviewer: decision for _text, reviewer, decision in judged if reviewer is not None}
        for one, other in combinations(last, 2):
            for person in (one, other):
                alike, both = counts.setdefault(person, [0, 0])
                counts[person] = [alike + (last[one] == last[other]), both + 1]
    return {person: Share(alike, both) for person, (alike, both) in counts.items()}


def by_week(project: Project, users: Collection[int]) -> dict[int, tuple[int, ...]]:
    first = week_of(timezone.now()) - timedelta(weeks=WEEKS - 1)
    recent = texts_of_people(project, users).filter(created_at__gte=first)
    found: dict[int, list[int]] = {}
    for author, week, count in recent.values_list("author").annotate(week=TruncWeek("created_at"), count=Count("pk")):
        found.setdefault(author, [0] * WEEKS)[round((week - first) / timedelta(weeks=1))] = count
    return {author: tuple(counts) for author, counts in found.items()}


def week_of(moment: datetime) -> datetime:
    """Monday's first moment."""
    day = timezone.localtime(moment).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


class Median(Aggregate):
    function = "percentile_cont"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"


def seconds_of(project: Project, users: Collection[int], viewer: User) -> dict[int, dict[str, tuple[float, int]]]:
    """The median time from taking a piece of work to handing it in, by person and kind: of the viewer's own work all,
    of others' what they took since their times are measured."""
    counted = Q(user=viewer)
    if project.speeds_since is not None:
        counted |= Q(claimed_at__gte=project.speeds_since)
    done = Assignment.objects.filter(
        counted, user__in=users, item__project=project, state=AssignmentState.SUBMITTED, ended_at__isnull=False
    )
    spent = Median(F("ended_at") - F("claimed_at"), output_field=DurationField())
    found: dict[int, dict[str, tuple[float, int]]] = {}
    rows: Any = done.values_list("user", "item__kind").annotate(median=spent, pieces=Count("pk"))
    for user, kind, middle, pieces in rows.order_by("user", "item__kind"):
        found.setdefault(user, {})[kind] = (middle.total_seconds(), pieces)
    return found


def weeks_chart(rows: Sequence[PersonRow]) -> Chart | None:
    """Texts a week of those who wrote most; None while nobody did."""
    most = sorted((row for row in rows if any(row.weeks)), key=lambda row: -sum(row.weeks))[:MOST_CURVES]
    if not most:
        return None
    series = [
        Series(str(row.user), [(number - WEEKS + 1, count) for number, count in enumerate(row.weeks)]) for row in most
    ]
    return line_chart(
        title=_("Texts written and corrected a week"), x_label=_("Week (0 is this one)"), y_label=_("Texts"),
        series=series, from_zero=True,
    )  # fmt: skip


def row_json(row: PersonRow) -> dict[str, Any]:
    shares = {
        name: {"part": share.part, "of": share.whole, "share": share.value}
        for name, share in (("returned", row.returned), ("unchanged", row.unchanged), ("agreed", row.agreed))
    }
    times = row.seconds and [
        {"kind": kind, "median_seconds": seconds, "pieces": pieces} for kind, (seconds, pieces) in row.seconds.items()
    ]
    return {
        "user": row.user, "written": row.written, "corrected": row.corrected, "reviewed": row.reviewed, **shares,
        "times": times, "weeks": list(row.weeks),
    }  # fmt: skip
