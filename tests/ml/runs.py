"""Run directories for the tests of training and generation: tiny models, made-up pairs, real processes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ml.hashing import file_sha256
from ml.prompting import Example, Template
from ml.recipe import Recipe
from ml.rundir import DataRef, GenerateSettings, RunDir, RunSpec
from ml.store import ModelRef

ROOT = Path(__file__).parents[2]
_WORDS = ("floor", "wall", "roof", "window", "order", "deliver", "measure", "cut", "yes", "no", "long", "short")

# Both libraries warn about each other's names; neither warning concerns what is tested.
LIBRARY_WARNINGS = (
    "ignore:.*is_gradient_checkpointing.*:FutureWarning",
    "ignore:.*gradient_checkpointing.*:FutureWarning",
    "ignore:.*torch.jit.*:DeprecationWarning",
)


def make_examples(count: int, *, develop_every: int = 5, seed: int = 0) -> list[Example]:
    """Pairs of random words with ids "0", "1", …; every `develop_every`-th one is in the part develop."""
    chance = random.Random(seed)
    return [
        Example(
            id=str(number),
            instruction="What is " + " ".join(chance.choices(_WORDS, k=chance.randint(2, 12))) + "?",
            response=" ".join(chance.choices(_WORDS, k=chance.randint(1, 20))) + ".",
            part="train" if number % develop_every else "develop",
        )
        for number in range(count)
    ]


def write_examples(path: Path, examples: list[Example]) -> None:
    path.write_text("".join(json.dumps(example.to_json()) + "\n" for example in examples), encoding="utf-8")


def make_training(
    path: Path,
    model: Path,
    *,
    examples: list[Example] | None = None,
    samples: tuple[str, ...] = (),
    template: Template | None = None,
    **settings: Any,
) -> RunDir:
    """A run directory for a short training in float32; `settings` are those of the recipe."""
    path.mkdir(parents=True)
    write_examples(path / "pairs.jsonl", examples or make_examples(60))
    settings = {"precision": "float32", "batch_size": 2, "learning_rate": 1e-3, "epochs": 1.0, "threads": 1, **settings}
    spec = RunSpec(
        kind="train",
        run_id="r1",
        model=ModelRef.of(model),
        template=template or Template(),
        recipe=Recipe(**settings),
        data=DataRef(sha256=file_sha256(path / "pairs.jsonl"), dataset_version="v1", counts={"train": 48}),
        sample_prompts=samples,
        provenance={"asked_by": "a test"},
    )
    run = RunDir(path)
    run.write_spec(spec)
    return run


def make_generation(path: Path, ref: ModelRef, examples: list[Example], **settings: Any) -> RunDir:
    path.mkdir(parents=True)
    write_examples(path / "items.jsonl", examples)
    generate = GenerateSettings(**{"max_new_tokens": 12, "threads": 1, **settings})
    run = RunDir(path)
    run.write_spec(RunSpec(kind="generate", run_id="g1", model=ref, template=Template(), generate=generate))
    return run


def start(
    kind: str, run: RunDir, attempt: int, *, pass_fds: tuple[int, ...] = (), **environment: str
) -> subprocess.Popen[bytes]:
    """Start `python -m ml train|generate` the way a worker does, output to a file."""
    command = [sys.executable, "-m", "ml", kind, str(run.path), "--attempt", str(attempt)]
    with (run.path / f"output-{attempt}.log").open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=pass_fds,
            start_new_session=True,
        )


def finish(process: subprocess.Popen[bytes], seconds: float = 90) -> int:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def wait_for_step(run: RunDir, attempt: int, step: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until an attempt tells of a step; fails when the process ends before."""
    for _ in range(9000):
        if any(event.get("step") == step and event["type"] == "step" for event in run.read_events(attempt)):
            return
        assert process.poll() is None, (run.path / f"output-{attempt}.log").read_text()
        time.sleep(0.01)
    raise AssertionError(f"step {step} never came")


def kill(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def events(run: RunDir, attempt: int, kind: str) -> list[dict[str, Any]]:
    return [event for event in run.read_events(attempt) if event["type"] == kind]
