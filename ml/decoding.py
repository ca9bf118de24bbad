"""Answers token by token: a batch over one key-value cache, rows leaving as they finish.

What all prompts begin with (a chat template's opening, a system prompt) is read once for all of them; the rest of each
is read beside others of like length and padded between that beginning and its own tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import functional
from transformers import Cache, DynamicCache, PreTrainedModel

from ml.cache import is_plain, join_caches, repeat_cache
from ml.hashing import text_sha256

_READ_TOGETHER = 8  # prompts
_WORTH_DROPPING = 7 / 8  # of the rows are left: computing for the finished costs more than copying the others


@dataclass(slots=True)
class Request:
    """One prompt to answer. `temperature` 0 is greedy; otherwise `seed` decides, whatever else is in the batch."""

    prompt: list[int]
    max_new_tokens: int
    stop_ids: frozenset[int]
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    key: str = ""
    new_ids: list[int] = field(default_factory=list)
    finish_reason: str = ""

    @property
    def finished(self) -> bool:
        return bool(self.finish_reason)

    def add(self, token: int) -> None:
        """Take the next token: an end token finishes the answer and is not part of it."""
        if token in self.stop_ids:
            self.finish_reason = "stop"
            return
        self.new_ids.append(token)
        if len(self.new_ids) >= self.max_new_tokens:
            self.finish_reason = "length"


class Decoder:
    """Answers a batch of requests; each `step` adds one token to every unfinished one.

    Finished rows stay in the batch until an eighth of it is finished, then they are taken out of the cache: what is
    left costs less. `finish_reason` may be set from outside to end a row early.
    """

    def __init__(self, model: PreTrainedModel, requests: Sequence[Request], pad_id: int) -> None:
        self._model = model
        self._rows = sorted(requests, key=lambda request: len(request.prompt))
        self._random = [_generator(request) for request in self._rows]
        self._device = next(model.parameters()).device
        self._pad_id = pad_id
        self._cache: Cache | None = None
        self._ids = self._mask = self._positions = torch.empty(0)  # of the next token; [rows, tokens]

    @property
    def active(self) -> bool:
        return any(not row.finished for row in self._rows)

    @torch.inference_mode()
    def step(self) -> None:
        """Add one token to every unfinished request; the first step reads the prompts."""
        logits = self._forward(self._cache) if self._cache else self._read_prompts()
        tokens = self._choose(logits)
        for row, token in zip(self._rows, tokens, strict=True):
            if not row.finished:
                row.add(token)
        self._ids = torch.tensor(tokens, device=self._device)[:, None]
        self._mask = functional.pad(self._mask, (0, 1), value=1)
        self._positions = self._positions[:, -1:] + 1
        self._drop_finished()

    def _forward(self, cache: Cache) -> torch.Tensor:
        """Read the tokens at hand; what comes after the last of each row, [rows, vocabulary]."""
        output = self._model(
            input_ids=self._ids,
            attention_mask=self._mask,
            position_ids=self._positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return output.logits[:, -1].float()

    def _read_prompts(self) -> torch.Tensor:
        """Read what all prompts share once, and of the rest those of like length together."""
        prompts = [row.prompt for row in self._rows]
        first = DynamicCache(config=self._model.config)
        if not is_plain(first):
            # A window over the last tokens would count padding in the middle.
            self._set(prompts, start=0)
            self._cache = first
            return self._forward(first)
        start = shared_length(prompts)
        if start:
            ids = torch.tensor([prompts[0][:start]], device=self._device)
            self._model(input_ids=ids, past_key_values=first, use_cache=True, logits_to_keep=1)
        caches: list[Cache] = []
        logits = []
        for place in range(0, len(prompts), _READ_TOGETHER):
            group = prompts[place : place + _READ_TOGETHER]
            self._set(group, start)
            caches.append(repeat_cache(first, len(group)) if start else DynamicCache(config=self._model.config))
            logits.append(self._forward(caches[-1]))
        self._set(prompts, start)
        self._cache = join_caches(caches, start)
        return torch.cat(logits)

    def _set(self, prompts: Sequence[list[int]], start: int) -> None:
        """Let the next tokens be those of the prompts behind `start`, the shorter ones padded in front of them."""
        rests = [prompt[start:] for prompt in prompts]
        longest = max(map(len, rests))
        padded = [[self._pad_id] * (longest - len(rest)) + rest for rest in rests]
        masks = [[1] * start + [0] * (longest - len(rest)) + [1] * len(rest) for rest in rests]
        self._ids = torch.tensor(padded, device=self._device)
        self._mask = torch.tensor(masks, device=self._device)
        self._positions = (self._mask.cumsum(dim=-1) - 1).clamp(min=0)[:, start:]

    def _choose(self, logits: torch.Tensor) -> list[int]:
        best = logits.argmax(dim=-1).tolist()
        return [
            best[index] if row.temperature == 0 or row.finished else _draw(logits[index], row, self._random[index])
            for index, row in enumerate(self._rows)
        ]

    def _drop_finished(self) -> None:
        kept = [index for index, row in enumerate(self._rows) if not row.finished]
        if not kept or len(kept) > len(self._rows) * _WORTH_DROPPING:
            return
        chosen = torch.tensor(kept, device=self._device)
        assert self._cache is not None
        self._cache.batch_select_indices(chosen)
        self._ids, self._mask, self._positions = self._ids[chosen], self._mask[chosen], self._positions[chosen]
        self._rows = [self._rows[index] for index in kept]
        self._random = [self._random[index] for index in kept]


def shared_length(prompts: Sequence[list[int]]) -> int:
    """How many tokens all prompts begin with alike, if there are several; each keeps at least one of its own."""
    if len(prompts) < 2:
        return 0
    first, last = min(prompts), max(prompts)  # what the two ends of an order share, all between them share too
    most = min(map(len, prompts)) - 1
    return next((n for n in range(most) if first[n] != last[n]), most)


def _generator(request: Request) -> torch.Generator | None:
    if request.temperature == 0:
        return None
    seed = int(text_sha256(f"{request.seed}:{request.key}")[:15], 16)
    return torch.Generator().manual_seed(seed)


def _draw(logits: torch.Tensor, request: Request, generator: Any) -> int:
    """Nucleus sampling (Holtzman et al. 2020): the smallest set of tokens whose probability reaches `top_p`."""
    chances = torch.softmax(logits.cpu() / request.temperature, dim=-1)
    if request.top_p < 1:
        ordered, order = chances.sort(descending=True)
        outside = ordered.cumsum(dim=-1) - ordered >= request.top_p
        outside[0] = False
        chances = torch.zeros_like(chances).scatter(0, order, ordered.masked_fill(outside, 0.0))
    return int(torch.multinomial(chances, 1, generator=generator))
