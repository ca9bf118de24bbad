"""Linear layers through oneDNN: the same numbers as torch's own, forward and backward, for the layers they suit."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from ml.linear import use_onednn
from ml.loading import load_base
from ml.tiny import make_tiny_model

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch was built without oneDNN")


@pytest.mark.parametrize("shape", [(96,), (5, 96), (3, 7, 96)])
@pytest.mark.parametrize("bias", [True, False])
def test_answers_and_gradients_are_those_of_torch(shape: tuple[int, ...], bias: bool) -> None:
    torch.manual_seed(0)
    plain = nn.Linear(96, 160, bias=bias)
    quick = copy.deepcopy(plain)
    use_onednn(quick)
    found = []
    for layer in (plain, quick):
        inputs = torch.linspace(-1, 1, 96).expand(shape).clone().requires_grad_()
        out = layer(inputs)
        (out.sin() * torch.arange(160)).sum().backward()
        found.append([out, inputs.grad, *(parameter.grad for parameter in layer.parameters())])
    assert list(quick.state_dict()) == list(plain.state_dict())
    for expected, got in zip(*found, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-2)


def test_a_frozen_layer_passes_gradients_on_and_gets_none() -> None:
    layer = nn.Linear(64, 64).requires_grad_(False)
    use_onednn(layer)
    inputs = torch.randn(4, 64, requires_grad=True)
    layer(inputs).sum().backward()
    torch.testing.assert_close(inputs.grad, layer.weight.sum(dim=0).expand(4, 64))
    assert layer.weight.grad is None


def test_products_of_transposed_and_cut_tensors_are_right() -> None:
    layer = nn.Linear(64, 80)
    use_onednn(layer)
    inputs = torch.randn(64, 3, 9).transpose(0, 2)[:5]
    with torch.inference_mode():
        torch.testing.assert_close(
            layer(inputs), functional.linear(inputs, layer.weight, layer.bias), rtol=1e-4, atol=1e-4
        )


def test_other_precisions_stay_with_torch() -> None:
    layer = nn.Linear(64, 64)
    use_onednn(layer)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(2, 64)).dtype == torch.bfloat16
    assert layer.bfloat16()(torch.randn(2, 64).bfloat16()).dtype == torch.bfloat16


def test_models_are_loaded_with_it(tmp_path: Path) -> None:
    model = load_base(make_tiny_model(tmp_path / "tiny", hidden_size=64))
    wide = [
        module
        for module in model.modules()
        if isinstance(module, nn.Linear) and min(module.in_features, module.out_features) >= 64
    ]
    ids = torch.arange(4, 20)[None]
    with torch.inference_mode():
        quick = model(ids).logits
        for module in wide:
            del module.forward  # back to the class's own
        torch.testing.assert_close(quick, model(ids).logits, rtol=1e-4, atol=1e-4)
    assert wide
