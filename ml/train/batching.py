"""Which pairs are computed together, and as what tensors.

The plan is a pure function of lengths, seed and epoch, so that a resumed run sees exactly the batches that an unbroken
one would have seen. Pairs are grouped by steps of `batch_size * accumulation` first: how a step is divided into
micro-batches never changes which pairs it holds.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import Dataset, Sampler

from ml.prompting.encoding import IGNORED
from ml.score import Sample, TokenLoss, pad_right

# Pairs are sorted by length within blocks of this many steps: small enough to leave the order random.
_BLOCK = 32


def plan_batches(
    lengths: Sequence[int], *, batch_size: int, accumulation: int, seed: int, epoch: int
) -> list[list[int]]:
    """Micro-batches of one pass over the data, as lists of indices; every index occurs once.

    1. Shuffle. 2. Sort by length within blocks and cut into steps. 3. Shuffle the steps, the incomplete one last.
    4. Cut each step into micro-batches.
    """
    shuffle = random.Random(f"{seed}/{epoch}")  # noqa: S311 - an order of pairs is no secret
    order = list(range(len(lengths)))
    shuffle.shuffle(order)
    size = batch_size * accumulation
    block = size * _BLOCK
    steps: list[list[int]] = []
    for start in range(0, len(order), block):
        part = sorted(order[start : start + block], key=lambda index: -lengths[index])
        steps += [part[first : first + size] for first in range(0, len(part), size)]
    last = [steps.pop()] if len(steps[-1]) < size else []
    shuffle.shuffle(steps)
    return [step[start : start + batch_size] for step in steps + last for start in range(0, len(step), batch_size)]


class PlannedBatches(Sampler[list[int]]):
    """The plan of the current epoch, as a batch sampler."""

    def __init__(self, lengths: Sequence[int], *, batch_size: int, accumulation: int, seed: int) -> None:
        self._lengths = lengths
        self.batch_size = batch_size
        self.drop_last = False
        self._accumulation = accumulation
        self._seed = seed
        self._epoch = 0
        self._count = len(self._plan())

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._plan())

    def __len__(self) -> int:
        return self._count

    def _plan(self) -> list[list[int]]:
        return plan_batches(
            self._lengths,
            batch_size=self.batch_size,
            accumulation=self._accumulation,
            seed=self._seed,
            epoch=self._epoch,
        )


class Samples(Dataset[Sample]):
    """Encoded pairs in memory."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]


class Collator:
    """Samples to tensors: padded on the right with a mask, or packed without one.

    A packed row carries `position_ids` that start again at 0 with each pair and no attention mask: the model library
    then builds a block-diagonal mask, so that no pair sees another. Any mask sent along, or a cache asked for, would
    silently switch that off: `packing_leaks` tries it with the model at hand.
    """

    def __init__(self, *, pad_id: int, packing: bool, row_tokens: int) -> None:
        self._pad_id = pad_id
        self._packing = packing
        self._row_tokens = row_tokens

    def __call__(self, samples: Sequence[Sample]) -> dict[str, Any]:
        lengths = [len(sample.ids) for sample in samples]
        tokens = torch.tensor(sum(lengths))
        if not self._packing:
            inputs, labels = pad_right(samples, self._pad_id)
            return {**inputs, "labels": labels, "tokens": tokens}
        rows = pack_rows(lengths, self._row_tokens)
        return {**self._packed([[samples[index] for index in row] for row in rows]), "tokens": tokens}

    def _packed(self, rows: list[list[Sample]]) -> dict[str, Any]:
        longest = max(sum(len(sample.ids) for sample in row) for row in rows)
        ids = torch.full((len(rows), longest), self._pad_id)
        labels = torch.full((len(rows), longest), IGNORED)
        positions = torch.zeros((len(rows), longest), dtype=torch.long)
        for number, row in enumerate(rows):
            start = 0
            for sample in row:
                end = start + len(sample.ids)
                ids[number, start:end] = torch.tensor(sample.ids)
                labels[number, start:end] = torch.tensor(sample.labels)
                labels[number, start] = IGNORED  # or the last token of the pair before would be taught to predict it
                positions[number, start:end] = torch.arange(end - start)
                start = end
            positions[number, start:] = torch.arange(longest - start)
        return {"input_ids": ids, "position_ids": positions, "labels": labels}


@torch.no_grad()
def packing_leaks(loss: TokenLoss, device: torch.device) -> bool:
    """Whether this model lets a packed pair see the one before it: the second of two pairs is scored twice, behind
    different first ones."""
    collator = Collator(pad_id=0, packing=True, row_tokens=16)
    second = Sample([9, 8, 7, 6, 5, 4], [IGNORED, 8, 7, 6, 5, 4])
    found = []
    for first in ([3, 4, 5, 6, 7, 8, 9, 10], [10, 9, 8, 3, 4, 3, 5, 4]):
        batch = collator([Sample(first, [IGNORED] * len(first)), second])
        inputs = {key: batch[key].to(device) for key in ("input_ids", "position_ids")}
        found.append(loss(inputs, batch["labels"].to(device)))
    return not torch.allclose(found[0], found[1], rtol=1e-3, atol=1e-4)


def pack_rows(lengths: Sequence[int], limit: int) -> list[list[int]]:
    """Put lengths into rows of at most `limit` tokens, first fit by falling length; a longer one gets its own row."""
    rows: list[list[int]] = []
    room: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        fitting = next((row for row, free in enumerate(room) if free >= lengths[index]), None)
        if fitting is None:
            rows.append([index])
            room.append(limit - lengths[index])
        else:
            rows[fitting].append(index)
            room[fitting] -= lengths[index]
    return rows
