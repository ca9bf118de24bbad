"""Training speed: our engine beside TRL's SFTTrainer with its defaults, on the GPU where one is, and the turning into
tokens.

    python -m benchmarks training

Needs the starter model and the demo pairs (`make up` fetches them), or APPRENTICE_BENCH_MODEL and
APPRENTICE_BENCH_PAIRS (JSONL with instruction and output). Same model, same pairs, same examples a batch, same learning
rate and one pass over the pairs for both; tokens are counted alike: all that are not padding. Each measurement is a
process of its own and leaves out its first two steps. The loss is that on pairs neither has seen, measured alike. On a
GPU let it take more steps: BENCH_TRAINED=440. `benchmarks.gpu` measures more there, with models made up.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.places import ROOT, demo_pairs, starter_model
from benchmarks.rows import Row, count_from

BATCH = count_from("BENCH_BATCH", 8)
TRAIN, HELD_OUT = count_from("BENCH_TRAINED", 96), 32
LEARNING_RATE = {"lora": 2e-4, "full": 2e-5}
ENCODED = 100_000
_WARM_UP = 2
_FACTOR = 2.0
_SAME_LOSS = 0.02  # relative
_ENCODE_SECONDS = 60.0


def rows() -> Iterator[Row]:
    """Tokens per second of both, for LoRA and full training; the budget is their ratio at equal loss."""
    model, pairs = starter_model(), demo_pairs()
    if model is None or pairs is None or not pairs.exists():
        yield Row("training on CPU", "not measured: no starter model or demo pairs", f"≥ {_FACTOR:g}× TRL")
        return
    for method in ("lora", "full"):
        ours = _measure("ours", method, model, pairs)
        theirs = _measure("trl", method, model, pairs)
        ratio = ours["speed"] / theirs["speed"]
        yield Row(
            f"training on {ours['where']}, {method}, {model.name}",
            f"{ours['speed']:.0f} tokens/s ({ours['precision']})",
            f"≥ {_FACTOR:g}× TRL at equal loss",
            f"TRL {theirs['speed']:.0f}: {ratio:.2f}×; held-out loss {ours['loss']:.3f}, TRL {theirs['loss']:.3f}",
            ratio >= _FACTOR and ours["loss"] <= theirs["loss"] * (1 + _SAME_LOSS),
        )
    found = _measure("encode", "", model, pairs)
    yield Row(
        f"{ENCODED:,} pairs to tokens, first time; from the cache",
        f"{found['first']:.1f} s; {found['again']:.1f} s",
        f"≤ {_ENCODE_SECONDS:g} s",
        held=found["first"] <= _ENCODE_SECONDS,
    )


def _measure(who: str, method: str, model: Path, pairs: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.training", who, method, str(model), str(pairs)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"The measurement {who} {method} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def _read(pairs: Path) -> list[dict[str, Any]]:
    if pairs.suffix == ".whl":
        with zipfile.ZipFile(pairs) as archive:
            name = next(name for name in archive.namelist() if name.endswith("faq-en-alpaca.jsonl"))
            text = archive.read(name).decode()
    else:
        text = pairs.read_text(encoding="utf-8")
    found = [json.loads(line) for line in text.splitlines() if line.strip()]
    return [{"instruction": row["instruction"], "response": row["output"]} for row in found]


def ours(method: str, model: Path, pairs: Path, out: Path) -> dict[str, Any]:
    from ml.prompting import Example, Template
    from ml.recipe import Recipe
    from ml.rundir import DataRef, RunDir, RunSpec
    from ml.store import ModelRef
    from ml.train.run import run_training
    from ml.train.stopping import Stopper

    run = RunDir(out / "run")
    recipe = Recipe(
        method=method, epochs=1.0, batch_size=BATCH, learning_rate=LEARNING_RATE[method], max_tokens=1024,
        scheduler="linear", warmup_share=0.0, save_every=10_000,
        precision=os.environ.get("APPRENTICE_BENCH_PRECISION", "auto"),
    )  # fmt: skip
    run.write_spec(RunSpec("train", "bench", ModelRef.of(model), Template(), recipe=recipe, data=DataRef()))
    examples = [Example(id=str(number), **row) for number, row in enumerate(_read(pairs)[:TRAIN])]
    run.pairs_path.write_text("".join(json.dumps(example.to_json()) + "\n" for example in examples))
    with run.start_attempt(1) as attempt:
        result = run_training(run, attempt, Stopper())
    assert result is not None
    steps = [event for event in run.read_events(1) if event["type"] == "step"]
    first, last = steps[_WARM_UP - 1], steps[-1]
    speed = (last["tokens"] - first["tokens"]) / (last["time"] - first["time"])
    from ml.loading import load_model

    loss = held_out_loss(load_model(ModelRef.from_json(result["model"])).model, model, pairs)
    return {"speed": speed, "loss": loss, "precision": result["precision"], "where": where()}


def trl(method: str, model: Path, pairs: Path, out: Path) -> dict[str, Any]:
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    marks: list[tuple[float, float]] = []

    class Watch(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
            if logs and "num_tokens" in logs and "loss" in logs:
                marks.append((time.perf_counter(), float(logs["num_tokens"])))

    data = Dataset.from_list(
        [
            {
                "prompt": [{"role": "user", "content": row["instruction"]}],
                "completion": [{"role": "assistant", "content": row["response"]}],
            }
            for row in _read(pairs)[:TRAIN]
        ]
    )
    # TRL's defaults, but where there is no GPU for the two that need one.
    processor_only: dict[str, Any] = {"use_cpu": True, "bf16": False} if where() == "CPU" else {}
    settings = SFTConfig(
        output_dir=str(out), **processor_only, per_device_train_batch_size=BATCH, num_train_epochs=1,
        learning_rate=LEARNING_RATE[method], logging_steps=1, save_strategy="no", report_to="none",
    )  # fmt: skip
    lora = LoraConfig(task_type="CAUSAL_LM", r=16, lora_alpha=32, target_modules="all-linear")
    trainer = SFTTrainer(
        model=str(model),
        args=settings,
        train_dataset=data,
        peft_config=lora if method == "lora" else None,
        callbacks=[Watch()],
    )
    trainer.train()
    (start, tokens_start), (end, tokens_end) = marks[_WARM_UP - 1], marks[-1]
    loss = held_out_loss(trainer.model, model, pairs)
    return {"speed": (tokens_end - tokens_start) / (end - start), "loss": loss}


def where() -> str:
    """The GPU by its name, or "CPU"."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"


