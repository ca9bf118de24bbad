"""What a training tells while it runs, and when it measures, saves and stops."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ml.recipe import Recipe
from ml.rundir import Attempt
from ml.train.best import Best
from ml.train.machine import free_disk, memory_in_use
from ml.train.pace import Allowance
from ml.train.stopping import Stopper
from ml.train.trainer import PairTrainer

# The time that is left is judged by this many of the latest steps.
_RECENT = 20


class Progress(TrainerCallback):
    """Writes an event a step; measures, saves and samples when due; ends the loop when a stop was asked for, or when
    the recipe's patience is at its end."""

    def __init__(
        self,
        attempt: Attempt,
        stopper: Stopper,
        *,
        recipe: Recipe,
        save_every: int,
        measure: Callable[[int], float | None],
        sample: Callable[[int], None],
        saving: Allowance,
        answering: Allowance,
    ) -> None:
        self.trainer: PairTrainer | None = None
        self.losses: list[float] = []
        self.saved_step = 0
        self.saving = saving
        self.best = Best.of(recipe)
        self.ended_early = False
        self._answering = answering
        self._attempt = attempt
        self._stopper = stopper
        self._recipe = recipe
        self._save_every = save_every
        self._measure = measure
        self._sample = sample
        self._recent: deque[tuple[float, int]] = deque(maxlen=_RECENT + 1)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._require().finish_step()
        self._recent.append((time.monotonic(), self._require().tokens_seen))

    def on_substep_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        control.should_training_stop = control.should_training_stop or self._stopper.requested

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self._require().finish_step()
        self._recent.append((time.monotonic(), self._require().tokens_seen))
        self.ended_early = self.ended_early or self._stopper.finish
        control.should_training_stop = control.should_training_stop or self._stopper.requested or self.ended_early

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        logs = kwargs.get("logs") or {}
        if "loss" not in logs:
            return
        trainer = self._require()
        trainer.check_finite(logs["loss"])
        self.losses.append(logs["loss"])
        speed, seconds_a_step = self._speed()
        preferred = {} if trainer.preferred is None else {"preferred": round(trainer.preferred, 4)}
        self._attempt.events.write(
            "step",
            step=state.global_step,
            steps=state.max_steps,
            epoch=round(state.epoch or 0.0, 4),
            loss=logs["loss"],
            learning_rate=logs["learning_rate"],
            grad_norm=logs.get("grad_norm"),
            tokens=trainer.tokens_seen,
            tokens_per_second=round(speed, 2),
            eta_seconds=round(seconds_a_step * (state.max_steps - state.global_step), 1),
            memory=memory_in_use(),
            wait=round(trainer.waited, 4),
            **preferred,
        )
        if not self._stopper.requested and state.global_step < state.max_steps:
            pause = time.monotonic()
            self._measure_and_save(state.global_step)
            self._forget(time.monotonic() - pause)
            control.should_training_stop = control.should_training_stop or self.ended_early

    def save(self, step: int) -> None:
        """Save a checkpoint and say so."""
        trainer = self._require()
        trainer.facts["measured"] = self.best.measured
        trainer.protected_step = self.best.step if self._recipe.best_by != "last" else None
        self.saving.spend(trainer.save_checkpoint())
        self.saved_step = step
        path = f"checkpoints/checkpoint-{step}"
        facts = {"bytes": trainer.checkpoint_bytes, "disk_free": free_disk(str(trainer.args.output_dir))}
        self._attempt.events.write("checkpoint", step=step, path=path, seconds=round(self.saving.last, 3), **facts)

    def answer(self, step: int) -> None:
        """Answer the fixed prompts with the model as it is now."""
        started = time.monotonic()
        self._sample(step)
        self._answering.spend(time.monotonic() - started)

    def _measure_and_save(self, step: int) -> None:
        recipe, better = self._recipe, False
        if recipe.eval_every and step % recipe.eval_every == 0:
            value = self._measure(step)
            better = value is not None and self.best.add(step, value) and recipe.best_by != "last"
            self.ended_early |= bool(recipe.patience) and self.best.since >= recipe.patience
        due = step % self._save_every == 0 and (recipe.save_every > 0 or self.saving.allows())
        if due or better:
            self.save(step)
        if due and self._answering.allows():
            self.answer(step)

    def _forget(self, seconds: float) -> None:
        """Shift the clock of the recent steps, so that measuring and saving do not count as slow training."""
        self._recent = deque(((moment + seconds, tokens) for moment, tokens in self._recent), maxlen=_RECENT + 1)

    def _speed(self) -> tuple[float, float]:
        """Tokens per second and seconds per step over the recent steps."""
        (first, tokens_first), (last, tokens_last) = self._recent[0], self._recent[-1]
        steps = len(self._recent) - 1
        if steps < 1 or last <= first:
            return 0.0, 0.0
        return (tokens_last - tokens_first) / (last - first), (last - first) / steps

    def _require(self) -> PairTrainer:
        assert self.trainer is not None, "the trainer is set before training starts"
        return self.trainer
