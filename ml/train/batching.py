"""Which pairs are computed together, and as what tensors.

The plan is a pure function of lengths, seed and epoch, so that a resumed run sees exactly the batches that an unbroken
one would have seen. Pairs are grouped by steps of `batch_size * accumulation` first: how a step is divided into
micro-batches never changes which pairs it holds.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

import torch
from torch.utils.data import Dataset, Sampler

from ml.prompting.encoding import IGNORED
from ml.sample import Sample
from ml.score import TokenLoss, pad_right

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


class Samples(Dataset[Any]):
    """Encoded pairs, preferences, or blocks of text."""

    def __init__(self, samples: Sequence[Any]) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Any:
        return self.samples[index]


class Collator:
    """Samples to tensors: padded on the right with a mask, or packed into one row without one.

    A packed row carries `cu_seq_lens_q`, where each pair begins and the last ends, and `position_ids` that start again
    at 0 with each pair (ml/train/attention.py). Any mask sent along, or a cache asked for, would silently let pairs see
    each other: `packing_leaks` tries it with the model at hand.
    """

    def __init__(self, *, pad_id: int, packing: bool) -> None:
        self._pad_id = pad_id
        self._packing = packing

    def __call__(self, samples: Sequence[Sample]) -> dict[str, Any]:
        return pack(samples) if self._packing else pad_samples(samples, self._pad_id)


def pad_samples(samples: Sequence[Sample], pad_id: int) -> dict[str, Any]:
    """Samples padded on the right: ids, mask and labels of shape [samples, longest], and how many tokens they are."""
    inputs, labels = pad_right(samples, pad_id)
    return {**inputs, "labels": labels, "tokens": sum(len(sample.ids) for sample in samples)}


def pack(samples: Sequence[Sample]) -> dict[str, Any]:
    """One row of all samples: ids, labels and positions of shape [1, tokens]."""
    lengths = [len(sample.ids) for sample in samples]
    # The first token of a pair has no label, or the last one of the pair before would be taught to predict it.
    labels = [label for sample in samples for label in (IGNORED, *sample.labels[1:])]
    ends = torch.tensor([0, *accumulate(lengths)], dtype=torch.int32)
    return {
        "input_ids": torch.tensor([[token for sample in samples for token in sample.ids]]),
        "position_ids": torch.cat([torch.arange(length) for length in lengths])[None],
        "labels": torch.tensor([labels]),
        "cu_seq_lens_q": ends,
        "cu_seq_lens_k": ends,
        "max_length_q": max(lengths),
        "max_length_k": max(lengths),
        "tokens": sum(lengths),
    }


@torch.no_grad()
def packing_leaks(loss: TokenLoss, device: torch.device, tolerance: float = 1e-3) -> bool:
    """Whether this model lets a packed pair see the one before it: a pair is scored behind two different ones, and
    alone."""
    second = Sample([9, 8, 7, 6, 5, 4], [IGNORED, 8, 7, 6, 5, 4])
    found = []
    for first in ([3, 4, 5, 6, 7, 8, 9, 10], [10, 9, 8, 3, 4, 3, 5, 4]):
        batch = pack([Sample(first, [IGNORED] * len(first)), second])
        labels = batch["labels"].to(device)
        inputs = {name: batch[name] for name in batch if name not in ("labels", "tokens")}
        found.append(loss({k: v.to(device) if torch.is_tensor(v) else v for k, v in inputs.items()}, labels))
    alone = loss({"input_ids": torch.tensor([second.ids], device=device)}, torch.tensor([second.labels], device=device))
    return not all(torch.allclose(each, alone, rtol=tolerance, atol=tolerance / 10) for each in found)
