"""What is known of pairs that are alike: the links of the split."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from curation.choices import LikeKind
from curation.models import ContainedText, Likeness, NearMeaning, NearText, Task
from curation.selectors.columns import Whole, numbers_read
from ml.split import Link, Reason, comparable

CHUNK = 5_000
NEAR: dict[LikeKind, Reason] = {LikeKind.PROMPT: "near prompt", LikeKind.RESPONSE: "near response"}
SAME: dict[LikeKind, Reason] = {LikeKind.PROMPT: "prompt", LikeKind.RESPONSE: "response"}


class Members:
    """Who has each text, by the text's hash."""

    def __init__(self, numbers: Whole, pairs: Whole) -> None:
        order = np.lexsort((pairs, numbers))
        order = order[numbers[order] != 0]
        self._numbers, self._pairs = numbers[order], pairs[order]

    def of(self, number: int) -> tuple[str, ...]:
        start, end = np.searchsorted(self._numbers, number), np.searchsorted(self._numbers, number, side="right")
        return tuple(map(str, self._pairs[start:end].tolist()))

    def shared(self) -> Iterator[tuple[str, ...]]:
        """The members of each text that several have."""
        begins = np.flatnonzero(np.diff(self._numbers, prepend=self._numbers[:1] - 1))
        ends = np.append(begins[1:], len(self._numbers))
        for start, end in zip(begins[ends - begins > 1].tolist(), ends[ends - begins > 1].tolist(), strict=True):
            yield tuple(map(str, self._pairs[start:end].tolist()))


def stored_links(task: Task, revisions: Whole, pairs: Whole, sources: Mapping[int, str]) -> list[Link]:
    """What must stay together among these revisions (`pairs` in the same order are whose they are), as it was stored.

    `sources` are the passages that pairs rest on. The same links as `ml.split.find_links` finds in the texts, and those
    between texts that say the same in other words.
    """
    order = np.argsort(revisions)
    known, owners = revisions[order], pairs[order]
    stored, *numbers = numbers_read(Likeness.objects.filter(task=task), "revision_id", *map(str, LikeKind))
    place = np.minimum(np.searchsorted(known, stored), max(0, len(known) - 1))
    ours = known[place] == stored if len(known) else np.zeros(len(stored), dtype=np.bool_)
    members = {kind: Members(column[ours], owners[place[ours]]) for kind, column in zip(LikeKind, numbers, strict=True)}
    links = [Link(SAME[kind], shared) for kind in LikeKind for shared in members[kind].shared()]
    near = NearText.objects.filter(task=task).values_list("kind", "one", "other")
    for name, one, other in near.iterator(chunk_size=CHUNK):
        kind = LikeKind(name)
        if (here := members[kind].of(one)) and (there := members[kind].of(other)):
            links.append(Link(NEAR[kind], (*here, *there)))
    inside = ContainedText.objects.filter(task=task).values_list("kind", "inner", "outer_kind", "outer", "share")
    for name, inner, outer_name, outer, share in inside.iterator(chunk_size=CHUNK):
        here, there = members[LikeKind(name)].of(inner), members[LikeKind(outer_name)].of(outer)
        if here and there and len(either := {*here, *there}) > 1:
            links.append(Link("contained", tuple(sorted(either)), share))
    return [*links, *meaning_links(task, known, owners), *source_links(sources.items())]


def meaning_links(task: Task, known: Whole, owners: Whole) -> Iterator[Link]:
    """`known` are revisions, sorted, and `owners` their pairs."""
    means = NearMeaning.objects.filter(task=task).values_list("one", "other", "similarity")
    for one, other, similarity in means.iterator(chunk_size=CHUNK):
        places = np.searchsorted(known, [one, other])
        if places.max() < len(known) and known[places].tolist() == [one, other]:
            first, second = owners[places].tolist()
            yield Link("meaning", (str(first), str(second)), similarity)


def source_links(sources: Iterable[tuple[int, str]]) -> list[Link]:
    passages: dict[str, list[str]] = defaultdict(list)
    for pair, source in sources:
        if key := comparable(source):
            passages[key].append(str(pair))
    return [Link("source", tuple(pairs)) for pairs in passages.values() if len(pairs) > 1]
