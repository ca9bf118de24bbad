"""A short trial of a training on this machine: memory with the longest pairs, speed, and what the whole would take."""

from __future__ import annotations

import resource
import time
from dataclasses import replace
from typing import Any

import torch

from ml.recipe import ADAPTERS, TEXT, Recipe
from ml.rundir import RunDir
from ml.train.job import TrainingJob, prepare, weights
from ml.train.machine import memory_at_most
from ml.train.run import make_trainer
from ml.train.stopping import Stopper
from ml.train.texts import TOKENS

_STEPS_AT_LEAST = 2
_BATCHES = 50


def probe_method(run: RunDir, method: str, seconds: float) -> dict[str, Any]:
    """Train a prepared run for about `seconds` by one method, and throw the result away.

    1. A step with the longest pairs: the most memory it will ever need. 2. Steps with pairs of every length until the
    time is over: its speed. Bytes, seconds, tokens a second; `whole_seconds` foretells the whole training without
    what is measured and saved on the way.
    """
    spec = run.read_spec()
    assert spec.recipe is not None
    recipe = by_method(spec.recipe, method)
    part = RunDir(run.path / f"by-{method}")
    part.path.mkdir(exist_ok=True)
    assert spec.data is not None
    _share(run, part, spec.data.pairs)
    _share(run, part, TOKENS)
    part.write_spec(replace(spec, recipe=recipe))
    with part.start_attempt(1) as attempt:
        job = prepare(part, attempt, Stopper())
        _share(part, run, TOKENS)  # the next method need not encode a corpus again
        return _measure(job, recipe, seconds)


def _share(giver: RunDir, taker: RunDir, name: str) -> None:
    if (giver.path / name).is_file() and not (taker.path / name).exists():
        (taker.path / name).hardlink_to(giver.path / name)


def by_method(recipe: Recipe, method: str) -> Recipe:
    """The recipe with another method, and the learning rate that goes with it."""
    adapters = (recipe.method in ADAPTERS, method in ADAPTERS)
    rate = recipe.learning_rate * {(True, False): 0.1, (False, True): 10.0}.get(adapters, 1.0)
    return replace(recipe, method=method, learning_rate=min(rate, 0.1))


def _measure(job: TrainingJob, recipe: Recipe, seconds: float) -> dict[str, Any]:
    text = recipe.objective == TEXT
    trainer = make_trainer(job)
    trainer.create_optimizer()
    batches = _batches(job)
    began, tokens, steps = time.monotonic(), 0, 0
    while steps < _STEPS_AT_LEAST or time.monotonic() - began < seconds:
        if steps == 1:
            began, tokens = time.monotonic(), 0  # the first one warms up
        batch = batches[steps % len(batches)]
        tokens += _step(trainer, batch, recipe)
        steps += 1
        if steps > 1 and steps >= len(batches):
            break
    took = max(time.monotonic() - began, 1e-9)
    trained, whole = weights(job.loaded.model)
    speed = tokens / took
    lengths = [recipe.block_tokens] if text else [len(sample.ids) for sample in job.data.train]
    a_step = recipe.batch_size * recipe.accumulation
    seen = sum(lengths) / len(lengths) * min(recipe.epochs * len(job.data.train), job.steps * a_step)
    memory = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else _peak()
    saved = trained if recipe.method in ADAPTERS else whole
    return {
        "method": recipe.method,
        "memory": memory,
        "memory_at_most": memory_at_most(),
        "tokens_per_second": round(speed, 2),
        "whole_seconds": round(seen / speed, 1),
        "whole_steps": job.steps,
        "checkpoint_bytes": (saved + 2 * trained) * 4,
        "trained_weights": trained,
        "weights": whole,
        "longest": max(lengths),
        "steps": steps,
        "precision": job.precision,
        "packing": job.packing,
        "device": "GPU" if job.loaded.device.type == "cuda" else "CPU",
    }


def _batches(job: TrainingJob) -> list[list[Any]]:
    """The longest pairs of all first, then pairs of every length. Blocks of a text are all of one length."""
    size = job.recipe.batch_size
    if job.recipe.objective == TEXT:
        blocks = job.data.train[: size * _BATCHES]
        return [list(blocks[at : at + size]) for at in range(0, len(blocks), size)]
    ordered = sorted(job.data.train, key=lambda sample: -len(sample.ids))
    strides = max(1, len(ordered) // size)
    return [ordered[:size], *(ordered[start::strides][:size] for start in range(min(strides, _BATCHES)))]


def _step(trainer: Any, samples: list[Any], recipe: Recipe) -> int:
    batch = trainer._prepare_inputs(trainer.data_collator(samples))
    trainer.model.train()
    trainer.compute_loss(trainer.model, batch).backward()
    torch.nn.utils.clip_grad_norm_(trainer.model.parameters(), recipe.max_grad_norm or 1e9)
    trainer.optimizer.step()
    trainer.optimizer.zero_grad()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return int(batch["tokens"])


def _peak() -> int:
    """The most memory that this process ever held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
