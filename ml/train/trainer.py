"""The training loop: the model library's Trainer with our batches, our loss and our checkpoints."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import PeftModel
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerState, TrainingArguments

from ml.atomic import new_folder
from ml.recipe import Recipe
from ml.rundir import Checkpoint, RunDir, write_manifest
from ml.score import TokenLoss
from ml.train.batching import Collator, PlannedBatches, Samples


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

    Its loss is the sum over the labelled tokens of a step divided by their number, whatever the accumulation, and is
    checked to be finite. Checkpoints appear whole, with a manifest, under their final name.
    """

    loss_is_scaled_for_ga = True

    def __init__(
        self,
        *,
        model: Any,
        args: TrainingArguments,
        samples: Samples,
        collator: Collator,
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
        self.token_loss = TokenLoss(model)
        self.tokens_seen = 0
        self._tokens_of_step = 0
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

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        labels = inputs["labels"]
        rest = {key: value for key, value in inputs.items() if key not in ("labels", "tokens")}
        with self._autocast():
            losses = self.token_loss(rest, labels)
        loss = losses.sum() / (losses.numel() if num_items_in_batch is None else num_items_in_batch)
        if not torch.isfinite(loss):
            raise TrainingError(
                "loss_not_finite",
                f"The loss is no longer a number after step {self.state.global_step}. Choose a lower learning rate"
                " or the number format float32, and start again from the last checkpoint.",
            )
        self._tokens_of_step += int(inputs["tokens"])
        return loss

    def finish_step(self) -> None:
        """Count the step's tokens and keep the random states as they are between two steps.

        A checkpoint that is saved later, in the middle of a step that is thrown away, continues from here.
        """
        self.tokens_seen += self._tokens_of_step
        self._tokens_of_step = 0
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
        step = self.state.global_step
        with new_folder(self._run.checkpoint_path(step)) as folder:
            self.save_model(str(folder), _internal_call=True)
            self._save_optimizer_and_scheduler(str(folder))
            self._save_rng_state(str(folder))
            self.state.save_to_json(str(folder / "trainer_state.json"))
            write_manifest(folder, {**self.facts, "step": step, "tokens_seen": self.tokens_seen})
        self._run.rotate_checkpoints(self._recipe.keep_checkpoints)
        return time.monotonic() - started

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        folder = Path(output_dir or str(self.args.output_dir))
        save_weights(self.model, folder)

    def _save_rng_state(self, output_dir: str) -> None:
        if self._random_states is None:
            self.finish_step()
        torch.save(self._random_states, Path(output_dir) / "rng_state.pth")
