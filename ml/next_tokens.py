"""What a model reads a text as, and what it takes to come next at each place: tokens, ids, the likeliest next ones."""

from __future__ import annotations

from typing import Any

import torch

from ml.loading import LoadedModel
from ml.prompting import Tokenizer

MOST_CHARACTERS = 2_000
_MOST_TOKENS = 256
_LIKELIEST = 5


@torch.no_grad()
def next_tokens(loaded: LoadedModel, text: str) -> list[dict[str, Any]]:
    """For each token of a text {"id", "text", "share", "likeliest"}, at most the first 256.

    `likeliest` are the five tokens that the model takes for the next one, each {"id", "text", "share"}, the likeliest
    first; a token's own `share` is how likely the model held it after what stands before it, None for the first.
    """
    tokenizer = loaded.tokenizer
    ids = tokenizer.encode(tokenizer.mark(text))[: min(_MOST_TOKENS, loaded.longest)]
    if not ids:
        return []
    model: Any = loaded.model
    logits = model(input_ids=torch.tensor([ids], device=loaded.device)).logits[0, :, : tokenizer.vocabulary_size]
    shares = logits.float().softmax(dim=-1)
    best = shares.topk(min(_LIKELIEST, shares.shape[1]))
    found = []
    for place, token in enumerate(ids):
        likeliest = [
            {"id": int(one), "text": shown(tokenizer, int(one)), "share": round(float(share), 4)}
            for one, share in zip(best.indices[place], best.values[place], strict=True)
        ]
        own = round(float(shares[place - 1, token]), 4) if place else None
        found.append({"id": token, "text": shown(tokenizer, token), "share": own, "likeliest": likeliest})
    return found


def shown(tokenizer: Tokenizer, token: int) -> str:
    """A token as people can read it; one that is half a character as the vocabulary writes it."""
    text = tokenizer.decode([token])
    return text if text and "\ufffd" not in text else tokenizer.id_to_token(token) or ""
