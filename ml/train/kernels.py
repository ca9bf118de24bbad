"""Fused kernels for the small steps between the matrix products, where a GPU and the package liger-kernel are there."""

from __future__ import annotations

import importlib.util
from typing import Any

import torch
from peft import PeftModel

# The loss is ours: it is computed at the labelled positions only.
_NOT_THE_LOSS = {"cross_entropy": False, "fused_linear_cross_entropy": False}


def use_fused_kernels(model: Any) -> bool:
    """Let norms, rotary positions and gated layers each take one kernel instead of up to ten: a small model waits for
    kernels to be started more than for what they compute. False, and nothing changes, without a GPU or the package, or
    for an architecture that the package does not know."""
    if not torch.cuda.is_available() or importlib.util.find_spec("liger_kernel") is None:
        return False
    from liger_kernel.transformers import monkey_patch

    base: Any = model.get_base_model() if isinstance(model, PeftModel) else model
    if base.config.model_type not in monkey_patch.MODEL_TYPE_TO_APPLY_LIGER_FN:
        return False
    monkey_patch._apply_liger_kernel_to_instance(model=base, **_NOT_THE_LOSS)
    return True
