"""The training loop: the model library's Trainer with our batches, our loss and our checkpoints."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import PeftModel
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerState, TrainingArguments

from ml.atomic import new_folder
from ml.phrases import Phrase, gettext_noop
from ml.recipe import TEXT, Recipe
from ml.rundir import Checkpoint, RunDir, write_manifest
from ml.score import TokenLoss
from ml.train.batching import PlannedBatches, Samples
from ml.train.machine import free_disk
from ml.train.preferences import preference_losses

_FULL = 1024**2  # fewer bytes free than this is a full disk
# What a batch carries besides the model's own inputs.
NOT_THE_MODELS = ("labels", "tokens", "cuts", "reference")


class TrainingError(RuntimeError):
    """The training cannot go on; `code` names the kind, the message says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def training_arguments(recipe: Recipe, run: RunDir, steps: int, device: torch.device) -> TrainingArguments:
    """The Trainer's settings; saving and measuring are ours, so they are off here."""
    return TrainingArguments(
        output_dir=str(run.checkpoints_path),
        per_device_train_batch_size=recipe.batch_size,
        gradient_accumulation_steps=recipe.accumulation,
        max_steps=steps,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="constant_with_warmup" if recipe.scheduler == "constant" else recipe.scheduler,
        warmup_steps=round(recipe.warmup_share * steps),
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        adam_beta2=0.95 if recipe.objective == TEXT else 0.999,  # the usual one where most of the model is learnt anew
        seed=recipe.seed,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="no",
        eval_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=device.type == "cpu",
        remove_unused_columns=False,
        optim="adamw_torch_fused",
        gradient_checkpointing=recipe.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        bf16=False,  # our loss opens its own autocast context, since it calls the model's parts
        label_names=["labels"],
    )


def save_weights(model: Any, folder: Path) -> None:
    """Write the adapter, or else all weights, as safetensors with the configuration; the card is ours to write."""
    if isinstance(model, PeftModel):
        # Our adapters never touch the embeddings; asked to find out by itself, the library would look for the base.
        model.save_pretrained(str(folder), save_embedding_layers=False)
    else:
        model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)


