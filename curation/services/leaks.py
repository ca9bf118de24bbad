"""Which pairs of a task give away items of the project's suites: found as pairs and suites come, kept, read by freezes.

Three looks at each new pair and item: the same text, nearly the same text (the sketches of services/likeness.py), and
the item's word sequences inside the pair's texts (ml/containment.py). In a suite of another task the same question with
another answer gives nothing away.

The items are taken down once; beside each block of pairs they all pass by, some thousands at a time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from tempfile import TemporaryFile
from typing import IO, Self

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from curation.array_file import ArrayFile
from curation.choices import LeakMethod, LikeKind
from curation.leak_block import Block, Couples, Hit
from curation.models import Leak, Likeness, LikenessBasis, Task
from curation.selectors.columns import numbers_read
from curation.selectors.compared_texts import common_of
from curation.selectors.leak_texts import (
    BATCH,
    Compared,
    Text,
    item_texts,
    items_compared,
    new_items,
    pair_texts,
    pairs_compared,
    template_instructions,
)
from curation.selectors.uncompared import newest_suite
from curation.services.likeness import Tell, task_held
from ml.containment import Grams
from ml.near_duplicates import THRESHOLD, similarities
from ml.split import comparable

PAIRS = 25_000  # beside which all items pass by before what was found is kept
SAMPLE = 20_000  # items in which the word sequences are counted that many of them have
RANK = {LeakMethod.EXACT: 0, LeakMethod.NEAR: 1, LeakMethod.GRAMS: 2}


def leaks_update(task: Task, tell: Tell, kept: Callable[[], None] = lambda: None) -> None:
    """Look at what is new: pairs that no suite was compared with, suites that came since. Each block of pairs is
    complete in itself, and `kept` is called after it."""
    with task_held(task, tell):
        newest = newest_suite(task)
        behind = Likeness.objects.filter(task=task, compared=True, suites_upto__lt=newest)
        for upto in list(behind.order_by("suites_upto").values_list("suites_upto", flat=True).distinct()):
            (revisions,) = numbers_read(behind.filter(suites_upto=upto).order_by("revision_id"), "revision_id")
            with TemporaryFile() as file:
                look = Look.at(task, upto, file, tell)
                for start in range(0, len(revisions), PAIRS):
                    block = revisions[start : start + PAIRS].tolist()

                    def told(start: int = start, total: int = len(revisions)) -> None:
                        tell(start, total, _("Looking for pairs that give test items away"))

                    found = look.leaks_of(block, told)
                    with transaction.atomic():
                        Leak.objects.bulk_create(found, ignore_conflicts=True, batch_size=BATCH)
                        Likeness.objects.filter(revision__in=block).update(suites_upto=newest)
                    kept()


@dataclass(frozen=True)
class Look:
    """What a task's pairs are compared with."""

    task: Task
    basis: LikenessBasis
    templates: set[int]
    items: ArrayFile[Compared]

    @classmethod
    def at(cls, task: Task, upto: int, file: IO[bytes], tell: Tell) -> Self:
        """The items of suites after `upto`. Word sequences that many of them have, as a template's, give none away."""
        look = cls(task, LikenessBasis.objects.get(task=task), template_instructions(task), ArrayFile(file, Compared))
        ids = new_items(task, upto)

        def shelves(start: int, end: int) -> Iterator[Compared]:
            for place in range(start, end, BATCH):
                tell(place, len(ids), _("Taking down what test items say"))
                yield items_compared(task, look.basis, ids[place : min(place + BATCH, end)].tolist(), look.templates)

        some = min(SAMPLE, len(ids))
        sample = list(shelves(0, some))
        common = Grams.joined([Grams.of([]), *(shelf.grams for shelf in sample)]).common()
        for shelf in chain(sample, shelves(some, len(ids))):
            grams = shelf.grams.without(common)
            look.items.add(replace(shelf, gram_values=grams.values, gram_sizes=grams.sizes))
        return look

    def leaks_of(self, revisions: list[int], told: Callable[[], None]) -> list[Leak]:
        if not self.items:
            return []  # a newer suite that asks nothing new: the pairs need not be read
        parts = [pairs_compared(revisions[start : start + BATCH]) for start in range(0, len(revisions), BATCH)]
        block = Block(Compared.joined(parts))
        found = []
        for items in self.items:
            told()
            found += self._leaks_among(block, items)
        return found

    def _leaks_among(self, block: Block, items: Compared) -> list[Leak]:
        """The surest hit of each pair and item."""
        found, likely = [*block.same(items), *block.inside(items)], block.likely(items)
        pairs, texts = self._texts(block, items, found, likely)
        best: dict[tuple[int, int], Hit] = {}
        for hit in (*found, *self._near(likely, pairs, texts)):
            if not self._counts(hit, items, pairs, texts):
                continue
            kept = best.setdefault((hit.pair, hit.item), hit)
            if (RANK[hit.method], -hit.score) < (RANK[kept.method], -kept.score):
                best[hit.pair, hit.item] = hit
        return [
            Leak(
                task=self.task, revision_id=int(block.pairs.ids[hit.pair]), fingerprint=texts[hit.item].fingerprint,
                method=hit.method, field=hit.field, score=hit.score,
            )
            for hit in best.values()
        ]  # fmt: skip

    def _texts(
        self, block: Block, items: Compared, found: list[Hit], likely: dict[LikeKind, Couples]
    ) -> tuple[dict[int, Text], dict[int, Text]]:
        """What those pairs and items say, by their places."""
        couples = np.concatenate([np.array([(hit.pair, hit.item) for hit in found]).reshape(-1, 2), *likely.values()])
        pairs, texts = (np.unique(column.astype(np.int64)) for column in couples.T)
        by_pair = pair_texts(block.pairs.ids[pairs].tolist())
        by_item = item_texts(items.ids[texts].tolist(), self.templates)
        return (
            {place: by_pair[int(block.pairs.ids[place])] for place in pairs.tolist()},
            {place: by_item[int(items.ids[place])] for place in texts.tolist()},
        )

    def _near(self, likely: dict[LikeKind, Couples], pairs: dict[int, Text], texts: dict[int, Text]) -> Iterator[Hit]:
        for kind, couples in likely.items():
            asked = couples.tolist()
            rows = {place: n for n, place in enumerate(dict.fromkeys(pair for pair, _item in asked))}
            shown = {place: n for n, place in enumerate(dict.fromkeys(item for _pair, item in asked), len(rows))}
            words = [*(pairs[place].of_kind(kind) for place in rows), *(texts[place].of_kind(kind) for place in shown)]
            ends = [(rows[pair], shown[item]) for pair, item in asked]
            found = similarities(words, ends, common_of(self.basis, kind))
            for (pair, item), similarity in zip(asked, found, strict=True):
                if similarity >= THRESHOLD:
                    yield Hit(pair, item, LeakMethod.NEAR, kind, similarity)

    def _counts(self, hit: Hit, items: Compared, pairs: dict[int, Text], texts: dict[int, Text]) -> bool:
        if items.tasks[hit.item] == self.task.pk or hit.field == LikeKind.RESPONSE:
            return True
        return comparable(pairs[hit.pair].response) == comparable(texts[hit.item].response)
