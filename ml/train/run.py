"""One training from its run directory to DONE."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

from ml.phrases import Phrase, gettext_noop
from ml.prompting import Example
from ml.rundir import Attempt, RunDir
from ml.train.batching import Collator, Samples
from ml.train.job import TrainingJob, identity, planned_steps, prepare, weights
from ml.train.measuring import SAMPLE_TOKENS
from ml.train.pace import Allowance, answer_seconds, saves_every
from ml.train.precision import autocast_for
from ml.train.preferences import collate_preferences
from ml.train.progress import Progress
from ml.train.result import write_result
from ml.train.stopping import Stopper, StopRequested
from ml.train.trainer import PairTrainer, training_arguments

__all__ = ["planned_steps", "run_training"]
_STEPS = gettext_noop("Steps to train: %(steps)d.")
_MEASURING = (
    gettext_noop("Measuring the loss before the training."),
    gettext_noop("Measuring the loss after the training."),
)


def run_training(run: RunDir, attempt: Attempt, stopper: Stopper) -> dict[str, Any] | None:
    """Train as the run's specification says.

    1. Compare model, tokenizer and data with their fingerprints; load them. 2. Continue from the newest complete
    checkpoint, if any. 3. Measure, train, measure again. 4. Write the model version, return what DONE says.
    Returns None if a stop was asked for: the event `stopped` then says whether the last step was saved.
    Raises the errors of loading and reading, TrainingError and MethodError.
    """
    started = time.monotonic()
    job: TrainingJob | None = None
    try:
        job = prepare(run, attempt, stopper)
        return _train(job, started)
    except StopRequested:
        step = job.checkpoint.step if job and job.checkpoint else 0
        attempt.events.write("stopped", step=step, saved=step > 0)
        return None


def make_trainer(job: TrainingJob) -> PairTrainer:
    """The loop over the job's data, not begun."""
    collate: Any = Collator(pad_id=job.loaded.tokenizer.pad_id, packing=job.packing)
    if job.recipe.objective == "preferences":
        collate = partial(collate_preferences, collate=collate)
    return PairTrainer(
        model=job.loaded.model,
        args=training_arguments(job.recipe, job.run, job.steps, job.loaded.device),
        samples=Samples(job.data.train),
        collator=collate,
        token_loss=job.measuring.token_loss,
        recipe=job.recipe,
        run=job.run,
        autocast=autocast_for(job.precision, job.loaded.device),
    )


def _train(job: TrainingJob, started: float) -> dict[str, Any] | None:
    trainer = make_trainer(job)
    progress = _progress(job, trainer)
    before = _before(job)
    trainer.facts = {**identity(job.spec), "precision": job.precision, **before}
    resumed_from = _restore(job, trainer, progress)
    job.attempt.events.write("phase", name="train", message=Phrase(_STEPS, steps=job.steps))
    training_started = time.monotonic()
    tokens_before = trainer.tokens_seen
    try:
        trainer.train_from(job.checkpoint, job.steps)
        training_seconds = time.monotonic() - training_started
        if trainer.state.global_step < job.steps and not progress.ended_early:
            raise StopRequested
        after = _after(job, trainer, progress)
    except StopRequested:
        _stop(job, trainer, progress)
        return None
    numbers = {
        "final_step": trainer.state.global_step,
        "ended_early": progress.ended_early,
        "train_loss": _recent_mean(progress.losses),
        **before,
        **after,
        "develop_pairs": len(job.measuring.develop),
        **_text_numbers(job, {**before, **after}),
        "tokens_trained": trainer.tokens_seen,
        "seconds": round(time.monotonic() - started, 3),
        "tokens_per_second": round((trainer.tokens_seen - tokens_before) / max(training_seconds, 1e-9), 2),
        "precision": job.precision,
        "left_out": {code: len(ids) for code, ids in job.data.left_out.items()},
    }
    job.attempt.events.write("phase", name="save", message=Phrase(gettext_noop("Writing the model version.")))
    folder = Path(job.spec.store) if job.spec.store else job.run.path / "result"
    facts = write_result(job.loaded.model, job.spec, folder, numbers)
    result = "result" if not job.spec.store else str(folder)
    return {"result": result, **numbers, **facts, "resumed_from": resumed_from}


def _text_numbers(job: TrainingJob, losses: dict[str, Any]) -> dict[str, float]:
    """What a pretraining reports besides the loss: perplexity and bits per byte of the held-out text."""
    moments = {when: losses.get(f"develop_loss_{when}") for when in ("before", "after")}
    return {
        f"{name}_{when}": value
        for when, loss in moments.items()
        if loss is not None
        for name, value in job.data.text_measures(loss).items()
    }


