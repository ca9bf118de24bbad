"""The checks over a whole task: which pairs they tie together, from the likenesses that are kept of each text.

Run by a job after the comparison of texts; begun again it comes to the same links.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from django.db import transaction
from django.db.models import Q

from curation.choices import PairState
from curation.models import Likeness, NearText, Pair, PairLink, Revision, Task
from curation.selectors.check_settings import corpus_checks_of
from curation.selectors.links import links_standing
from ml.checks import CorpusCheck, PairTexts, corpus_checks, couples_of

CHUNK = 2_000
Tell = Callable[[int, int], None]
Couple = tuple[int, int]
Key = tuple[int, int, str]
CORPUS_IDS = frozenset(check.id for check in corpus_checks())


def links_update(task: Task, tell: Tell) -> int:
    """Find the links among the newest texts of a task's pairs and keep them; returns their number.

    1. Couples that share a question or an answer, or nearly. 2. Each check says which it ties together. 3. Links that
    hold no more go, new ones come. 4. What pairs are said to have is brought in line, dismissals left out.
    """
    checks = corpus_checks_of(task.project_id)
    revisions = newest_revisions(task)
    couples = sorted(set(couples_proposed(task, revisions)))
    found: dict[Key, PairLink] = {}
    for start in range(0, len(couples), CHUNK):
        tell(start, len(couples))
        for link in links_among(task, couples[start : start + CHUNK], revisions, checks):
            found[(link.one_id, link.other_id, link.check_id)] = link
    with transaction.atomic():
        links_store(task, found)
        found_align(task)
    return len(found)


def newest_revisions(task: Task) -> dict[int, int]:
    """pair -> its newest revision, of all that are not in the trash."""
    pairs = Pair.objects.filter(task=task, current__isnull=False).exclude(state=PairState.TRASHED)
    return dict(pairs.order_by().values_list("pk", "current_id"))


def couples_proposed(task: Task, revisions: dict[int, int]) -> Iterator[Couple]:
    """Pairs that may be tied, the smaller id first: by equal questions, equal answers, and texts nearly the same."""
    pair_of = {revision: pair for pair, revision in revisions.items()}
    asked: dict[int, list[int]] = defaultdict(list)
    answered: dict[int, list[int]] = defaultdict(list)
    rows = Likeness.objects.filter(task=task).order_by("revision")
    for revision, whole, response in rows.values_list("revision_id", "whole", "response").iterator(chunk_size=CHUNK):
        if (pair := pair_of.get(revision)) is not None:
            asked[whole].append(pair)
            if response:
                answered[response].append(pair)
    for members in (asked, answered):
        for number, group in members.items():
            if number:
                yield from (ordered(one, other) for one, other in couples_of(sorted(group)))
    near = NearText.objects.filter(task=task).values_list("kind", "one", "other")
    for kind, one, other in near.iterator(chunk_size=CHUNK):
        members = asked if kind == "prompt" else answered
        yield from (ordered(a, b) for a in members.get(one, ())[:20] for b in members.get(other, ())[:20] if a != b)


def ordered(one: int, other: int) -> Couple:
    return (one, other) if one < other else (other, one)


def links_among(
    task: Task, couples: Iterable[Couple], revisions: dict[int, int], checks: Iterable[CorpusCheck]
) -> Iterator[PairLink]:
    couples = list(couples)
    texts = {
        pair: PairTexts("\n".join(filter(None, (instruction, given))), response)
        for pair, instruction, given, response in Revision.objects.filter(
            pk__in={revisions[pair] for couple in couples for pair in couple}
        ).values_list("pair_id", "instruction", "input", "response")
    }
    for one, other in couples:
        for check in checks:
            similarity = check.tie(texts[one], texts[other])
            if similarity is not None:
                yield PairLink(
                    task=task, check_id=check.id, one_id=one, other_id=other, one_revision=revisions[one],
                    other_revision=revisions[other], similarity=similarity,
                )  # fmt: skip


def links_store(task: Task, found: dict[Key, PairLink]) -> None:
    kept: set[Key] = set()
    gone = []
    for row in PairLink.objects.select_for_update().filter(task=task):
        new = found.get((row.one_id, row.other_id, row.check_id))
        same = new is not None and (row.one_revision, row.other_revision, row.similarity) == (
            new.one_revision, new.other_revision, new.similarity,
        )  # fmt: skip
        if same:
            kept.add((row.one_id, row.other_id, row.check_id))
        else:
            gone.append(row.pk)
    PairLink.objects.filter(pk__in=gone).delete()
    PairLink.objects.bulk_create([link for key, link in found.items() if key not in kept], batch_size=5_000)


def found_align(task: Task) -> None:
    """Let `found` of each pair name the checks whose links it has, and no other corpus check."""
    wanted: dict[int, set[str]] = defaultdict(set)
    for link in links_standing(list(PairLink.objects.filter(task=task).select_related("task"))):
        wanted[link.one_id].add(link.check_id)
        wanted[link.other_id].add(link.check_id)
    named = Q(pk__in=list(wanted)) | Q(found__overlap=sorted(CORPUS_IDS))
    rows = Pair.objects.select_for_update().filter(named, task=task, found__isnull=False)
    alike: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for pair, found in rows.values_list("pk", "found"):
        aligned = sorted({*(set(found or ()) - CORPUS_IDS), *wanted.get(pair, ())})
        if aligned != found:
            alike[tuple(aligned)].append(pair)
    for ids, members in alike.items():
        Pair.objects.filter(pk__in=members).update(found=list(ids))
