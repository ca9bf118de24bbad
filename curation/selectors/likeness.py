"""What is known of pairs that are alike: links for the split, and the neighbours of a pair for pages and checks."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Q

from curation.choices import LikeKind
from curation.models import ContainedText, Likeness, NearMeaning, NearText, Task
from ml.split import Link, Reason, comparable

CHUNK = 5_000
NEAR: dict[LikeKind, Reason] = {LikeKind.PROMPT: "near prompt", LikeKind.RESPONSE: "near response"}
SAME: dict[LikeKind, Reason] = {LikeKind.PROMPT: "prompt", LikeKind.RESPONSE: "response"}


@dataclass(frozen=True, slots=True)
class Alike:
    """Another pair with a text that is the same but for case, punctuation and blanks (similarity 1), or nearly so."""

    pair_id: int
    revision_id: int
    kind: LikeKind
    same: bool
    similarity: float


def stored_links(task: Task, pair_of: Mapping[int, int], sources: Mapping[int, str]) -> list[Link]:
    """What must stay together among the revisions that are keys of `pair_of` (values: their pairs), as it was stored.

    `sources` are the passages that pairs rest on. The same links as `ml.split.find_links` finds in the texts, and those
    between texts that say the same in other words.
    """
    members: dict[LikeKind, dict[int, list[str]]] = {kind: defaultdict(list) for kind in LikeKind}
    rows = Likeness.objects.filter(task=task).values_list("revision_id", "prompt", "response")
    for revision, prompt, response in rows.iterator(chunk_size=CHUNK):
        if (pair := pair_of.get(revision)) is not None:
            if prompt:
                members[LikeKind.PROMPT][prompt].append(str(pair))
            if response:
                members[LikeKind.RESPONSE][response].append(str(pair))
    links = [Link(SAME[kind], tuple(pairs)) for kind in LikeKind for pairs in members[kind].values() if len(pairs) > 1]
    near = NearText.objects.filter(task=task).values_list("kind", "one", "other")
    for name, one, other in near.iterator(chunk_size=CHUNK):
        kind = LikeKind(name)
        if (here := members[kind].get(one)) and (there := members[kind].get(other)):
            links.append(Link(NEAR[kind], (*here, *there)))
    inside = ContainedText.objects.filter(task=task).values_list("kind", "inner", "outer_kind", "outer", "share")
    for name, inner, outer_name, outer, share in inside.iterator(chunk_size=CHUNK):
        here, there = members[LikeKind(name)].get(inner), members[LikeKind(outer_name)].get(outer)
        if here and there and len(pairs := {*here, *there}) > 1:
            links.append(Link("contained", tuple(sorted(pairs)), share))
    means = NearMeaning.objects.filter(task=task).values_list("one", "other", "similarity")
    for one, other, similarity in means.iterator(chunk_size=CHUNK):
        if one in pair_of and other in pair_of:
            links.append(Link("meaning", (str(pair_of[one]), str(pair_of[other])), similarity))
    return [*links, *source_links(sources.items())]


def source_links(sources: Iterable[tuple[int, str]]) -> list[Link]:
    passages: dict[str, list[str]] = defaultdict(list)
    for pair, source in sources:
        if key := comparable(source):
            passages[key].append(str(pair))
    return [Link("source", tuple(pairs)) for pairs in passages.values() if len(pairs) > 1]


def alike_of(task: Task, revisions: Collection[int]) -> dict[int, list[Alike]]:
    """For each of these revisions the other pairs of the task that are alike, most similar first. Four queries."""
    names = ("revision_id", *LikeKind.values)
    rows = Likeness.objects.filter(task=task, revision__in=revisions).values_list(*names)
    own: list[dict[str, int]] = [dict(zip(names, row, strict=True)) for row in rows]
    near: dict[LikeKind, dict[int, dict[int, float]]] = {kind: defaultdict(dict) for kind in LikeKind}
    for kind in LikeKind:
        numbers = {row[kind.value] for row in own} - {0}
        for number in numbers:
            near[kind][number][number] = 1.0
    asked = Q()
    for kind in LikeKind:
        asked |= Q(kind=kind) & (Q(one__in=near[kind]) | Q(other__in=near[kind]))
    found = NearText.objects.filter(asked, task=task).values_list("kind", "one", "other", "similarity")
    for name, one, other, similarity in found:
        for number, neighbour in ((one, other), (other, one)):
            if number in near[LikeKind(name)]:
                near[LikeKind(name)][number][neighbour] = similarity
    holders = {kind: holders_of(task, kind, {n for all_ in near[kind].values() for n in all_}) for kind in LikeKind}
    return {
        row["revision_id"]: sorted(neighbours(row, near, holders), key=lambda found: (-found.similarity, found.pair_id))
        for row in own
    }


def holders_of(task: Task, kind: LikeKind, numbers: Collection[int]) -> dict[int, list[tuple[int, int]]]:
    """By the hash of a text: (pair, revision) of those that have it."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    rows = Likeness.objects.filter(task=task, **{f"{kind.value}__in": numbers})
    for number, pair, revision in rows.values_list(kind.value, "revision__pair_id", "revision_id"):
        found[number].append((pair, revision))
    return found


def neighbours(
    row: dict[str, int],
    near: dict[LikeKind, dict[int, dict[int, float]]],
    holders: dict[LikeKind, dict[int, list[tuple[int, int]]]],
) -> Iterable[Alike]:
    own_pairs = {
        pair for kind in LikeKind for pair, revision in holders[kind][row[kind.value]] if revision == row["revision_id"]
    }
    for kind in LikeKind:
        number = row[kind.value]
        for neighbour, similarity in near[kind].get(number, {}).items():
            for pair, revision in holders[kind][neighbour]:
                if pair not in own_pairs:
                    yield Alike(pair, revision, kind, neighbour == number, similarity)
