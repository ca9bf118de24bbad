"""A block of a task's pairs, ready to be compared with items of suites that pass by."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.choices import LeakMethod, LikeKind
from curation.selectors.leak_texts import KEYS, KINDS, Compared
from ml.containment import GramIndex
from ml.near_duplicates import Bands

Couples = NDArray[np.int64]  # (couples, 2): the places of a pair and of an item


@dataclass(frozen=True, slots=True)
class Hit:
    pair: int
    item: int
    method: LeakMethod
    field: LikeKind
    score: float


class Block:
    """No pair meets an item that is its own text: a changed ratio moves it as a whole."""

    def __init__(self, pairs: Compared) -> None:
        self.pairs = pairs
        self._orders = [np.argsort(numbers, kind="stable") for numbers in pairs.numbers]
        self._bands = [(places, Bands(sketches)) for places, sketches in map(pairs.of_key, range(len(KEYS)))]
        self._grams = GramIndex(pairs.grams)

    def same(self, items: Compared) -> list[Hit]:
        """Items whose question or answer a pair has."""
        found = []
        for kind, order, numbers, asked in zip(KINDS, self._orders, self.pairs.numbers, items.numbers, strict=True):
            ordered = numbers[order]
            first = np.searchsorted(ordered, asked)
            many = np.where(asked != 0, np.searchsorted(ordered, asked, side="right") - first, 0)
            place = np.repeat(first - np.cumsum(many) + many, many) + np.arange(many.sum())
            couples = np.stack([order[place], np.repeat(np.arange(len(asked)), many)], axis=1)
            found += [
                Hit(pair, item, LeakMethod.EXACT, kind, 1.0) for pair, item in self._others(couples, items).tolist()
            ]
        return found

    def likely(self, items: Compared) -> dict[LikeKind, Couples]:
        """Those that may be nearly the same, and are not the same."""
        found = {kind: [np.zeros((0, 2), dtype=np.int64)] for kind in KINDS}
        for number, ((kind, _unit), (places, bands)) in enumerate(zip(KEYS, self._bands, strict=True)):
            there, sketches = items.of_key(number)
            met = bands.proposed(sketches)
            couples = self._others(np.stack([places[met[:, 0]], there[met[:, 1]]], axis=1), items)
            row = KINDS.index(kind)
            differ = self.pairs.numbers[row][couples[:, 0]] != items.numbers[row][couples[:, 1]]
            found[kind].append(couples[differ])
        return {kind: np.concatenate(parts) for kind, parts in found.items()}

    def inside(self, items: Compared) -> list[Hit]:
        """Items whose word sequences stand in a pair's texts."""
        count = len(items.ids)
        found = []
        for text, pair, share in self._grams.around(items.grams):
            kind, item = KINDS[text // count], text % count
            if self.pairs.pairs[pair] != items.pairs[item]:
                found.append(Hit(pair, item, LeakMethod.GRAMS, kind, share))
        return found

    def _others(self, couples: Couples, items: Compared) -> Couples:
        return couples[self.pairs.pairs[couples[:, 0]] != items.pairs[couples[:, 1]]]