def _progress(job: TrainingJob, trainer: PairTrainer) -> Progress:
    progress = Progress(
        job.attempt,
        job.stopper,
        recipe=job.recipe,
        save_every=saves_every(job.recipe, job.steps),
        measure=partial(_measure, job),
        sample=partial(_sample, job),
        saving=Allowance(_guess_seconds(job)),
        answering=Allowance(answer_seconds(weights(job.loaded.model)[1], SAMPLE_TOKENS)),
    )
    progress.trainer = trainer
    trainer.add_callback(progress)
    return progress


def _measure(job: TrainingJob, step: int) -> float | None:
    """Measure and tell; returns the score by which the recipe chooses the best state."""
    loss = job.measuring.develop_loss()
    score = job.measuring.answer_score(job.questions)
    if loss is not None:
        more = job.data.text_measures(loss) if score is None else {"answers": score}
        job.attempt.events.write("eval", step=step, loss=loss, **more)
    return score if job.recipe.best_by == "answers" else loss


def _before(job: TrainingJob) -> dict[str, float | None]:
    """Losses of the untrained model; a resumed run knows them from its checkpoint."""
    if job.checkpoint:
        return {name: job.checkpoint.facts.get(name) for name in ("develop_loss_before", "general_loss_before")}
    job.attempt.events.write("phase", name="measure", message=Phrase(_MEASURING[0]))
    loss, general = job.measuring.develop_loss(), job.measuring.general_loss()
    if loss is not None:
        job.attempt.events.write("eval", step=0, loss=loss, **job.data.text_measures(loss))
    job.attempt.events.write("general", step=0, loss=general)
    return {"develop_loss_before": loss, "general_loss_before": general}


def _after(job: TrainingJob, trainer: PairTrainer, progress: Progress) -> dict[str, Any]:
    """Losses of the trained model, after going back to its best state if the recipe wants that one."""
    job.attempt.events.write("phase", name="measure", message=Phrase(_MEASURING[1]))
    last, best = trainer.state.global_step, progress.best
    value = _measure(job, last)
    taken = last
    if job.recipe.best_by != "last" and value is not None and not best.add(last, value):
        taken = _go_back(job, trainer, best.step or last)
    loss = job.measuring.develop_loss() if taken != last or job.recipe.best_by == "answers" else value
    general = job.measuring.general_loss()
    job.attempt.events.write("general", step=taken, loss=general)
    _sample(job, last)
    return {"develop_loss_after": loss, "general_loss_after": general, "taken_step": taken}


def _go_back(job: TrainingJob, trainer: PairTrainer, step: int) -> int:
    checkpoint = next((each for each in job.run.complete_checkpoints() if each.step == step), None)
    if checkpoint is None:
        message = Phrase(
            gettext_noop("The best state, of step %(step)d, was not saved; the last one is taken."), step=step
        )
        job.attempt.events.write("warning", code="best_lost", count=1, message=message)
        return trainer.state.global_step
    trainer._load_from_checkpoint(str(checkpoint.path))
    message = Phrase(gettext_noop("Going back to step %(step)d, the best that was measured."), step=step)
    job.attempt.events.write("phase", name="best", message=message)
    return step


def _restore(job: TrainingJob, trainer: PairTrainer, progress: Progress) -> int | None:
    if job.checkpoint is None:
        return None
    facts = job.checkpoint.facts
    trainer.tokens_seen = int(facts.get("tokens_seen", 0))
    progress.saved_step = job.checkpoint.step
    progress.best.measured = [(int(step), float(value)) for step, value in facts.get("measured", ())]
    state = json.loads((job.checkpoint.path / "trainer_state.json").read_text(encoding="utf-8"))
    progress.losses.extend(entry["loss"] for entry in state["log_history"] if "loss" in entry)
    message = Phrase(gettext_noop("Continuing from step %(step)d."), step=job.checkpoint.step)
    job.attempt.events.write("phase", name="resume", message=message)
    return job.checkpoint.step


def _stop(job: TrainingJob, trainer: PairTrainer, progress: Progress) -> None:
    step = trainer.state.global_step
    if step > progress.saved_step and job.stopper.has_time_for(progress.saving.last):
        progress.save(step)
    job.attempt.events.write("stopped", step=step, saved=progress.saved_step == step and step > 0)


def _guess_seconds(job: TrainingJob) -> float:
    """Before a first save was measured: weights and both moments of the optimizer at 100 MB/s."""
    return weights(job.loaded.model)[0] * 4 * 3 / 100e6 + 0.2


def _sample(job: TrainingJob, step: int) -> None:
    """Answer the fixed prompts with the model as it is now."""
    prompts = job.spec.sample_prompts
    if prompts:
        examples = [Example(id=f"sample-{n}", instruction=text) for n, text in enumerate(prompts)]
        for prompt, text in zip(prompts, job.measuring.answers(examples), strict=True):
            job.attempt.events.write("sample", step=step, prompt=prompt, text=text)


def _recent_mean(losses: list[float]) -> float | None:
    recent = losses[-10:]
    return sum(recent) / len(recent) if recent else None
