"""Training speed on one GPU, ours beside TRL's defaults, without a database.

    python -m benchmarks.gpu_training [MODEL_FOLDER] [--pairs PAIRS.jsonl] [--batch 8] [--steps 40] [--method lora|full]

Without MODEL_FOLDER a random model of SmolLM2-135M's shape is made (`--shape 360m` and `1b` make bigger ones): speed
does not depend on what a model knows. PAIRS is JSONL with instruction and output; without it, made-up pairs of mixed
lengths. Where TRL is missing its defaults are rebuilt on the model library's Trainer: bf16, gradient checkpointing,
padding, rows in random order. Each side is a process of its own and leaves out its first steps. Prints a JSON object.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
WARM_UP = 5
RATE = {"lora": 2e-4, "full": 2e-5}
SHAPES = {
    "135m": {"hidden_size": 576, "layers": 30, "heads": 9, "keys": 3, "inner": 1536},
    "360m": {"hidden_size": 960, "layers": 32, "heads": 15, "keys": 5, "inner": 2560},
    "1b": {"hidden_size": 2048, "layers": 16, "heads": 32, "keys": 8, "inner": 8192},
}
WORDS = ("floor", "wall", "roof", "window", "order", "deliver", "measure", "cut", "long", "short", "when", "where")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?", default="")
    parser.add_argument("--pairs", default="")
    parser.add_argument("--shape", choices=list(SHAPES), default="135m")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--method", choices=["lora", "full"], action="append", default=[])
    parser.add_argument("--side", choices=["ours", "trl"], help="for this script's own use")
    options = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    if options.side:
        work = {"ours": ours, "trl": theirs}[options.side]
        with tempfile.TemporaryDirectory() as scratch:
            print(json.dumps(work(options, Path(scratch))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        model = options.model or str(make_model(Path(scratch) / "model", options.shape))
        pairs = options.pairs or str(make_pairs(Path(scratch) / "pairs.jsonl", options.batch * (options.steps + 1)))
        found = {method: compared(options, model, pairs, method) for method in options.method or ["lora", "full"]}
    print(json.dumps({"machine": machine(), "batch": options.batch, "steps": options.steps, **found}, indent=2))


def compared(options: argparse.Namespace, model: str, pairs: str, method: str) -> dict[str, Any]:
    sides = {side: measured(options, model, pairs, method, side) for side in ("ours", "trl")}
    speeds = [sides[side].get("tokens_per_second") for side in ("ours", "trl")]
    ratio = round(speeds[0] / speeds[1], 2) if speeds[0] and speeds[1] else None
    return {**sides, "ratio": ratio}


def measured(options: argparse.Namespace, model: str, pairs: str, method: str, side: str) -> dict[str, Any]:
    words = [model, "--pairs", pairs, "--batch", str(options.batch), "--steps", str(options.steps), "--method", method]
    command = [sys.executable, "-m", "benchmarks.gpu_training", *words, "--side", side]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": done.stderr[-1500:]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def ours(options: argparse.Namespace, out: Path) -> dict[str, Any]:
    import torch

    from ml.prompting import Example, Template
    from ml.recipe import Recipe
    from ml.rundir import DataRef, RunDir, RunSpec
    from ml.store import ModelRef
    from ml.train.run import run_training
    from ml.train.stopping import Stopper

    method = options.method[0]
    run = RunDir(out / "run")
    recipe = Recipe(
        method=method, max_steps=options.steps, epochs=100.0, batch_size=options.batch, learning_rate=RATE[method],
        max_tokens=1024, scheduler="linear", warmup_share=0.0, save_every=10_000,
    )  # fmt: skip
    spec = RunSpec("train", "gpu", ModelRef.of(options.model), Template(), recipe=recipe, data=DataRef())
    run.write_spec(spec)
    examples = [Example(id=str(number), **row) for number, row in enumerate(read(Path(options.pairs)))]
    run.pairs_path.write_text("".join(json.dumps(example.to_json()) + "\n" for example in examples))
    with run.start_attempt(1) as attempt:
        result = run_training(run, attempt, Stopper())
    assert result is not None
    steps = [event for event in run.read_events(1) if event["type"] == "step"]
    padded = [event["message"] for event in run.read_events(1) if event.get("name") == "padding"]
    first, last = steps[WARM_UP - 1], steps[-1]
    return {
        "tokens_per_second": (last["tokens"] - first["tokens"]) / (last["time"] - first["time"]),
        "last_losses": sum(step["loss"] for step in steps[-8:]) / 8,
        "precision": result["precision"],
        "packed": not padded,
        "peak_memory": torch.cuda.max_memory_allocated(),
    }


def theirs(options: argparse.Namespace, out: Path) -> dict[str, Any]:
    import torch
    from peft import LoraConfig, get_peft_model
    from torch.utils.data import Dataset
    from transformers import AutoModelForCausalLM, Trainer, TrainerCallback, TrainingArguments

    from ml.prompting import Example, Template, Tokenizer, encode_pair
    from ml.score import Sample, pad_right

    tokenizer = Tokenizer.load(options.model)
    rows = read(Path(options.pairs))
    encoded = [encode_pair(Example(id="1", **row), Template(), tokenizer, 1024) for row in rows]
    samples = [Sample(pair.ids, pair.labels) for pair in encoded if pair.usable]
    method, marks, losses = options.method[0], [], []
    tokens = {"seen": 0}

    class Rows(Dataset):
        def __len__(self) -> int:
            return len(samples)

        def __getitem__(self, index: int) -> Sample:
            return samples[index]

    def collate(batch: list[Sample]) -> dict[str, Any]:
        tokens["seen"] += sum(len(sample.ids) for sample in batch)
        inputs, labels = pad_right(batch, tokenizer.pad_id)
        return {**inputs, "labels": labels}

    class Watch(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            torch.cuda.synchronize()
            marks.append((time.perf_counter(), tokens["seen"]))

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
            if logs and "loss" in logs:
                losses.append(logs["loss"])

    lora = LoraConfig(task_type="CAUSAL_LM", r=16, lora_alpha=32, target_modules="all-linear")
    common: dict[str, Any] = {
        "output_dir": str(out), "per_device_train_batch_size": options.batch, "max_steps": options.steps,
        "learning_rate": RATE[method], "bf16": True, "gradient_checkpointing": True, "logging_steps": 10,
        "save_strategy": "no", "report_to": "none", "disable_tqdm": True,
    }  # fmt: skip
    if importlib.util.find_spec("trl"):
        trainer: Any = with_trl(options, rows, common, lora if method == "lora" else None, Watch(), tokens, samples)
        how = "TRL"
    else:
        model: Any = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)
        if method == "lora":
            model.enable_input_require_grads()
            model = get_peft_model(model, lora)
        arguments = TrainingArguments(**common, remove_unused_columns=False, label_names=["labels"])
        trainer = Trainer(model=model, args=arguments, train_dataset=Rows(), data_collator=collate, callbacks=[Watch()])
        how = "Trainer with TRL's defaults"
    trainer.train()
    (start, before), (end, after) = marks[WARM_UP - 1], marks[-1]
    return {
        "tokens_per_second": (after - before) / (end - start),
        "last_losses": losses[-1] if losses else None,
        "how": how,
        "peak_memory": torch.cuda.max_memory_allocated(),
    }


def with_trl(
    options: argparse.Namespace, rows: list[dict[str, str]], common: dict[str, Any], lora: Any, watch: Any,
    tokens: dict[str, int], samples: list[Any],
) -> Any:  # fmt: skip
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    data = Dataset.from_list(
        [
            {
                "prompt": [{"role": "user", "content": row["instruction"]}],
                "completion": [{"role": "assistant", "content": row["response"]}],
            }
            for row in rows
        ]
    )
    trainer = SFTTrainer(
        model=options.model, args=SFTConfig(**common), train_dataset=data, peft_config=lora, callbacks=[watch]
    )
    collate = trainer.data_collator

    def counting(batch: list[dict[str, Any]]) -> Any:
        tokens["seen"] += sum(len(row["input_ids"]) for row in batch)
        return collate(batch)

    trainer.data_collator = counting
    return trainer


def read(path: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [{"instruction": row["instruction"], "response": row["output"]} for row in rows]


def make_pairs(path: Path, count: int) -> Path:
    """Pairs whose lengths spread as those of real ones do: many short, some long."""
    chance = random.Random(0)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(count):
            lengths = [int(min(400, chance.lognormvariate(middle, 0.6))) + 2 for middle in (2.7, 3.9)]
            question, answer = (" ".join(chance.choices(WORDS, k=length)) for length in lengths)
            file.write(json.dumps({"instruction": question, "output": answer}) + "\n")
    return path


def make_model(folder: Path, shape: str) -> Path:
    """A random Llama of that shape with a small tokenizer and a vocabulary of 49,152 rows."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from ml.tiny import make_tiny_model

    make_tiny_model(folder)
    size = SHAPES[shape]
    config = LlamaConfig(
        vocab_size=49_152, hidden_size=size["hidden_size"], intermediate_size=size["inner"],
        num_hidden_layers=size["layers"], num_attention_heads=size["heads"], num_key_value_heads=size["keys"],
        max_position_embeddings=2048, bos_token_id=1, eos_token_id=2, pad_token_id=2, tie_word_embeddings=True,
    )  # fmt: skip
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def machine() -> dict[str, str]:
    import torch
    import transformers

    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return {"gpu": name, "torch": torch.__version__, "transformers": transformers.__version__}


if __name__ == "__main__":
    main()