class PairTrainer(Trainer):
    """A Trainer over encoded pairs.

    Its loss is the sum over the labelled tokens (or the preferences) of a step divided by their number, whatever the
    accumulation. Checkpoints appear whole, with a manifest, under their final name.
    """

    loss_is_scaled_for_ga = True

    def __init__(
        self,
        *,
        model: Any,
        args: TrainingArguments,
        samples: Samples,
        collator: Callable[[Sequence[Any]], dict[str, Any]],
        token_loss: TokenLoss,
        recipe: Recipe,
        run: RunDir,
        autocast: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        super().__init__(model=model, args=args, train_dataset=samples, data_collator=collator)
        self.remove_callback(PrinterCallback)  # the events say it all
        self.model_accepts_loss_kwargs = True
        self._recipe = recipe
        self._run = run
        self._autocast = autocast
        self.token_loss = token_loss
        self.tokens_seen = 0
        self._tokens_of_step = 0
        self.preferred: float | None = None  # share of the last step's preferences that the model shares by now
        self._preferred_of_step: list[bool] = []
        self.protected_step: int | None = None
        self.waited = 0.0
        self.checkpoint_bytes = 0
        self.facts: dict[str, Any] = {}
        self._random_states: dict[str, Any] | None = None

    def train_from(self, checkpoint: Checkpoint | None, steps: int) -> None:
        """Train up to `steps`, from a checkpoint or from the beginning. One that is there already is only loaded."""
        if checkpoint is None:
            self.train()
        elif checkpoint.step < steps:
            self.train(resume_from_checkpoint=str(checkpoint.path))
        else:
            self._load_from_checkpoint(str(checkpoint.path))
            self.state = TrainerState.load_from_json(str(checkpoint.path / "trainer_state.json"))

    def get_train_dataloader(self) -> DataLoader[Any]:
        samples: Any = self.train_dataset
        plan = PlannedBatches(
            [len(sample.ids) for sample in samples.samples],
            batch_size=self._recipe.batch_size,
            accumulation=self._recipe.accumulation,
            seed=self._recipe.seed,
        )
        return self.accelerator.prepare(DataLoader(samples, batch_sampler=plan, collate_fn=self.data_collator))

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: torch.device) -> Any:
        """The batches of a step; `waited` says how many seconds were spent waiting for them."""
        started = time.monotonic()
        found = super().get_batch_samples(epoch_iterator, num_batches, device)
        self.waited = time.monotonic() - started
        return found

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> Any:
        if self._recipe.objective == "preferences":
            return sum(len(batch["reference"]) for batch in batch_samples)
        return super()._get_num_items_in_batch(batch_samples, device)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """This micro-batch's share: its summed losses over the number of tokens (or preferences) of the step."""
        labels = inputs["labels"]
        rest = {key: value for key, value in inputs.items() if key not in NOT_THE_MODELS}
        with self._autocast():
            losses = self.token_loss(rest, labels)
        if self._recipe.objective == "preferences":
            strength = self._recipe.preference_strength
            losses, preferred = preference_losses(losses, inputs["reference"], inputs["cuts"], strength)
            self._preferred_of_step += [bool(each) for each in preferred]
        self._tokens_of_step += inputs["tokens"]
        return losses.sum() / (losses.numel() if num_items_in_batch is None else num_items_in_batch)

    def check_finite(self, loss: float) -> None:
        """Raise TrainingError for a loss that is no number: nothing of this state is saved."""
        if not math.isfinite(loss):
            raise TrainingError(
                "loss_not_finite",
                Phrase(
                    gettext_noop(
                        "The loss is no longer a number after step %(step)d. Choose a lower learning rate or the "
                        "number format float32, and start again from the last checkpoint."
                    ),
                    step=self.state.global_step - 1,
                ),
            )

    def finish_step(self) -> None:
        """Count the step's tokens and keep the random states as they are between two steps.

        A checkpoint that is saved later, in the middle of a step that is thrown away, continues from here.
        """
        self.tokens_seen += self._tokens_of_step
        self._tokens_of_step = 0
        self.preferred = _share(self._preferred_of_step)
        self._preferred_of_step = []
        self._random_states = {
            "python": random.getstate(),
            "numpy": np.random.get_state(),
            "cpu": torch.random.get_rng_state(),
        }
        if torch.cuda.is_available():
            self._random_states["cuda"] = torch.cuda.random.get_rng_state()

    def save_checkpoint(self) -> float:
        """Save a complete checkpoint of the last finished step; returns the seconds it took."""
        started = time.monotonic()
        try:
            self._write_checkpoint(self.state.global_step)
        except Exception as error:
            # The libraries that write report a full disk each in its own way.
            if free_disk(self._run.path) < _FULL or "space left" in str(error):
                text = gettext_noop(
                    "The disk is full: the checkpoint of step %(step)d could not be saved. The one before is whole."
                )
                raise TrainingError("disk_full", Phrase(text, step=self.state.global_step)) from error
            raise
        return time.monotonic() - started

    def _write_checkpoint(self, step: int) -> None:
        with new_folder(self._run.checkpoint_path(step)) as folder:
            self.save_model(str(folder), _internal_call=True)
            self._save_optimizer_and_scheduler(str(folder))
            self._save_rng_state(str(folder))
            self.state.save_to_json(str(folder / "trainer_state.json"))
            manifest = write_manifest(folder, {**self.facts, "step": step, "tokens_seen": self.tokens_seen})
        self.checkpoint_bytes = sum(entry["size"] for entry in manifest["files"].values())
        self._run.rotate_checkpoints(self._recipe.keep_checkpoints, protected=self.protected_step)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        folder = Path(output_dir or str(self.args.output_dir))
        save_weights(self.model, folder)

    def _save_rng_state(self, output_dir: str) -> None:
        if self._random_states is None:
            self.finish_step()
        torch.save(self._random_states, Path(output_dir) / "rng_state.pth")


def _share(truths: Sequence[bool]) -> float | None:
    return sum(truths) / len(truths) if truths else None
