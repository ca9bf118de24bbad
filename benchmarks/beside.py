"""A training under way on this machine, started as a worker starts it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.places import ROOT
from benchmarks.samples import samples
from config.embedded.children import start_child, stop_child
from ml.prompting import Example, Template
from ml.recipe import Recipe
from ml.rundir import DataRef, RunDir, RunSpec
from ml.store import ModelRef

START_SECONDS = 180.0
STEPS = 10_000  # it is stopped long before


@contextmanager
def training_beside(folder: Path, model: Path) -> Iterator[None]:
    """From its first step on until the block is left. Raises RuntimeError if it does not come so far."""
    run = RunDir(folder)
    recipe = Recipe(method="lora", max_steps=STEPS, batch_size=8, save_every=STEPS)
    run.write_spec(RunSpec("train", "bench", ModelRef.of(model), Template(), recipe=recipe, data=DataRef()))
    examples = [
        Example(id=str(number), instruction=pair.instruction, input=pair.input, response=pair.response)
        for number, pair in enumerate(samples(500, seed=5))
    ]
    run.pairs_path.write_text("".join(json.dumps(example.to_json()) + "\n" for example in examples))
    log = folder / "output.log"
    argv = [sys.executable, "-m", "ml", "train", folder, "--attempt", "1"]
    process = start_child(argv, log=log, cwd=ROOT)
    try:
        await_step(run, process, log)
        yield
    finally:
        stop_child(process, [(signal.SIGKILL, 5.0)])


def await_step(run: RunDir, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    events = run.attempt_path(1) / "events.jsonl"
    while not (events.exists() and '"type": "step"' in events.read_text().replace('"type":"', '"type": "')):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The training did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.5)
