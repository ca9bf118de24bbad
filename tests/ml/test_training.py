"""A training in one process: what it changes, what it writes, what it tells, and what it refuses."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from safetensors.numpy import load_file, save_file
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from ml.loading import load_model, use_threads
from ml.prompting import Example, Template
from ml.recipe import Recipe
from ml.rundir import DataRef, RunDir
from ml.store import FingerprintError, ModelRef
from ml.tiny import make_tiny_model
from ml.train.data import DataError
from ml.train.general import GENERAL_TEXT
from ml.train.precision import choose_precision
from ml.train.run import planned_steps, run_training
from ml.train.stopping import Stopper
from ml.train.trainer import TrainingError
from tests.ml.runs import LIBRARY_WARNINGS, events, make_examples, make_training

pytestmark = pytest.mark.filterwarnings(*LIBRARY_WARNINGS)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("base"))


def train(run: RunDir) -> dict[str, Any]:
    with run.start_attempt(1) as attempt:
        result = run_training(run, attempt, Stopper())
    assert result is not None
    return result


@pytest.mark.slow
def test_lora_trains_only_the_adapter(base: Path, tmp_path: Path) -> None:
    before = (base / "model.safetensors").read_bytes()
    run = make_training(tmp_path / "run", base, epochs=2.0, lora_dropout=0.1, learning_rate=5e-3)

    result = train(run)

    assert (base / "model.safetensors").read_bytes() == before
    weights = load_file(run.path / "result" / "adapter_model.safetensors")
    assert all(".lora_A." in name or ".lora_B." in name for name in weights)
    assert len(weights) == 2 * 7 * 2  # two matrices, seven linear layers, two blocks
    assert all(np.abs(values).max() > 0 for values in weights.values())
    assert result["develop_loss_after"] < result["develop_loss_before"] - 0.01
    assert result["model"]["adapter"] == str(run.path / "result")
    assert result["fingerprint"] != result["model"]["fingerprint"]


@pytest.mark.slow
def test_full_training_changes_every_weight(base: Path, tmp_path: Path) -> None:
    run = make_training(tmp_path / "run", base, method="full", epochs=2.0, packing=True)
    result = train(run)
    old, new = load_file(base / "model.safetensors"), load_file(run.path / "result" / "model.safetensors")
    assert set(old) == set(new)
    assert [name for name in old if np.array_equal(old[name], new[name])] == []
    assert result["develop_loss_after"] < result["develop_loss_before"] - 0.01
    assert result["model"] == ModelRef.of(run.path / "result").to_json()
    # What it forgot is measured on the fixed general text, with the weights it began and ended with.
    for when, folder in (("before", base), ("after", run.path / "result")):
        assert result[f"general_loss_{when}"] == pytest.approx(loss_of_the_general_text(folder), abs=1e-4)
    assert result["general_loss_before"] != pytest.approx(result["general_loss_after"], abs=1e-3)


def loss_of_the_general_text(folder: Path) -> float:
    """By the model library alone."""
    model, tokenizer = LlamaForCausalLM.from_pretrained(folder), PreTrainedTokenizerFast.from_pretrained(folder)
    ids = tokenizer(GENERAL_TEXT, add_special_tokens=False, return_tensors="pt").input_ids
    total = count = 0.0
    for piece in ids.split(256, dim=1):
        with torch.no_grad():
            total += float(model(input_ids=piece, labels=piece).loss) * (piece.shape[1] - 1)
        count += piece.shape[1] - 1
    return total / count


@pytest.mark.slow
def test_packed_and_padded_trainings_end_alike(base: Path, tmp_path: Path) -> None:
    ends = [
        train(make_training(tmp_path / str(packing), base, method="full", packing=packing))["develop_loss_after"]
        for packing in (False, True)
    ]
    assert ends[0] == pytest.approx(ends[1], abs=1e-4)


@pytest.mark.slow
def test_a_step_is_the_same_however_it_is_divided(base: Path, tmp_path: Path) -> None:
    """Eight pairs of unequal length at once, or in eight batches that are added up: the same loss and gradient."""
    told = []
    for size in (8, 1):
        run = make_training(
            tmp_path / str(size), base, method="full", batch_size=size, accumulation=8 // size, max_steps=3
        )
        train(run)
        told.append([number for step in events(run, 1, "step") for number in (step["loss"], step["grad_norm"])])
    assert len(told[0]) == 6
    assert told[0] == pytest.approx(told[1], rel=1e-3)


@pytest.mark.slow
def test_what_a_training_tells(base: Path, tmp_path: Path) -> None:
    run = make_training(
        tmp_path / "run", base, samples=("What is a roof?",), batch_size=4, accumulation=2, eval_every=2, save_every=3
    )
    result = train(run)
    steps = events(run, 1, "step")
    assert [event["step"] for event in steps] == [1, 2, 3, 4, 5, 6]
    assert [event["seq"] for event in run.read_events(1)] == list(range(1, len(run.read_events(1)) + 1))
    assert all(event["tokens_per_second"] > 0 and event["eta_seconds"] >= 0 for event in steps)
    assert steps[-1]["eta_seconds"] == 0
    assert [event["step"] for event in events(run, 1, "eval")] == [0, 2, 4, 6]
    assert [event["step"] for event in events(run, 1, "checkpoint")] == [3]
    samples = events(run, 1, "sample")
    assert [(event["step"], event["prompt"]) for event in samples] == [(3, "What is a roof?"), (6, "What is a roof?")]
    assert result["final_step"] == 6
    assert result["tokens_trained"] == steps[-1]["tokens"] > 0
    assert result["resumed_from"] is None


@pytest.mark.slow
def test_the_result_describes_itself_and_can_be_asked(base: Path, tmp_path: Path) -> None:
    run = make_training(tmp_path / "run", base)
    result = train(run)
    folder = run.path / "result"
    about = json.loads((folder / "apprentice.json").read_text())
    spec = run.read_spec()
    assert about["base_fingerprint"] == spec.model.fingerprint
    assert about["tokenizer_fingerprint"] == spec.model.tokenizer_fingerprint
    assert about["fingerprint"] == result["fingerprint"]
    assert json.loads((folder / "recipe.json").read_text()) == spec.recipe.to_json()  # type: ignore[union-attr]
    assert json.loads((folder / "lineage.json").read_text())["provenance"] == {"asked_by": "a test"}
    assert "dataset version v1" in (folder / "README.md").read_text()
    assert str(tmp_path) not in (folder / "adapter_config.json").read_text()
    assert set(result["sha256"]) == {path.name for path in folder.iterdir()}
    loaded = load_model(ModelRef.from_json(result["model"]))
    plain = load_model(spec.model)
    ids = torch.arange(3, 20)[None]
    assert not torch.allclose(loaded.model(input_ids=ids).logits, plain.model(input_ids=ids).logits)


def rewrite_spec(run: RunDir, **changes: Any) -> None:
    spec = replace(run.read_spec(), **changes)
    (run.path / "spec.json").unlink()
    run.write_spec(spec)


@pytest.mark.slow
def test_the_store_receives_the_result(base: Path, tmp_path: Path) -> None:
    run = make_training(tmp_path / "run", base)
    rewrite_spec(run, store=str(tmp_path / "store" / "v1"))
    result = train(run)
    assert result["result"] == str(tmp_path / "store" / "v1")
    assert (tmp_path / "store" / "v1" / "apprentice.json").is_file()
    assert not (run.path / "result").exists()


def test_long_pairs_are_left_out_and_named(base: Path, tmp_path: Path) -> None:
    examples = [*make_examples(20), Example(id="endless", instruction="x", response="wall " * 400)]
    run = make_training(tmp_path / "run", base, examples=examples)
    result = train(run)
    (warning,) = events(run, 1, "warning")
    assert warning["code"] == "too_long"
    assert warning["count"] == 1
    assert "endless" in warning["message"]
    assert result["left_out"] == {"too_long": 1}


def test_nothing_to_train_on_is_said_before_a_model_is_loaded(base: Path, tmp_path: Path) -> None:
    run = make_training(tmp_path / "run", base, examples=make_examples(10, develop_every=1))
    with pytest.raises(DataError, match="nothing to train on"):
        train(run)
    assert [event["name"] for event in events(run, 1, "phase")] == ["load", "encode"]


def test_changed_pairs_are_refused(base: Path, tmp_path: Path) -> None:
    run = make_training(tmp_path / "run", base)
    run.pairs_path.write_text(run.pairs_path.read_text() + "\n")
    with pytest.raises(DataError, match="has changed"):
        train(run)


def test_a_broken_line_is_named(base: Path, tmp_path: Path) -> None:
    run = make_training(tmp_path / "run", base)
    run.pairs_path.write_text('{"id": "1", "instruction": "a", "response": "b"}\n{broken\n')
    rewrite_spec(run, data=DataRef())
    with pytest.raises(DataError, match=r"pairs\.jsonl, line 2"):
        train(run)


def test_a_changed_tokenizer_is_refused(tmp_path: Path) -> None:
    base = make_tiny_model(tmp_path / "base")
    run = make_training(tmp_path / "run", base)
    path = base / "tokenizer_config.json"
    path.write_text(path.read_text().replace('"bos_token": "<|im_start|>"', '"bos_token": "<|endoftext|>"'))
    with pytest.raises(FingerprintError, match="tokenizer"):
        train(run)


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    base = make_tiny_model(tmp_path / "base")
    run = make_training(tmp_path / "run", base)
    make_tiny_model(base, seed=1)
    with pytest.raises(FingerprintError, match="has changed"):
        train(run)


def test_a_loss_that_is_no_number_ends_with_a_sentence(base: Path, tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path / "base")
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"] = np.full_like(weights["model.norm.weight"], np.inf)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    run = make_training(tmp_path / "run", folder, method="full")
    with pytest.raises(TrainingError, match="no longer a number") as caught:
        train(run)
    assert caught.value.code == "loss_not_finite"


def test_pairs_longer_than_the_model_are_refused(base: Path, tmp_path: Path) -> None:
    run = make_training(tmp_path / "run", base, max_tokens=4096)
    with pytest.raises(TrainingError, match="holds 2048 tokens"):
        train(run)


def test_all_physical_cores_compute_unless_told_otherwise() -> None:
    before, allowed = torch.get_num_threads(), len(os.sched_getaffinity(0))
    try:
        assert use_threads(0) == torch.get_num_threads() == min(psutil.cpu_count(logical=False) or allowed, allowed)
        assert use_threads(1) == torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("settings", "pairs", "expected"),
    [
        ({"epochs": 3.0, "batch_size": 8}, 20, 9),
        ({"epochs": 0.5, "batch_size": 1}, 5, 3),
        ({"epochs": 3.0, "batch_size": 4, "accumulation": 2}, 16, 6),
        ({"epochs": 3.0, "max_steps": 4}, 100, 4),
        ({"epochs": 1.0, "max_steps": 400, "batch_size": 10}, 100, 10),
    ],
)
def test_how_many_steps(settings: dict[str, Any], pairs: int, expected: int) -> None:
    assert planned_steps(Recipe(**settings), pairs) == expected


def test_bfloat16_is_chosen_only_when_asked_or_faster() -> None:
    cpu = torch.device("cpu")
    assert choose_precision("bfloat16", 8, 8, cpu) == "bfloat16"
    assert choose_precision("float32", 8, 8, cpu) == "float32"
    state = torch.random.get_rng_state()
    assert choose_precision("auto", 16, 64, cpu) in ("float32", "bfloat16")
    assert torch.equal(torch.random.get_rng_state(), state)


def test_attention_only_and_text_templates(base: Path, tmp_path: Path) -> None:
    template = Template(kind="text", prompt="Q: {{instruction}}", before_response="\nA:")
    run = make_training(tmp_path / "run", base, template=template, lora_targets="attention", max_steps=2)
    train(run)
    weights = load_file(run.path / "result" / "adapter_model.safetensors")
    assert len(weights) == 2 * 4 * 2
    assert all(".self_attn." in name for name in weights)
