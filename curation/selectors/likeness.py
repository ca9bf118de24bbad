"""What is known of pairs that are alike: the links of the split."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from curation.choices import LikeKind
from curation.models import ContainedText, Likeness, NearMeaning, NearText, Task
from ml.split import Link, Reason, comparable

CHUNK = 5_000
NEAR: dict[LikeKind, Reason] = {LikeKind.PROMPT: "near prompt", LikeKind.RESPONSE: "near response"}
SAME: dict[LikeKind, Reason] = {LikeKind.PROMPT: "prompt", LikeKind.RESPONSE: "response"}


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
