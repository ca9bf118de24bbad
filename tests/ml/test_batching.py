"""Packed pairs never see each other, every way to divide a step gives the same gradient, and the plan is complete."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaForCausalLM

from ml.prompting import Template, Tokenizer, encode_pair
from ml.sample import Sample
from ml.score import TokenLoss
from ml.tiny import make_tiny_model
from ml.train.attention import use_packed_attention
from ml.train.batching import Collator, PlannedBatches, packing_leaks, plan_batches
from tests.ml.runs import make_examples


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def model(folder: Path) -> LlamaForCausalLM:
    return packing_model(folder)


def packing_model(folder: Path) -> LlamaForCausalLM:
    model = LlamaForCausalLM.from_pretrained(folder)
    assert use_packed_attention(model, 100)
    return model


@pytest.fixture(scope="module")
def samples(folder: Path) -> list[Sample]:
    tokenizer = Tokenizer.load(folder)
    encoded = [encode_pair(example, Template(), tokenizer, 1000) for example in make_examples(8)]
    return [Sample(pair.ids, pair.labels) for pair in encoded]


def collator(packing: bool) -> Collator:
    return Collator(pad_id=2, packing=packing)


def losses(model: LlamaForCausalLM, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    inputs = {key: value for key, value in batch.items() if key not in ("labels", "tokens")}
    return TokenLoss(model)(inputs, batch["labels"])


def test_a_packed_pair_does_not_see_the_one_before_it(model: LlamaForCausalLM, samples: list[Sample]) -> None:
    first, second = sorted(samples[:2], key=lambda sample: -len(sample.ids))
    changed = Sample([(token + 7) % 400 for token in first.ids], first.labels)
    trained = sum(label != -100 for label in second.labels)
    with torch.no_grad():
        one, other = (losses(model, collator(True)([sample, second])) for sample in (first, changed))
    assert torch.equal(one[-trained:], other[-trained:])
    assert not torch.allclose(one[:-trained], other[:-trained])
    assert not packing_leaks(TokenLoss(model), torch.device("cpu"))


def test_a_model_that_leaks_is_found(model: LlamaForCausalLM) -> None:
    """A model that does not pass on where its pairs begin."""

    class Leaking(TokenLoss):
        def __call__(self, inputs: dict[str, torch.Tensor], labels: torch.Tensor) -> torch.Tensor:
            return super().__call__({key: value for key, value in inputs.items() if key != "cu_seq_lens_q"}, labels)

    assert packing_leaks(Leaking(model), torch.device("cpu"))


def test_a_window_shorter_than_a_pair_is_not_packed(folder: Path) -> None:
    model = LlamaForCausalLM.from_pretrained(folder)
    model.config.sliding_window = 64
    assert not use_packed_attention(model, 65)
    assert use_packed_attention(model, 64)


def test_packed_batches_carry_positions_and_no_mask(samples: list[Sample]) -> None:
    batch = collator(True)(samples[:3])
    assert "attention_mask" not in batch
    assert batch["cu_seq_lens_q"].tolist()[0] == 0
    assert batch["cu_seq_lens_q"].diff().tolist() == [len(sample.ids) for sample in samples[:3]]
    assert batch["input_ids"].shape[0] == 1
    assert (batch["position_ids"] == 0).sum() == 3
    assert int(batch["tokens"]) == sum(len(sample.ids) for sample in samples[:3])


def test_packed_and_padded_losses_are_equal(folder: Path, model: LlamaForCausalLM, samples: list[Sample]) -> None:
    ordinary = LlamaForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        expected = losses(ordinary, collator(False)(samples))
        assert torch.allclose(losses(model, collator(True)(samples)), expected, atol=1e-5)
        assert torch.allclose(losses(model, collator(False)(samples)), expected, atol=1e-5)


def test_the_first_token_of_a_packed_pair_is_never_a_target() -> None:
    batch = collator(True)([Sample([5, 6], [5, 6]), Sample([7, 8], [7, 8])])
    assert batch["labels"].tolist() == [[-100, 6, -100, 8]]


@pytest.mark.parametrize("packing", [False, True])
def test_one_batch_of_four_and_four_of_one_give_the_same_gradient(
    folder: Path, samples: list[Sample], packing: bool
) -> None:
    gradients = []
    for batch_size in (4, 1):
        model = packing_model(folder)
        plan = plan_batches(
            [len(sample.ids) for sample in samples],
            batch_size=batch_size,
            accumulation=4 // batch_size,
            seed=1,
            epoch=0,
        )
        step = plan[: 4 // batch_size]
        batches = [collator(packing)([samples[index] for index in indices]) for indices in step]
        count = sum(int((batch["labels"][:, 1:] != -100).sum()) for batch in batches)
        for batch in batches:
            (losses(model, batch).sum() / count).backward()
        gradients.append(torch.cat([parameter.grad.flatten() for parameter in model.parameters()]))
    assert torch.allclose(gradients[0], gradients[1], atol=1e-7)
    assert gradients[0].norm() > 0.01


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=120),
    batch_size=st.integers(1, 7),
    accumulation=st.integers(1, 4),
    epoch=st.integers(0, 3),
)
def test_a_plan_holds_every_pair_once_and_divides_steps_alike(
    lengths: list[int], batch_size: int, accumulation: int, epoch: int
) -> None:
    plan = plan_batches(lengths, batch_size=batch_size, accumulation=accumulation, seed=3, epoch=epoch)
    assert sorted(index for batch in plan for index in batch) == list(range(len(lengths)))
    whole = plan_batches(lengths, batch_size=batch_size * accumulation, accumulation=1, seed=3, epoch=epoch)
    parts = [sorted(chain(*plan[at : at + accumulation])) for at in range(0, len(plan), accumulation)]
    assert parts == [sorted(step) for step in whole]


def test_a_plan_depends_on_seed_and_epoch_alone() -> None:
    lengths = list(range(10, 60))
    first = PlannedBatches(lengths, batch_size=3, accumulation=2, seed=5)
    again = PlannedBatches(lengths, batch_size=3, accumulation=2, seed=5)
    assert list(first) == list(again)
    again.set_epoch(1)
    assert list(first) != list(again)
    assert len(first) == len(list(first)) == 17


def test_grouping_by_length_spares_padding() -> None:
    lengths = [10 + 90 * (number % 2) for number in range(200)]
    plan = plan_batches(lengths, batch_size=8, accumulation=1, seed=0, epoch=0)
    computed = sum(max(lengths[index] for index in batch) * len(batch) for batch in plan)
    assert computed <= 1.05 * sum(lengths)
