"""Key-value caches of answering: written in place, repeated for prompts that begin alike, joined from several reads.

Tensors are [rows, heads, tokens, size] throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer

_GROWTH = 64  # tokens


class RoomyLayer(DynamicLayer):
    """A layer's keys and values as the front of larger tensors: a new token is written behind them. The library's own
    layer copies all earlier tokens for each new one."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        super().__init__()
        self.keys: torch.Tensor
        self.values: torch.Tensor
        self.dtype, self.device, self.is_initialized = keys.dtype, keys.device, True
        self.keys, self.values = keys, values
        self._rooms: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Put new tokens behind those that are there; all of them, as views."""
        start = self.keys.shape[-2]
        end = start + key_states.shape[-2]
        if self._rooms is None or end > self._rooms[0].shape[-2]:
            more = (0, 0, 0, end - start + _GROWTH)
            self._rooms = functional.pad(self.keys, more), functional.pad(self.values, more)
        keys, values = self._rooms
        keys[..., start:end, :] = key_states
        values[..., start:end, :] = value_states
        self.keys, self.values = keys[..., :end, :], values[..., :end, :]
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        super().batch_select_indices(indices)
        self._rooms = None


def is_plain(cache: DynamicCache) -> bool:
    """Whether every layer keeps all tokens, and nothing but their keys and values."""
    return all(type(layer) is DynamicLayer for layer in cache.layers)


def repeat_cache(cache: Cache, rows: int) -> Cache:
    """A cache of many rows from a plain one of one row, which stays as it is."""
    layers: Any = cache.layers
    return Cache(
        layers=[
            RoomyLayer(layer.keys.expand(rows, -1, -1, -1), layer.values.expand(rows, -1, -1, -1)) for layer in layers
        ]
    )


def join_caches(parts: Sequence[Cache], start: int) -> Cache:
    """One cache of the rows of all parts, which are plain. Behind the first `start` tokens, which each part has, the
    shorter parts are filled up with zeros, for a mask to hide."""
    longest = max(part.get_seq_length() for part in parts)

    def widened(states: torch.Tensor) -> torch.Tensor:
        missing = longest - states.shape[-2]
        return torch.cat([states[..., :start, :], functional.pad(states[..., start:, :], (0, 0, missing, 0))], dim=-2)

    layers: Any = zip(*(part.layers for part in parts), strict=True)
    return Cache(
        layers=[
            RoomyLayer(
                torch.cat([widened(layer.keys) for layer in each]), torch.cat([widened(layer.values) for layer in each])
            )
            for each in layers
        ]
    )
