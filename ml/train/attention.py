"""Attention over pairs that lie behind each other in one row, without padding and without a mask.

A packed row names its pairs by `cu_seq_lens_q`, the positions where they begin and end. Linear layers and norms then
compute no padding at all, and attention is done pair by pair: one fused kernel for all of them on a GPU that has it,
else one causal call for each pair. A dense block-diagonal mask would cost the square of the row's length instead.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface, PretrainedConfig
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "apprentice_packed"
_HALF = (torch.bfloat16, torch.float16)


def use_packed_attention(model: Any, longest: int) -> bool:
    """Let the model compute packed rows this way. False, and nothing changes, where it cannot: another attention than
    the standard one, or a window shorter than the `longest` pair. Whether it works is for `packing_leaks` to say."""
    config: PretrainedConfig = model.config
    window = getattr(config, "sliding_window", None)
    if getattr(config, "_attn_implementation", "") not in ("sdpa", NAME) or (window and window < longest):
        return False
    AttentionInterface.register(NAME, packed_attention)
    AttentionMaskInterface.register(NAME, _mask)
    model.set_attn_implementation(NAME)
    return True


def packed_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    cu_seq_lens_q: torch.Tensor | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """[rows, heads, tokens, width] to [rows, tokens, heads, width]; the ordinary attention unless the row is packed."""
    if cu_seq_lens_q is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, dropout, scaling, **kwargs)
    if query.is_cuda and (fused := _fused()) and not dropout:
        kind = torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else query.dtype
        if kind in _HALF:
            return fused(module, *(part.to(kind) for part in (query, key, value)), scaling, cu_seq_lens_q, kwargs), None
    ends = cu_seq_lens_q.tolist()
    lengths = [end - start for start, end in pairwise(ends)]
    parts = [
        sdpa_attention_forward(module, q, k, v, None, dropout, scaling)[0]
        for q, k, v in zip(*(part.split(lengths, dim=2) for part in (query, key, value)), strict=True)
    ]
    return torch.cat(parts, dim=1), None


def _mask(batch_size: int, q_length: int, kv_length: int, **kwargs: Any) -> torch.Tensor | None:
    """None where every row is wholly causal or packed; where rows are padded or a cache is used, the usual mask."""
    if kwargs.get("attention_mask") is None and q_length == kv_length:
        return None
    return sdpa_mask(batch_size, q_length, kv_length, **kwargs)


def _fused() -> Callable[..., torch.Tensor] | None:
    """All pairs in one kernel, if this torch has it."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    kernel: Callable[..., Any] = varlen_attn
    known = inspect.signature(kernel).parameters
    options: dict[str, Any] = {"window_size": (-1, 0)} if "window_size" in known else {"is_causal": True}
    shares = "enable_gqa" in known  # heads of queries may share those of keys without copies
    if shares:
        options["enable_gqa"] = True

    def attend(
        module: Any,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        scaling: float | None,
        ends: torch.Tensor,
        kwargs: dict[str, Any],
    ) -> torch.Tensor:
        groups = query.shape[1] // key.shape[1]
        if groups > 1 and not shares:
            key, value = repeat_kv(key, groups), repeat_kv(value, groups)
        flat = [part.squeeze(0).transpose(0, 1).contiguous() for part in (query, key, value)]
        scale = {}
        if scaling is not None and "scale" in known:
            scale["scale"] = scaling
        elif scaling is not None:
            flat[0] = flat[0] * (scaling * query.shape[-1] ** 0.5)
        longest = int(kwargs["max_length_q"])
        return kernel(*flat, ends, ends, longest, longest, **options, **scale).unsqueeze(0)

    return attend
