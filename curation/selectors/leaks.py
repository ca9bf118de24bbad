"""Leaks that matter: a pair of train or develop that gives an item of a test suite away.

Items that are themselves in the plan's test part are not among them: the split has told those pairs apart by the same
likenesses (ml/split.py), the first time as every later one. Left are items of other tasks and earlier texts.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from curation.choices import LeakMethod, LikeKind, Part, SuiteRole
from curation.models import Leak, Revision, SuiteItem, Task
from curation.selectors.columns import Whole
from curation.selectors.spending import without_spent
from curation.selectors.splitting import NONE, PARTS


@dataclass(frozen=True, slots=True)
class LeakRow:
    """One pair and one test item. `sentence` says it to the person who must act."""

    pair_id: int
    revision_id: int
    part: str
    fingerprint: str
    method: LeakMethod
    field: LikeKind
    score: float

    @property
    def sentence(self) -> str:
        values = {"score": round(100 * self.score)}
        question = {
            LeakMethod.EXACT: _("It has the question of a test item."),
            LeakMethod.NEAR: _("Its question is nearly that of a test item: %(score)d %% alike."),
            LeakMethod.GRAMS: _("It contains %(score)d %% of the word sequences of a test item's question."),
            LeakMethod.MEANING: _("It says in other words what a test item says (likeness of meaning: %(score)d %%)."),
        }
        answer = {
            LeakMethod.EXACT: _("It has the answer of a test item."),
            LeakMethod.NEAR: _("Its answer is nearly that of a test item: %(score)d %% alike."),
            LeakMethod.GRAMS: _("It contains %(score)d %% of the word sequences of a test item's answer."),
        }
        told: str = (question if self.field == LikeKind.PROMPT else answer)[self.method] % values
        return told


def leaks_in(
    task: Task, pairs: Whole, revisions: Whole, parts: NDArray[np.int8], tested: NDArray[np.bytes_]
) -> list[LeakRow]:
    """Leaks of these revisions, their pairs and parts (places in PARTS) in the same order, surest first. `tested` are
    the fingerprints of what stands in the test part itself."""
    found = Leak.objects.filter(task=task, fingerprint__in=test_fingerprints(task))
    rows = found.values_list("revision_id", "fingerprint", "method", "field", "score")
    order = np.argsort(revisions)
    own, tested = revisions[order], np.sort(tested)
    leaks = []
    for revision, key, method, field, score in rows.iterator(chunk_size=5_000):
        place = int(np.searchsorted(own, revision))
        if place == len(own) or own[place] != revision or holds(tested, key.encode()):
            continue
        row = order[place]
        if parts[row] != NONE and (part := PARTS[parts[row]]) != Part.TEST:
            leaks.append(LeakRow(int(pairs[row]), revision, part, key, LeakMethod(method), LikeKind(field), score))
    surest = list(LeakMethod)
    return sorted(leaks, key=lambda leak: (surest.index(leak.method), -leak.score, leak.pair_id, leak.fingerprint))


def holds(ordered: NDArray[np.bytes_], key: bytes) -> bool:
    place = int(np.searchsorted(ordered, key))
    return place < len(ordered) and bool(ordered[place] == key)


def test_fingerprints(task: Task) -> QuerySet[SuiteItem, Any]:
    """Texts of items that measure: those of test suites, without the spent ones."""
    items = SuiteItem.objects.filter(suite__project=task.project_id, suite__role=SuiteRole.TEST)
    return without_spent(items).values("fingerprint")


@dataclass(frozen=True)
class LeakShown:
    """A leak with both texts and where the item stands."""

    leak: LeakRow
    revision: Revision
    item: SuiteItem
    project: str

    @property
    def part(self) -> Part:
        return Part(self.leak.part)

    @property
    def pair_url(self) -> str:
        return reverse("curation:pair-detail", args=[self.project, self.leak.pair_id])

    @property
    def item_url(self) -> str:
        pair = self.item.revision.pair_id if self.item.revision else None
        return reverse("curation:pair-detail", args=[self.project, pair]) if pair else ""


def leaks_shown(task: Task, leaks: Iterable[LeakRow]) -> list[LeakShown]:
    """Two queries for any number of leaks."""
    leaks = list(leaks)
    revisions = Revision.objects.in_bulk([leak.revision_id for leak in leaks])
    by_text = items_by_text(task, {leak.fingerprint for leak in leaks}, "suite", "revision")
    return [
        LeakShown(leak, revisions[leak.revision_id], by_text[leak.fingerprint], task.project.slug)
        for leak in leaks
        if leak.revision_id in revisions and leak.fingerprint in by_text
    ]


def items_by_text(task: Task, fingerprints: Collection[str], *related: str) -> dict[str, SuiteItem]:
    """The newest test item with each text, with what it is `related` to."""
    items = SuiteItem.objects.filter(
        suite__project=task.project_id, suite__role=SuiteRole.TEST, fingerprint__in=fingerprints
    ).order_by("fingerprint", "-pk")
    newest = items.distinct("fingerprint").select_related(*related or [None])
    return {item.fingerprint: item for item in newest}
