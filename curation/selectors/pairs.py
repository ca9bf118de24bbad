"""Lists of pairs and one pair's page."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Left
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core import registries
from core.diff import Part, word_diff
from core.models import Membership, Project, User
from core.selectors.keyset import Page, keyset_page
from core.selectors.threads import thread_page
from curation.choices import PairState, VersionState
from curation.fingerprints import TEXT_FIELDS, texts_of
from curation.models import Pair, PairLink, Review, Revision, Task, VersionPair
from curation.selectors.checking import Surroundings, findings_json, texts_check
from curation.selectors.editions import edition_asked
from curation.selectors.links import links_of
from curation.selectors.marks import Mark
from curation.selectors.preferred import worse_than
from curation.turns import turns_text
from ml.checks import corpus_checks

FIELD_LABELS = {"instruction": _("Instruction"), "input": _("Input"), "response": _("Response")}
SHOWN = 240  # characters of a text in a list


def pairs_page(pairs: QuerySet[Pair], query: Mapping[str, str]) -> Page:
    """One page of a list. The filters choose ids alone; only what the page shows of its own rows is read after that."""
    page = keyset_page(pairs.only("pk"), query)
    shown = {pair.pk: pair for pair in pairs_shown([pair.pk for pair in page.rows])}
    return replace(page, rows=[shown[pair.pk] for pair in page.rows if pair.pk in shown])


def pairs_shown(ids: Collection[int]) -> QuerySet[Pair]:
    """Of long texts the beginning, and no search words, which nobody reads."""
    begun = Pair.objects.annotate(
        instruction=Left("current__instruction", SHOWN), response=Left("current__response", SHOWN)
    )
    return begun.filter(pk__in=ids).select_related("author", "assignee").defer("search", "metadata")


def known_versions(task: Task) -> list[tuple[str, str]]:
    """The task's newest frozen versions, to choose from."""
    ready = task.versions.filter(state=VersionState.READY).order_by("-number")
    return [(str(pk), f"v{number}") for pk, number in ready.values_list("pk", "number")[:50]]


def authors_of(project: Project) -> list[tuple[int, str]]:
    """The people who may have written: the project's members."""
    members = Membership.objects.filter(project=project).select_related("user").order_by("user__name")
    return [(member.user_id, str(member.user)) for member in members]


@dataclass(frozen=True)
class RevisionRow:
    revision: Revision
    diff: dict[str, list[Part]]  # field -> what changed against the revision before; only fields that changed
    reviews: list[Review]


@dataclass(frozen=True)
class FieldView:
    """One field of a pair to read: its text with what the checks found, and what changed."""

    name: str
    label: Any
    text: str
    findings: list[dict[str, Any]]
    diff: list[Part]

    @property
    def marks(self) -> list[Mark]:
        """The findings as the part that marks them in the text takes them."""
        return [Mark(found["start"], found["end"], found["message"], found["severity"]) for found in self.findings]


def history_of(pair: Pair) -> list[RevisionRow]:
    """Newest first, each with its word difference to the one before."""
    revisions = list(pair.revisions.select_related("author").order_by("-number")[:50])
    reviews: dict[int, list[Review]] = {}
    for review in Review.ever.filter(revision__in=revisions).select_related("reviewer").order_by("pk"):
        reviews.setdefault(review.revision_id, []).append(review)
    older = [*revisions[1:], None]
    return [
        RevisionRow(revision, differences(before, revision), reviews.get(revision.pk, []))
        for revision, before in zip(revisions, older, strict=True)
    ]


def differences(before: Revision | None, after: Revision) -> dict[str, list[Part]]:
    if before is None:
        return {}
    names = (*TEXT_FIELDS, "system", "topic")
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in names]
    pairs.append(("turns", turns_text(before.turns), turns_text(after.turns)))
    return {name: word_diff(old, new) for name, old, new in pairs if old != new}


def fields_of(pair: Pair, revision: Revision, before: Revision | None = None) -> list[FieldView]:
    """The three texts with their findings as of now, and the difference to `before`; an empty input is left out."""
    texts = texts_of(revision)
    # A text in which its checks found nothing needs no second look: most of those that are read.
    clean = pair.found == [] and revision.pk == pair.current_id
    findings = {} if clean else findings_json(texts, texts_check(texts, Surroundings(pair.task)))
    changed = differences(before, revision)
    return [
        FieldView(name, FIELD_LABELS[name], text, findings.get(name, []), changed.get(name, []))
        for name in TEXT_FIELDS
        if (text := getattr(revision, name)) or name in changed
    ]


def reviewed_before(pair: Pair) -> Revision | None:
    """What a reviewer compares with: the approved revision if there is one, else the one before the newest."""
    if pair.approved_id and pair.approved_id != pair.current_id:
        return pair.approved
    if pair.version == 1:
        return None
    return pair.revisions.filter(number=pair.version - 1).first()


def versions_with(pair: Pair) -> list[VersionPair]:
    rows = VersionPair.objects.filter(revision__pair=pair).select_related("version__task", "revision")
    return list(rows.order_by("-version__number"))


def pair_page(pair: Pair, user: User) -> dict[str, Any]:
    assert pair.current is not None
    return {
        "pair": pair,
        "task": pair.task,
        "revision": pair.current,
        "fields": fields_of(pair, pair.current),
        "ties": ties_of(pair),
        "history": history_of(pair),
        "versions": versions_with(pair),
        "passage": pair.passage,
        "worse": worse_than(pair, pair.current),
        "metadata": [(name, plain(value)) for name, value in pair.metadata.items()],
        "lineage": registries.lineage_of("pair", pair),
        "panels": registries.panels_for("pair", pair, user),
        "asked_edition": edition_asked(pair.task_id),
        **thread_page(pair.project, ("pair", pair.pk)),
    }


@dataclass(frozen=True)
class Tie:
    """Another pair that a check over the whole task ties to this one."""

    link: PairLink
    other_id: int
    sentence: str


def ties_of(pair: Pair) -> list[Tie]:
    said = {check.id: check.sentence for check in corpus_checks()}
    links = [link for link in links_of(pair) if link.check_id in said]
    return [Tie(link, link.far_end(pair.pk), gettext(said[link.check_id])) for link in links]


def plain(value: Any) -> str:
    """A value of an imported column, to read."""
    if isinstance(value, list):
        return ", ".join(map(plain, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def taken_back(user: User, project: Project) -> QuerySet[Pair]:
    """Pairs whose newest text this person submitted and took back: nobody reviews them until it is submitted again."""
    tasks = Task.objects.filter(project=project)
    found = Pair.objects.filter(task__in=tasks, state=PairState.DRAFT, current__author=user)
    return found.select_related("current", "task")


def returned_to(user: User, project: Project) -> QuerySet[Pair]:
    """Pairs that came back to the person who wrote their newest text."""
    tasks = Task.objects.filter(project=project)
    return Pair.objects.filter(task__in=tasks, state=PairState.RETURNED, current__author=user).select_related(
        "current", "task"
    )
