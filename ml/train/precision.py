"""Which number format computes faster here, found out by measuring."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch

# A gain below this is not worth the lost digits.
_WORTH_IT = 1.3
_TOKENS = 512


def choose_precision(wanted: str, width: int, inner: int, device: torch.device) -> str:
    """ "float32" or "bfloat16": as the recipe says, or for "auto" what a short measurement prefers.

    The measurement is a linear layer of the model's own size ([512, width] to `inner`), forwards and backwards. On a
    processor bfloat16 is taken only if it is at least 1.3 times as fast.
    """
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    state = torch.random.get_rng_state()
    slow, fast = (_measure(width, inner, precision) for precision in ("float32", "bfloat16"))
    torch.random.set_rng_state(state)
    return "bfloat16" if slow / fast >= _WORTH_IT else "float32"


def autocast_for(precision: str, device: torch.device) -> Callable[[], AbstractContextManager[Any]]:
    """A function that opens the context in which a forward pass computes in `precision`."""
    if precision == "bfloat16":
        return partial(torch.autocast, device.type, dtype=torch.bfloat16)
    return nullcontext


def _measure(width: int, inner: int, precision: str) -> float:
    layer = torch.nn.Linear(width, inner, bias=False)
    values = torch.randn(_TOKENS, width, requires_grad=True)
    context = autocast_for(precision, torch.device("cpu"))
    best = float("inf")
    for _ in range(4):
        started = time.perf_counter()
        with context():
            layer(values).sum().backward()
        best = min(best, time.perf_counter() - started)
    return best
