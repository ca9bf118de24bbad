"""What a training tells while it runs, and when it measures, saves and stops."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ml.rundir import Attempt
from ml.train.stopping import Stopper
from ml.train.trainer import PairTrainer

# The time that is left is judged by this many of the latest steps.
_RECENT = 20


class Progress(TrainerCallback):
    """Writes an event a step; measures, saves and samples when due; ends the loop when a stop was asked for."""

    def __init__(
        self,
        attempt: Attempt,
        stopper: Stopper,
        *,
        eval_every: int,
        save_every: int,
        develop_loss: Callable[[], float | None],
        sample: Callable[[int], None],
    ) -> None:
        self.trainer: PairTrainer | None = None
        self.losses: list[float] = []
        self.saved_step = 0
        self.save_seconds = 0.0
        self._attempt = attempt
        self._stopper = stopper
        self._eval_every = eval_every
        self._save_every = save_every
        self._develop_loss = develop_loss
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
        control.should_training_stop = control.should_training_stop or self._stopper.requested

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        logs = kwargs.get("logs") or {}
        if "loss" not in logs:
            return
        self.losses.append(logs["loss"])
        speed, seconds_a_step = self._speed()
        self._attempt.events.write(
            "step",
            step=state.global_step,
            steps=state.max_steps,
            epoch=round(state.epoch or 0.0, 4),
            loss=logs["loss"],
            learning_rate=logs["learning_rate"],
            grad_norm=logs.get("grad_norm"),
            tokens=self._require().tokens_seen,
            tokens_per_second=round(speed, 2),
            eta_seconds=round(seconds_a_step * (state.max_steps - state.global_step), 1),
        )
        self._measure_and_save(state)

    def save(self, step: int) -> None:
        """Save a checkpoint, say so, and sample the fixed prompts."""
        trainer = self._require()
        self.save_seconds = trainer.save_checkpoint()
        self.saved_step = step
        path = f"checkpoints/checkpoint-{step}"
        self._attempt.events.write("checkpoint", step=step, path=path, seconds=round(self.save_seconds, 3))

    def _measure_and_save(self, state: TrainerState) -> None:
        step = state.global_step
        if self._stopper.requested or step >= state.max_steps:
            return
        pause = time.monotonic()
        if self._eval_every and step % self._eval_every == 0:
            loss = self._develop_loss()
            if loss is not None:
                self._attempt.events.write("eval", step=step, loss=loss)
        if step % self._save_every == 0:
            self.save(step)
            self._sample(step)
        self._forget(time.monotonic() - pause)

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
