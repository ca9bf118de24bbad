"""The checks over a whole task: which pairs they tie together, from the likenesses that are kept of each text.

Run by a job after the comparison of texts; begun again it comes to the same links.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
from django.db import transaction
from django.db.models import Q

from curation.models import NearText, Pair, PairLink, Revision, Task
from curation.selectors.check_settings import corpus_checks_of
from curation.selectors.columns import Whole, numbers_of
from curation.selectors.links import links_standing
from ml.checks import CorpusCheck, PairTexts, corpus_checks, couples_of

CHUNK = 2_000
MOST_NEAR = 20  # pairs with one text that are tied to those with a text nearly the same
Tell = Callable[[int, int], None]
Couple = tuple[int, int]
Key = tuple[int, int, str]
CORPUS_IDS = frozenset(check.id for check in corpus_checks())
# The newest texts of the pairs that are not in the trash, by what is kept of them; 0 stands for nothing compared.
NEWEST = """
    SELECT pair.id, pair.current_id, kept.whole, kept.response FROM curation_pair pair
    JOIN curation_likeness kept ON kept.revision_id = pair.current_id
    WHERE pair.task_id = %s AND kept.task_id = pair.task_id AND pair.state <> 'trashed' ORDER BY pair.current_id
"""


class Tie(NamedTuple):
    """What a check found between two pairs, and in which of their texts: a link without the weight of a model."""

    one_revision: int
    other_revision: int
    similarity: float


@dataclass(frozen=True)
class Alike:
    """Pairs by the number of a text of theirs: those with the same text stand side by side."""

    numbers: Whole
    pairs: Whole

    @classmethod
    def of(cls, numbers: Whole, pairs: Whole) -> Alike:
        order = np.argsort(numbers, kind="stable")
        order = order[numbers[order] != 0]
        return cls(numbers[order], pairs[order])

    def saying(self, number: int) -> list[int]:
        begin, end = (np.searchsorted(self.numbers, number, side) for side in ("left", "right"))
        return self.pairs[begin:end].tolist()

    def groups(self) -> Iterator[list[int]]:
        """Pairs, two or more, that have a text in common."""
        changes = np.flatnonzero(np.diff(self.numbers)) + 1
        ends = np.concatenate([[0], changes, [len(self.numbers)]])
        for begin in np.flatnonzero(np.diff(ends) > 1).tolist():
            yield self.pairs[ends[begin] : ends[begin + 1]].tolist()


def links_update(task: Task, tell: Tell) -> int:
    """Find the links among the newest texts of a task's pairs and keep them; returns their number.

    1. Couples that share a question or an answer, or nearly. 2. Each check says which it ties together. 3. Links that
    hold no more go, new ones come. 4. What pairs are said to have is brought in line, dismissals left out.
    """
    checks = corpus_checks_of(task.project_id)
    couples, revisions = couples_of_task(task)
    found: dict[Key, Tie] = {}
    for start in range(0, len(couples), CHUNK):
        tell(start, len(couples))
        found |= ties_among(couples[start : start + CHUNK], revisions, checks)
    with transaction.atomic():
        links_store(task, found)
        found_align(task)
    return len(found)


def couples_of_task(task: Task) -> tuple[list[Couple], dict[int, int]]:
    """Couples of pairs that may be tied, and the newest revision of each of these pairs."""
    pairs, revisions, asked, answered = numbers_of(NEWEST, [task.pk], 4)
    couples = sorted(set(couples_proposed(task, Alike.of(asked, pairs), Alike.of(answered, pairs))))
    named = np.isin(pairs, np.array(couples, dtype=np.int64))
    return couples, dict(zip(pairs[named].tolist(), revisions[named].tolist(), strict=True))


def couples_proposed(task: Task, asked: Alike, answered: Alike) -> Iterator[Couple]:
    """The smaller id first: by equal questions, equal answers, and texts nearly the same."""
    for said in (asked, answered):
        for group in said.groups():
            yield from (ordered(one, other) for one, other in couples_of(sorted(group)))
    near = NearText.objects.filter(task=task).values_list("kind", "one", "other")
    for kind, one, other in near.iterator(chunk_size=CHUNK):
        said = asked if kind == "prompt" else answered
        here, there = (said.saying(number)[:MOST_NEAR] for number in (one, other))
        yield from (ordered(a, b) for a in here for b in there if a != b)


def ordered(one: int, other: int) -> Couple:
    return (one, other) if one < other else (other, one)


def ties_among(couples: Sequence[Couple], revisions: dict[int, int], checks: Iterable[CorpusCheck]) -> dict[Key, Tie]:
    texts = {
        pair: PairTexts("\n".join(filter(None, (instruction, given))), response)
        for pair, instruction, given, response in Revision.objects.filter(
            pk__in={revisions[pair] for couple in couples for pair in couple}
        ).values_list("pair_id", "instruction", "input", "response")
    }
    return {
        (one, other, check.id): Tie(revisions[one], revisions[other], similarity)
        for one, other in couples
        for check in checks
        if (similarity := check.tie(texts[one], texts[other])) is not None
    }


def links_store(task: Task, found: dict[Key, Tie]) -> None:
    kept: set[Key] = set()
    gone = []
    rows = PairLink.objects.select_for_update().filter(task=task).values_list(
        "pk", "one_id", "other_id", "check_id", *Tie._fields
    )  # fmt: skip
    for row, one, other, check, *tie in rows.iterator(chunk_size=CHUNK):
        if found.get((one, other, check)) == Tie(*tie):
            kept.add((one, other, check))
        else:
            gone.append(row)
    PairLink.objects.filter(pk__in=gone).delete()
    new = (
        PairLink(task=task, one_id=one, other_id=other, check_id=check, **tie._asdict())
        for (one, other, check), tie in found.items()
        if (one, other, check) not in kept
    )
    while part := list(islice(new, CHUNK)):
        PairLink.objects.bulk_create(part)


def found_align(task: Task) -> None:
    """Let `found` of each pair name the checks whose links it has, and no other corpus check."""
    wanted: dict[int, set[str]] = defaultdict(set)
    links = PairLink.objects.filter(task=task).iterator(chunk_size=CHUNK)
    while part := list(islice(links, CHUNK)):
        for link in links_standing(task.project_id, part):
            wanted[link.one_id].add(link.check_id)
            wanted[link.other_id].add(link.check_id)
    named = Q(pk__in=list(wanted)) | Q(found__overlap=sorted(CORPUS_IDS))
    rows = Pair.objects.select_for_update().filter(named, task=task, found__isnull=False).values_list("pk", "found")
    alike: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for pair, found in rows.iterator(chunk_size=CHUNK):
        aligned = sorted({*(set(found or ()) - CORPUS_IDS), *wanted.get(pair, ())})
        if aligned != found:
            alike[tuple(aligned)].append(pair)
    for ids, members in alike.items():
        Pair.objects.filter(pk__in=members).update(found=list(ids))
