"""What each method trains, how a warm start goes on, and which state of a run becomes the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset, disable_progress_bars
from safetensors.numpy import load_file
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer

from ml import recipe
from ml.loading import load_model
from ml.prompting import Example, Template, Tokenizer
from ml.recipe import Recipe, RecipeError
from ml.rundir import RunDir, RunSpec
from ml.store import ModelRef
from ml.tiny import make_tiny_model
from ml.train.batching import plan_batches
from ml.train.best import Best
from ml.train.data import DataError
from ml.train.methods import METHODS, MethodError
from ml.train.preferences import load_preferences
from ml.train.run import run_training
from ml.train.stopping import Stopper
from tests.ml.runs import LIBRARY_WARNINGS, events, make_examples, make_training

pytestmark = [
    pytest.mark.filterwarnings(*LIBRARY_WARNINGS),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.slow,
]
disable_progress_bars()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("base"))


def train(run: RunDir) -> dict[str, Any]:
    with run.start_attempt(1) as attempt:
        result = run_training(run, attempt, Stopper())
    assert result is not None
    return result


def changed(base: Path, result: Path) -> set[str]:
    old, new = load_file(base / "model.safetensors"), load_file(result / "model.safetensors")
    return {name for name in old if not np.array_equal(old[name], new[name])}


def test_every_method_of_the_recipe_can_prepare_a_model_and_says_whether_it_is_an_adapter() -> None:
    assert set(METHODS) == set(dict(recipe.METHODS))
    assert {key for key, method in METHODS.items() if method.adapter} == set(recipe.ADAPTERS)


def test_partial_training_changes_the_last_layers_and_nothing_else(base: Path, tmp_path: Path) -> None:
    run = make_training(tmp_path / "run", base, method="partial", last_layers=1)
    result = train(run)
    names = changed(base, run.path / "result")
    assert {name.split(".")[2] for name in names if ".layers." in name} == {"1"}
    assert {name for name in names if ".layers." not in name} == {"model.norm.weight"}
    assert result["develop_loss_after"] < result["develop_loss_before"]


def test_partial_training_with_the_word_vectors(base: Path, tmp_path: Path) -> None:
    run = make_training(tmp_path / "run", base, method="partial", last_layers=1, train_embeddings=True, max_steps=2)
    train(run)
    assert "model.embed_tokens.weight" in changed(base, run.path / "result")


def test_more_layers_than_there_are_is_refused_with_their_number(base: Path, tmp_path: Path) -> None:
    with pytest.raises(MethodError, match="has 2 layers; 3 cannot be trained"):
        train(make_training(tmp_path / "run", base, method="partial", last_layers=3))


def test_dora_learns_magnitudes_too(base: Path, tmp_path: Path) -> None:
    run = make_training(tmp_path / "run", base, method="dora", learning_rate=5e-3)
    result = train(run)
    names = load_file(run.path / "result" / "adapter_model.safetensors")
    assert sum("lora_magnitude_vector" in name for name in names) == 14
    assert result["develop_loss_after"] < result["develop_loss_before"] - 0.01
    assert load_model(ModelRef.from_json(result["model"])).longest == 2048


def test_qlora_without_a_gpu_is_refused_with_what_to_choose(base: Path, tmp_path: Path) -> None:
    with pytest.raises(MethodError, match="choose LoRA"):
        train(make_training(tmp_path / "run", base, method="qlora"))


def test_computing_again_instead_of_remembering_gives_the_same_weights(base: Path, tmp_path: Path) -> None:
    found = []
    for again in (False, True):
        run = make_training(tmp_path / str(again), base, method="full", gradient_checkpointing=again, max_steps=4)
        train(run)
        found.append(load_file(run.path / "result" / "model.safetensors"))
    assert all(np.allclose(found[0][name], found[1][name], atol=1e-6) for name in found[0])


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_warm_start_begins_where_the_first_training_ended(base: Path, tmp_path: Path, method: str) -> None:
    first = train(make_training(tmp_path / "first", base, learning_rate=5e-3))
    run = make_training(tmp_path / "second", base, method=method)
    started_from(run, ModelRef.from_json(first["model"]))
    second = train(run)
    assert second["develop_loss_before"] == pytest.approx(first["develop_loss_after"], abs=1e-5)
    assert second["develop_loss_after"] < second["develop_loss_before"]
    again = load_model(ModelRef.from_json(second["model"]))
    assert again.model.num_parameters() > 0


def test_a_warm_start_by_another_kind_of_adapter_is_refused(base: Path, tmp_path: Path) -> None:
    first = train(make_training(tmp_path / "first", base, max_steps=1))
    run = make_training(tmp_path / "second", base, method="dora")
    started_from(run, ModelRef.from_json(first["model"]))
    with pytest.raises(MethodError, match="only be trained on by the method that made it"):
        train(run)


def started_from(run: RunDir, model: ModelRef) -> None:
    spec = run.read_spec().to_json()
    (run.path / "spec.json").unlink()
    run.write_spec(RunSpec.from_json({**spec, "model": model.to_json()}))


def test_the_best_measured_state_becomes_the_model(base: Path, tmp_path: Path) -> None:
    """What it learns is not what it is asked: the loss rises, and the state of an early measurement is the best."""
    run = make_training(
        tmp_path / "run", base, examples=misleading(), best_by="develop_loss", keep_checkpoints=1, method="full",
        learning_rate=1e-3, epochs=100.0, eval_every=5, max_steps=60,
    )  # fmt: skip
    result = train(run)
    measured = {event["step"]: event["loss"] for event in events(run, 1, "eval") if event["step"]}
    best = min(measured, key=lambda step: (measured[step], step))
    assert result["taken_step"] == best
    assert result["develop_loss_after"] == pytest.approx(measured[best], abs=1e-5)
    assert result["final_step"] == max(measured)
    assert best < result["final_step"]
    assert run.checkpoint_path(best).is_dir(), "protected, though only one is kept"


def misleading() -> list[Example]:
    """Pairs to learn that lead away from those it is measured by."""
    return [
        *(Example(id=f"t{n}", instruction=f"Count {n}", response="1 2 3 4 5 6 7 8 9") for n in range(6)),
        *(Example(id=f"d{n}", instruction=f"Ask {n}", response="window roof", part="develop") for n in range(4)),
    ]


def test_patience_ends_a_run_that_gets_no_better(base: Path, tmp_path: Path) -> None:
    run = make_training(
        tmp_path / "run", base, examples=misleading(), method="full", learning_rate=1e-3, epochs=100.0, eval_every=5,
        best_by="develop_loss", patience=2,
    )  # fmt: skip
    result = train(run)
    assert result["ended_early"] is True
    assert result["final_step"] < 300
    assert result["taken_step"] <= result["final_step"] - 10


def test_answers_can_decide_which_state_is_the_best(base: Path, tmp_path: Path) -> None:
    run = make_training(tmp_path / "run", base, eval_every=8, best_by="answers", max_steps=16)
    train(run)
    scores = [event["answers"] for event in events(run, 1, "eval") if event["step"]]
    assert len(scores) == 2
    assert all(0 <= score <= 1 for score in scores)


def test_the_best_is_the_earliest_of_equal_ones() -> None:
    best = Best.of(Recipe())
    assert [best.add(*found) for found in ((5, 2.0), (10, 1.0), (15, 1.0), (20, 3.0))] == [True, True, False, False]
    assert (best.step, best.since) == (10, 2)
    higher = Best.of(Recipe(best_by="answers", eval_every=5))
    assert [higher.add(*found) for found in ((5, 0.1), (10, 0.3))] == [True, True]


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"patience": 2}, "patience"),
        ({"patience": 2, "eval_every": 5}, "patience"),
        ({"best_by": "answers"}, "best_by"),
        ({"method": "partial", "learning_rate": 0.01}, "learning_rate"),
    ],
)
def test_what_cannot_go_together_is_named(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe(**settings)
    assert caught.value.field == field


# --- preferences --------------------------------------------------------------------------------------------------


def make_preferences(path: Path, base: Path, **settings: Any) -> RunDir:
    examples = make_examples(20, develop_every=5)
    run = make_training(path, base, examples=examples, objective="preferences", **settings)
    lines = [json.dumps({**example.to_json(), "rejected": "roof " * 6}) for example in examples]
    run.pairs_path.write_text("\n".join(lines))
    spec = run.read_spec().to_json()
    (run.path / "spec.json").unlink()
    run.write_spec(RunSpec.from_json({**spec, "data": {}}))
    return run


def test_preferences_are_learned_and_begin_at_a_coin_toss(base: Path, tmp_path: Path) -> None:
    run = make_preferences(tmp_path / "run", base, epochs=6.0, learning_rate=5e-3)
    result = train(run)
    assert result["develop_loss_before"] == pytest.approx(np.log(2), abs=1e-4)
    assert result["develop_loss_after"] < 0.5
    steps = events(run, 1, "step")
    assert steps[0]["loss"] == pytest.approx(np.log(2), abs=1e-4)
    assert steps[-1]["preferred"] == 1.0


def test_a_preference_without_a_worse_answer_is_named_with_its_line(base: Path, tmp_path: Path) -> None:
    run = make_preferences(tmp_path / "run", base)
    run.pairs_path.write_text(json.dumps(Example(id="1", instruction="a", response="b").to_json()))
    with pytest.raises(DataError, match="line 1: the text “rejected” is missing"):
        train(run)


def test_the_first_steps_equal_those_of_trls_dpo_trainer(base: Path, tmp_path: Path) -> None:
    """All weights, plain descent of the same preferences in the same order; TRL also scores what stands behind the end
    token, which a text template has not."""
    template = Template(kind="text", prompt="Q: {{instruction}}", before_response="\nA:")
    run = make_preferences(
        tmp_path / "run", base, template=template, method="full", batch_size=4, max_steps=3, learning_rate=1e-4,
        scheduler="linear", warmup_share=0.0, max_grad_norm=0.0, preference_strength=0.3,
    )  # fmt: skip
    train(run)
    ours = [event["loss"] for event in events(run, 1, "step")]
    assert ours == pytest.approx(trl_losses(base, run, tmp_path / "trl"), abs=2e-4)


def trl_losses(base: Path, run: RunDir, out: Path) -> list[float]:
    spec = run.read_spec()
    tokenizer = Tokenizer.load(base)
    data = load_preferences(run.pairs_path, "", spec.template, tokenizer, 512)
    plan = plan_batches([len(each.ids) for each in data.train], batch_size=4, accumulation=1, seed=0, epoch=0)
    rows = [json.loads(line) for line in run.pairs_path.read_text().splitlines()]
    rows = [row for row in rows if row["part"] == "train"]
    ordered = [rows[index] for batch in plan[:3] for index in batch]
    dataset = Dataset.from_list(
        [
            {"prompt": f"Q: {row['instruction']}\nA:", "chosen": row["response"], "rejected": row["rejected"]}
            for row in ordered
        ]
    )
    arguments = DPOConfig(
        output_dir=str(out), use_cpu=True, bf16=False, report_to="none", disable_tqdm=True, beta=0.3, max_steps=3,
        per_device_train_batch_size=4, learning_rate=1e-4, logging_steps=1, save_strategy="no", max_grad_norm=0.0,
        gradient_checkpointing=False,
    )  # fmt: skip

    class InOrder(DPOTrainer):
        def _get_train_sampler(self, *args: Any, **kwargs: Any) -> Any:
            return torch.utils.data.SequentialSampler(self.train_dataset)

    trainer = InOrder(
        model=LlamaForCausalLM.from_pretrained(base),
        ref_model=LlamaForCausalLM.from_pretrained(base),
        args=arguments,
        train_dataset=dataset,
        processing_class=PreTrainedTokenizerFast.from_pretrained(base),
    )
    trainer.train()
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