def held_out_loss(trained: Any, model: Path, pairs: Path) -> float:
    """Nats a response token over pairs that were not trained."""
    from ml.prompting import Example, Template, Tokenizer, encode_pair
    from ml.sample import Sample
    from ml.score import score_samples

    tokenizer = Tokenizer.load(model)
    rows = _read(pairs)[TRAIN : TRAIN + HELD_OUT]
    encoded = [encode_pair(Example(id=str(n), **row), Template(), tokenizer, 1024) for n, row in enumerate(rows)]
    scores = score_samples(trained, [Sample(pair.ids, pair.labels) for pair in encoded], pad_id=tokenizer.pad_id)
    return sum(score.total for score in scores) / sum(score.tokens for score in scores)


def _encode(_method: str, model: Path, pairs: Path, out: Path) -> dict[str, Any]:
    """The demo pairs, made different and many, as a run finds them: turned into tokens, and once more."""
    from ml.hashing import file_sha256
    from ml.prompting import Example, Template, Tokenizer
    from ml.train.data import load_data

    rows = _read(pairs)
    with (out / "pairs.jsonl").open("w", encoding="utf-8") as file:
        for number in range(ENCODED):
            row = rows[number % len(rows)]
            example = Example(id=str(number), **{**row, "instruction": f"{number}: {row['instruction']}"})
            file.write(json.dumps(example.to_json()) + "\n")
    os.environ["APPRENTICE_TOKEN_CACHE"] = str(out / "tokens")
    digest = file_sha256(out / "pairs.jsonl")
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        data = load_data(out / "pairs.jsonl", digest, Template(), Tokenizer.load(model), 1024)
        seconds.append(time.perf_counter() - start)
    assert len(data.train) == ENCODED
    return {"first": seconds[0], "again": seconds[1]}


if __name__ == "__main__":
    asked, how, at, data_at = sys.argv[1:5]
    os.environ["HF_HUB_OFFLINE"] = "1"
    with tempfile.TemporaryDirectory() as scratch:
        work = {"ours": ours, "trl": trl, "encode": _encode}[asked]
        found = work(how, Path(at), Path(data_at), Path(scratch))
    print(json.dumps(found))
