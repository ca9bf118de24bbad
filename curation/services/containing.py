"""Which texts of a task stand inside others, by the grams that are kept of each: step 4 of services/likeness.py."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from curation.choices import LikeKind
from curation.models import ContainedText, Likeness, Task
from ml.containment import GramIndex, Grams

GRAMS = {LikeKind.PROMPT: "prompt_grams", LikeKind.RESPONSE: "response_grams"}
BATCH = 5_000
Text = tuple[LikeKind, int]  # by its hash


@dataclass(frozen=True)
class Shelved:
    """Texts and, in the same order, their grams."""

    texts: Sequence[Text]
    grams: Grams


def contained_texts(task: Task, piece: Sequence[int], tell: Callable[[int, int, str], None]) -> list[ContainedText]:
    """What among these revisions, and between them and all that were compared before, stands inside another text.

    One look through all texts for each piece: of the whole task only what is read at a time lies in memory.
    """
    rows = Likeness.objects.filter(task=task).order_by("revision")
    own = shelved(texts_of(rows.filter(revision__in=piece)))
    index = GramIndex(own.grams)
    known = texts_of(rows.filter(compared=True))
    found: dict[tuple[Text, Text], float] = {}
    for number, others in enumerate((own, *shelves(known))):
        tell(number * BATCH, 0, _("Looking for texts that stand inside others"))
        inside, around = index.both(others.grams)
        found |= {(own.texts[inner], others.texts[outer]): share for outer, inner, share in inside}
        found |= {(others.texts[inner], own.texts[outer]): share for inner, outer, share in around}
    return [
        ContainedText(task=task, kind=inner[0], inner=inner[1], outer_kind=outer[0], outer=outer[1], share=share)
        for (inner, outer), share in found.items()
        if inner != outer
    ]


def texts_of(rows: QuerySet[Likeness]) -> Iterator[tuple[Text, bytes]]:
    """Each question and each answer that has grams; a text that many pairs have comes once for each."""
    names = [name for kind in LikeKind for name in (kind.value, GRAMS[kind])]
    for values in rows.values_list(*names).iterator(chunk_size=BATCH):
        for place, kind in enumerate(LikeKind):
            number, grams = values[2 * place : 2 * place + 2]
            if number and grams:
                yield (kind, number), bytes(grams)


def shelved(rows: Iterable[tuple[Text, bytes]]) -> Shelved:
    kept = dict(rows)
    return Shelved(list(kept), Grams.unpacked(list(kept.values())))


def shelves(rows: Iterator[tuple[Text, bytes]]) -> Iterator[Shelved]:
    while part := list(islice(rows, BATCH)):
        yield shelved(part)
