"""Linear layers on a processor through oneDNN, which torch has on board but uses for bfloat16 only.

For float32 torch asks MKL, whose quickest code is kept for one maker's processors: on an AMD EPYC with AVX-512 oneDNN
takes half the time forward, for the inputs' gradient and for the weights' (`python -m benchmarks training generation`).
Both compute in float32; only the order of the sums differs.
"""

from __future__ import annotations

from types import MethodType
from typing import Any

import torch
from torch import nn
from torch.nn import functional

_SMALLEST = 64  # below this many inputs or outputs (the halves of an adapter) MKL is as quick or quicker


def use_onednn(model: nn.Module) -> None:
    """Let the linear layers of a model compute through oneDNN wherever they are float32 and on the processor. Their
    weights, names and types stay; where torch was built without oneDNN nothing changes."""
    if not torch.backends.mkldnn.is_available():
        return
    for module in model.modules():
        if type(module) is nn.Linear and min(module.in_features, module.out_features) >= _SMALLEST:
            module.forward = MethodType(_forward, module)  # type: ignore[method-assign]


def _forward(layer: nn.Linear, inputs: torch.Tensor) -> torch.Tensor:
    weight, bias = layer.weight, layer.bias
    if not _suits(inputs) or not _suits(weight):
        return functional.linear(inputs, weight, bias)
    if torch.is_grad_enabled():
        return _Linear.apply(inputs, weight, bias)
    return _product(inputs, weight, bias)


def _suits(tensor: torch.Tensor) -> bool:
    return tensor.dtype == torch.float32 and tensor.device.type == "cpu" and not torch.is_autocast_enabled("cpu")


def _product(left: torch.Tensor, right: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """left [..., n] and right [m, n] to [..., m], plus bias [m]."""
    return torch.ops.mkldnn._linear_pointwise(left, right, bias, "none", [], "")


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        ctx.save_for_backward(inputs if ctx.needs_input_grad[1] else None, weight)
        return _product(inputs, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (gradient,) = gradients
        inputs, weight = ctx.saved_tensors
        for_inputs, for_weight, for_bias = ctx.needs_input_grad
        rows = gradient.reshape(-1, gradient.shape[-1])
        return (
            _product(gradient, weight.t()) if for_inputs else None,
            _product(rows.t(), inputs.reshape(-1, inputs.shape[-1]).t()) if for_weight else None,
            rows.sum(dim=0) if for_bias else None,
        )
