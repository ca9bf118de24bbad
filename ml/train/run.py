"""One training from its run directory to DONE."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import set_seed

from ml.generate import answer, answer_text, make_request, stop_texts
from ml.hashing import json_sha256
from ml.loading import LoadedModel, best_device, check_fits, load_base, longest_context, use_threads
from ml.prompting import PROBLEMS, Example, Tokenizer, stop_token_ids
from ml.recipe import Recipe
from ml.rundir import Attempt, Checkpoint, GenerateSettings, RunDir, RunSpec
from ml.score import score_samples
from ml.train.batching import Collator, Samples, packing_leaks
from ml.train.data import TrainingData, load_data
from ml.train.methods import METHODS
from ml.train.precision import autocast_for, choose_precision
from ml.train.progress import Progress
from ml.train.result import write_result
from ml.train.stopping import Stopper, StopRequested
from ml.train.trainer import PairTrainer, TrainingError, training_arguments

# Enough pairs to tell better from worse, few enough to be measured often.
DEVELOP_PAIRS = 200
_SAMPLE_TOKENS = 64
_SAVES_A_RUN, _LONGEST_UNSAVED = 10, 200


@dataclass(slots=True)
class _Job:
    """What one training holds in its hands."""

    run: RunDir
    spec: RunSpec
    recipe: Recipe
    attempt: Attempt
    stopper: Stopper
    checkpoint: Checkpoint | None
    data: TrainingData
    loaded: LoadedModel
    precision: str

    def develop_loss(self, trainer: PairTrainer) -> float | None:
        """Mean loss a response token over the develop part (at most DEVELOP_PAIRS pairs); None if there is none."""
        samples = self.data.develop[:DEVELOP_PAIRS]
        if not samples:
            return None
        scores = score_samples(
            self.loaded.model,
            samples,
            pad_id=self.loaded.tokenizer.pad_id,
            batch_size=self.recipe.batch_size,
            loss=trainer.token_loss,
            autocast=autocast_for(self.precision, self.loaded.device),
            check=self.stopper.check,
        )
        return sum(score.total for score in scores) / sum(score.tokens for score in scores)


def run_training(run: RunDir, attempt: Attempt, stopper: Stopper) -> dict[str, Any] | None:
    """Train as the run's specification says.

    1. Compare model, tokenizer and data with their fingerprints; load them. 2. Continue from the newest complete
    checkpoint, if any. 3. Measure the develop loss, train, measure again. 4. Write the model version, return what DONE
    says. Returns None if a stop was asked for: the event `stopped` then says whether the last step was saved.
    Raises the errors of loading and reading, and TrainingError.
    """
    started = time.monotonic()
    job: _Job | None = None
    try:
        job = _prepare(run, attempt, stopper)
        return _train(job, started)
    except StopRequested:
        step = job.checkpoint.step if job and job.checkpoint else 0
        attempt.events.write("stopped", step=step, saved=step > 0)
        return None


def _prepare(run: RunDir, attempt: Attempt, stopper: Stopper) -> _Job:
    spec = run.read_spec()
    if spec.recipe is None or spec.data is None:
        raise ValueError("This run directory is not for a training.")
    recipe = spec.recipe
    threads = use_threads(recipe.threads)
    attempt.events.write("phase", name="load", message=f"Loading the model, with {threads} threads.")
    spec.model.verify()
    tokenizer = Tokenizer.load(spec.model.path)
    stopper.check()
    attempt.events.write("phase", name="encode", message="Turning the pairs into tokens.")
    data = load_data(run.path / spec.data.pairs, spec.data.sha256, spec.template, tokenizer, recipe.max_tokens)
    _tell_left_out(attempt, data)
    stopper.check()
    checkpoint = run.latest_complete_checkpoint()
    _check_checkpoint(checkpoint, spec)
    set_seed(recipe.seed)
    device = best_device()
    base = load_base(spec.model.path)
    check_fits(base, tokenizer)
    longest = longest_context(base)
    if recipe.max_tokens > longest:
        raise TrainingError(
            "max_tokens", f"The model holds {longest} tokens; set the longest pair to {longest} or less."
        )
    precision = _precision(recipe, base, device, checkpoint)
    model: Any = METHODS[recipe.method].prepare(base, recipe)
    model.to(device)
    attempt.events.write("phase", name="ready", message=f"{_trainable(model)} Computing in {precision}.")
    loaded = LoadedModel(model, tokenizer, longest, device)
    return _Job(run, spec, recipe, attempt, stopper, checkpoint, data, loaded, precision)


def _train(job: _Job, started: float) -> dict[str, Any] | None:
    recipe, events = job.recipe, job.attempt.events
    steps = planned_steps(recipe, len(job.data.train))
    trainer = PairTrainer(
        model=job.loaded.model,
        args=training_arguments(recipe, job.run, steps, job.loaded.device),
        samples=Samples(job.data.train),
        collator=Collator(
            pad_id=job.loaded.tokenizer.pad_id, packing=recipe.packing, row_tokens=max(recipe.max_tokens, 1)
        ),
        recipe=recipe,
        run=job.run,
        autocast=autocast_for(job.precision, job.loaded.device),
    )
    job.loaded.model.eval()  # dropout would look like a leak
    if recipe.packing and packing_leaks(trainer.token_loss, job.loaded.device):
        raise TrainingError("packing", "With this model, packed pairs would see each other. Switch packing off.")
    progress = Progress(
        job.attempt,
        job.stopper,
        eval_every=recipe.eval_every,
        save_every=recipe.save_every or max(1, min(_LONGEST_UNSAVED, math.ceil(steps / _SAVES_A_RUN))),
        develop_loss=partial(job.develop_loss, trainer),
        sample=partial(_sample, job),
    )
    progress.trainer = trainer
    trainer.add_callback(progress)
    before = _loss_before(job, trainer)
    trainer.facts = {**_identity(job.spec), "precision": job.precision, "develop_loss_before": before}
    resumed_from = _restore(job, trainer, progress)
    events.write("phase", name="train", message=f"Training for {steps} steps.")
    training_started = time.monotonic()
    tokens_before = trainer.tokens_seen
    try:
        trainer.train_from(job.checkpoint, steps)
        training_seconds = time.monotonic() - training_started
        if trainer.state.global_step < steps:
            raise StopRequested
        after = _loss_after(job, trainer)
    except StopRequested:
        _stop(job, trainer, progress)
        return None
    numbers = {
        "final_step": trainer.state.global_step,
        "train_loss": _recent_mean(progress.losses),
        "develop_loss_before": before,
        "develop_loss_after": after,
        "develop_pairs": min(len(job.data.develop), DEVELOP_PAIRS),
        "tokens_trained": trainer.tokens_seen,
        "seconds": round(time.monotonic() - started, 3),
        "tokens_per_second": round((trainer.tokens_seen - tokens_before) / max(training_seconds, 1e-9), 2),
        "precision": job.precision,
        "left_out": {code: len(ids) for code, ids in job.data.left_out.items()},
    }
    events.write("phase", name="save", message="Writing the model version.")
    folder = Path(job.spec.store) if job.spec.store else job.run.path / "result"
    facts = write_result(job.loaded.model, job.spec, folder, numbers)
    result = "result" if not job.spec.store else str(folder)
    return {"result": result, **numbers, **facts, "resumed_from": resumed_from}


def planned_steps(recipe: Recipe, pairs: int) -> int:
    """Optimizer steps: the passes over the data, or `max_steps` if that is set and fewer."""
    a_pass = math.ceil(pairs / (recipe.batch_size * recipe.accumulation))
    from_passes = max(1, math.ceil(a_pass * recipe.epochs))
    return min(from_passes, recipe.max_steps) if recipe.max_steps else from_passes


def _loss_before(job: _Job, trainer: PairTrainer) -> float | None:
    if job.checkpoint:
        return job.checkpoint.facts.get("develop_loss_before")
    job.attempt.events.write("phase", name="measure", message="Measuring the loss before the training.")
    before = job.develop_loss(trainer)
    if before is not None:
        job.attempt.events.write("eval", step=0, loss=before)
    return before


def _loss_after(job: _Job, trainer: PairTrainer) -> float | None:
    job.attempt.events.write("phase", name="measure", message="Measuring the loss after the training.")
    after = job.develop_loss(trainer)
    if after is not None:
        job.attempt.events.write("eval", step=trainer.state.global_step, loss=after)
    _sample(job, trainer.state.global_step)
    return after


def _restore(job: _Job, trainer: PairTrainer, progress: Progress) -> int | None:
    if job.checkpoint is None:
        return None
    trainer.tokens_seen = int(job.checkpoint.facts.get("tokens_seen", 0))
    progress.saved_step = job.checkpoint.step
    state = json.loads((job.checkpoint.path / "trainer_state.json").read_text(encoding="utf-8"))
    progress.losses.extend(entry["loss"] for entry in state["log_history"] if "loss" in entry)
    job.attempt.events.write("phase", name="resume", message=f"Continuing from step {job.checkpoint.step}.")
    return job.checkpoint.step


def _stop(job: _Job, trainer: PairTrainer, progress: Progress) -> None:
    step = trainer.state.global_step
    if step > progress.saved_step and job.stopper.has_time_for(progress.save_seconds or _guess_seconds(trainer)):
        progress.save(step)
    job.attempt.events.write("stopped", step=step, saved=progress.saved_step == step and step > 0)


def _guess_seconds(trainer: PairTrainer) -> float:
    """Before a first save was measured: weights and both moments of the optimizer at 100 MB/s."""
    return trainer.token_loss.trained_weights() * 4 * 3 / 100e6 + 0.2


def _sample(job: _Job, step: int) -> None:
    """Answer the fixed prompts with the model as it is now."""
    if not job.spec.sample_prompts:
        return
    model = job.loaded.model
    model.eval()
    examples = [Example(id=f"sample-{n}", instruction=text) for n, text in enumerate(job.spec.sample_prompts)]
    stop_ids = frozenset(stop_token_ids(examples[0], job.spec.template, job.loaded.tokenizer))
    settings = GenerateSettings(max_new_tokens=_SAMPLE_TOKENS)
    requests = [make_request(job.loaded, job.spec.template, each, settings, stop_ids) for each in examples]
    stops = stop_texts(job.spec.template)
    answer(job.loaded, requests, stops, job.stopper.check)
    model.train()
    for prompt, request in zip(job.spec.sample_prompts, requests, strict=True):
        text = answer_text(request, job.loaded.tokenizer, stops)
        job.attempt.events.write("sample", step=step, prompt=prompt, text=text)


def _precision(recipe: Recipe, base: Any, device: torch.device, checkpoint: Checkpoint | None) -> str:
    if checkpoint:
        return str(checkpoint.facts["precision"])
    width = int(getattr(base.config, "hidden_size", 512))
    return choose_precision(recipe.precision, width, 4 * width, device)


def _identity(spec: RunSpec) -> dict[str, str]:
    return {
        "specification": json_sha256({**spec.to_json(), "store": "", "provenance": {}}),
        "tokenizer_fingerprint": spec.model.tokenizer_fingerprint,
        "fingerprint": spec.model.fingerprint,
    }


def _check_checkpoint(checkpoint: Checkpoint | None, spec: RunSpec) -> None:
    for name, value in _identity(spec).items() if checkpoint else ():
        if checkpoint and checkpoint.facts.get(name) != value:
            raise TrainingError(
                "checkpoint",
                f"The checkpoint of step {checkpoint.step} belongs to another run (its {name} differs). "
                "Delete the folder checkpoints to start from the beginning.",
            )


def _tell_left_out(attempt: Attempt, data: TrainingData) -> None:
    for code, ids in data.left_out.items():
        if PROBLEMS[code].blocking:
            listed = ", ".join(ids[:10]) + (" …" if len(ids) > 10 else "")
            message = f"{len(ids)} pairs are left out: {PROBLEMS[code].sentence} ({listed})"
            attempt.events.write("warning", code=code, count=len(ids), message=message)


def _trainable(model: Any) -> str:
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    total = sum(parameter.numel() for parameter in model.parameters())
    return f"Training {trained:,} of {total:,} weights."


def _recent_mean(losses: list[float]) -> float | None:
    recent = losses[-10:]
    return sum(recent) / len(recent) if recent else None
