"""Pretraining: every token predicted once, perplexity and bits per byte as others compute them, exact resume."""

from __future__ import annotations

import json
import math
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from ml.hashing import file_sha256
from ml.loading import load_model
from ml.probe import probe_method
from ml.prompting import Template, Tokenizer
from ml.recipe import TEXT, Recipe, RecipeError
from ml.rundir import DataRef, RunDir, RunSpec
from ml.scratch import make_scratch
from ml.sizes import SIZES
from ml.store import ModelRef
from ml.tiny import make_tiny_model
from ml.train.data import DataError
from ml.train.run import run_training
from ml.train.stopping import Stopper
from ml.train.texts import load_texts
from ml.train.trainer import TrainingError
from tests.ml.runs import LIBRARY_WARNINGS, events, finish, kill, start, wait_for_step

pytestmark = pytest.mark.filterwarnings(*LIBRARY_WARNINGS)

PARTS = ("train", "train", "heldout", "train", "heldout")
SENTENCES = [f"The {one} is {other}; a <|im_end|> in a text is text. Ünïcode 屋根." for one in
             ("roof", "wall", "floor", "window", "door") for other in ("old", "new", "long", "cut")]  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("base"))


def write_texts(path: Path) -> Path:
    rows = [{"id": str(n), "text": "\n".join(SENTENCES[n::5] * 6), "part": part} for n, part in enumerate(PARTS)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def make_pretraining(path: Path, model: Path, **settings: Any) -> RunDir:
    path.mkdir(parents=True)
    texts = write_texts(path / "texts.jsonl")
    small = {"precision": "float32", "batch_size": 4, "learning_rate": 3e-3, "threads": 1, "block_tokens": 32}
    spec = RunSpec(
        kind="train",
        run_id="r1",
        model=ModelRef.of(model),
        template=Template(kind="text", prompt="{{instruction}}"),
        recipe=Recipe(**{"objective": TEXT, "method": "full", "epochs": 2.0, **small, **settings}),
        data=DataRef(pairs="texts.jsonl", sha256=file_sha256(texts), dataset_version="c1", counts={"train": 3}),
        sample_prompts=("The roof",),
        provenance={"name": "Roofs"},
    )
    run = RunDir(path)
    run.write_spec(spec)
    return run


def train(run: RunDir) -> dict[str, Any]:
    with run.start_attempt(1) as attempt:
        result = run_training(run, attempt, Stopper())
    assert result is not None
    return result


def heldout_texts() -> list[str]:
    return ["\n".join(SENTENCES[n::5] * 6) for n, part in enumerate(PARTS) if part == "heldout"]


def test_blocks_hold_the_whole_text_and_predict_each_token_once(base: Path, tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(base)
    recipe = Recipe(objective=TEXT, block_tokens=32)
    data = load_texts(write_texts(tmp_path / "texts.jsonl"), "", tokenizer, recipe)
    predicted = [label for block in data.train for label in block.labels if label >= 0]
    texts = ["\n".join(SENTENCES[n::5] * 6) for n, part in enumerate(PARTS) if part == "train"]
    assert tokenizer.decode(predicted) == "".join(text + "<|im_end|>" for text in texts)
    assert predicted.count(tokenizer.eos_id) == 3  # those that stand in a text are text
    assert all(len(block.ids) == 33 for block in data.train[:-1])
    assert all(one.ids[-1] == other.ids[0] for one, other in zip(data.train, data.train[1:], strict=False))


def test_held_out_text_is_cut_at_whole_characters(base: Path, tmp_path: Path) -> None:
    whole = len("".join(heldout_texts()).encode())
    path = write_texts(tmp_path / "texts.jsonl")
    for asked, taken in ((10**6, whole), (155, 155), (100, 100)):
        data = load_texts(path, "", Tokenizer.load(base), Recipe(objective=TEXT, heldout_bytes=asked))
        assert taken - 3 <= data.heldout_bytes <= taken
        assert data.heldout_tokens == sum(label >= 0 for block in data.develop for label in block.labels)


@pytest.mark.slow
def test_bits_per_byte_equal_those_that_the_model_library_gives(base: Path, tmp_path: Path) -> None:
    """The whole held-out text, block by block through the library's own loss, summed by hand."""
    run = make_pretraining(tmp_path / "run", base, max_steps=3)
    result = train(run)
    model = AutoModelForCausalLM.from_pretrained(result["model"]["path"])
    tokenizer = AutoTokenizer.from_pretrained(base)
    texts = heldout_texts()
    ids = [tokenizer.eos_token_id]
    for text in texts:
        ids += tokenizer(text, split_special_tokens=True, add_special_tokens=False)["input_ids"]
        ids.append(tokenizer.eos_token_id)
    total = 0.0
    with torch.no_grad():
        for at in range(0, len(ids) - 1, 32):
            block = torch.tensor([ids[at : at + 33]])
            total += float(model(input_ids=block, labels=block).loss) * (block.shape[1] - 1)
    size = sum(len(text.encode()) for text in texts)
    assert result["bits_per_byte_after"] == pytest.approx(total / math.log(2) / size, rel=1e-5)
    assert result["perplexity_after"] == pytest.approx(math.exp(total / (len(ids) - 1)), rel=1e-5)
    told = events(run, 1, "eval")[-1]
    assert told["bits_per_byte"] == result["bits_per_byte_after"]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_pretraining_makes_a_base_model_that_stands_alone(base: Path, tmp_path: Path, method: str) -> None:
    result = train(make_pretraining(tmp_path / "run", base, method=method))
    assert result["bits_per_byte_after"] < result["bits_per_byte_before"] - 0.05
    assert result["model"]["adapter"] is None
    folder = Path(result["model"]["path"])
    assert not (folder / "adapter_config.json").exists()
    about = json.loads((folder / "apprentice.json").read_text())
    assert (about["kind"], about["name"], about["dataset_version"]) == ("base", "Roofs", "c1")
    assert "Bits per byte of held-out text" in (folder / "README.md").read_text()
    load_model(ModelRef.from_json(result["model"]))


@pytest.mark.slow
def test_it_ends_early_and_goes_back_to_the_state_with_the_lowest_loss(base: Path, tmp_path: Path) -> None:
    settings = {"learning_rate": 0.1, "scheduler": "constant", "epochs": 9.0, "save_every": 1}
    run = make_pretraining(
        tmp_path / "run", base, best_by="develop_loss", eval_every=1, patience=2, keep_checkpoints=1, **settings
    )
    result = train(run)
    losses = {event["step"]: event["loss"] for event in events(run, 1, "eval")}
    measured = {step: loss for step, loss in losses.items() if step}
    best = min(measured, key=lambda step: measured[step])
    assert result["ended_early"] is True
    assert (result["taken_step"], result["final_step"]) == (best, best + 2)
    assert result["develop_loss_after"] == pytest.approx(measured[best], rel=1e-5)
    with pytest.raises(RecipeError, match="lowest loss instead"):
        Recipe(objective=TEXT, best_by="answers", eval_every=1)


def test_a_trial_tells_what_a_pretraining_takes(base: Path, tmp_path: Path) -> None:
    run = make_pretraining(tmp_path / "run", base, epochs=50.0)
    found = [probe_method(run, method, 0.2) for method in ("full", "lora")]
    assert [trial["method"] for trial in found] == ["full", "lora"]
    assert found[0]["trained_weights"] > found[1]["trained_weights"]
    assert all(trial["longest"] == 32 and trial["tokens_per_second"] > 0 for trial in found)
    data = load_texts(run.path / "texts.jsonl", "", Tokenizer.load(base), Recipe(objective=TEXT, block_tokens=32))
    seen = found[0]["whole_seconds"] * found[0]["tokens_per_second"]
    assert seen == pytest.approx(50 * len(data.train) * 32, rel=0.2)


@pytest.mark.slow
def test_killed_and_resumed_equals_unbroken(base: Path, tmp_path: Path) -> None:
    settings = {"save_every": 4, "epochs": 3.0}
    whole = make_pretraining(tmp_path / "whole", base, **settings)
    train(whole)
    run = make_pretraining(tmp_path / "run", base, **settings)
    process = start("train", run, 1)
    wait_for_step(run, 1, 6, process)
    kill(process)
    assert run.read_done() is None
    process = start("train", run, 2)
    assert finish(process) == 0
    done = run.read_done()
    assert done is not None
    assert done["resumed_from"] is not None
    assert [(run.path / "result" / name).read_bytes() == (whole.path / "result" / name).read_bytes()
            for name in ("model.safetensors", "tokenizer.json")] == [True, True]  # fmt: skip
    assert process.returncode != -signal.SIGKILL


def test_what_cannot_be_trained_on_is_said(base: Path, tmp_path: Path) -> None:
    run = make_pretraining(tmp_path / "long", base, block_tokens=4096)
    with pytest.raises(TrainingError, match="set the block of text to 2047 or less"):
        train(run)
    run = make_pretraining(tmp_path / "changed", base)
    (run.path / "texts.jsonl").write_text("")
    with pytest.raises(DataError, match="has changed"):
        train(run)
    path = tmp_path / "texts.jsonl"
    for line, reason in (('{"text": 3}', "line 1: a text needs"), ("{", "line 1: not valid JSON"), ("", "nothing to")):
        path.write_text(line)
        with pytest.raises(DataError, match=reason):
            load_texts(path, "", Tokenizer.load(base), Recipe(objective=TEXT))


@pytest.mark.slow
def test_a_model_from_nothing_but_a_corpus(tmp_path: Path) -> None:
    texts = write_texts(tmp_path / "texts.jsonl")
    facts = make_scratch(texts, tmp_path / "one", name="New", size="tiny", vocabulary=300)
    again = make_scratch(texts, tmp_path / "two", name="New", size="tiny", vocabulary=300)
    assert facts == again
    assert ModelRef.of(tmp_path / "one").fingerprint == facts["fingerprint"]
    full = make_scratch(write_long(tmp_path / "long.jsonl"), tmp_path / "full", name="New", size="tiny")
    assert full["parameters"] == SIZES["tiny"].parameters
    result = train(make_pretraining(tmp_path / "run", tmp_path / "one", epochs=10.0))
    assert result["bits_per_byte_after"] < result["bits_per_byte_before"] / 2
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(DataError, match="no text"):
        make_scratch(tmp_path / "empty.jsonl", tmp_path / "none", name="New", size="tiny")
    assert not (tmp_path / "none").exists()


def write_long(path: Path) -> Path:
    """Enough different words for a whole vocabulary."""
    text = " ".join(f"w{n * 7919 % 10007:x}o{n % 97}" for n in range(6000))
    path.write_text(json.dumps({"id": "1", "text": text, "part": "train"}), encoding="utf-8")
    return path
