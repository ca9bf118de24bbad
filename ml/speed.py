"""How fast this machine reads and answers with a model, roughly: a few seconds, before the first real work is timed.

The fastest of several tries counts, because other work may be going on meanwhile; whoever reports an estimate made of
it says that it may take longer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from ml.decoding import Decoder, Request
from ml.loading import best_device, use_threads

READ_ROWS, READ_TOKENS = 8, 96  # about as a batch of pairs
ROWS, PROMPT = 16, 40  # about as a batch of questions
_SLOW, _SECONDS, _TRIES = 1.0, 2.0, 8


def measure_speed(model: Any, vocabulary: int) -> dict[str, Any]:
    """`reading`: tokens a second without gradient; `step`: seconds of adding a token to each of `ROWS` answers.

    A model that needs more than a second for 32 tokens is measured by these alone: one step of answering reads every
    weight once, as a short text does.
    """
    use_threads(0)
    device = best_device()
    model = model.to(device).eval()
    draw = torch.Generator().manual_seed(0)
    told = {"device": "GPU" if device.type == "cuda" else "CPU"}

    def tokens(rows: int, length: int) -> torch.Tensor:
        return torch.randint(vocabulary, (rows, length), generator=draw)

    def read(ids: torch.Tensor) -> None:
        with torch.inference_mode():
            model(input_ids=ids.to(device), use_cache=False, logits_to_keep=1)
        if device.type == "cuda":
            torch.cuda.synchronize()

    read(tokens(1, 32))  # the first pass warms up
    short = _fastest(lambda: read(tokens(1, 32)))
    if short > _SLOW:
        return {**told, "reading": round(32 / short, 1), "step": round(short, 4)}
    ids = tokens(READ_ROWS, READ_TOKENS)
    step = _fastest(_decoder(model, tokens(ROWS, PROMPT).tolist()).step)
    return {
        **told,
        "reading": round(READ_ROWS * READ_TOKENS / _fastest(lambda: read(ids)), 1),
        "step": round(step, 6),
    }


def _decoder(model: Any, prompts: list[list[int]]) -> Decoder:
    requests = [Request(prompt=prompt, max_new_tokens=10 * _TRIES, stop_ids=frozenset()) for prompt in prompts]
    decoder = Decoder(model, requests, pad_id=0)
    decoder.step()  # reads the prompts
    return decoder


def _fastest(work: Callable[[], None]) -> float:
    """Seconds of the fastest of some tries, at least one."""
    found: list[float] = []
    began = time.monotonic()
    while len(found) < _TRIES and (not found or time.monotonic() - began < _SECONDS):
        start = time.monotonic()
        work()
        found.append(time.monotonic() - start)
    return max(min(found), 1e-6)
