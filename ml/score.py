"""How likely a model finds the answers that people wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from peft import PeftModel
from torch import nn
from torch.nn import functional
from transformers import PreTrainedModel

from ml.prompting.encoding import IGNORED
from ml.sample import Sample


@dataclass(frozen=True, slots=True)
class Score:
    """Negative log-likelihood in nats summed over `tokens` trained tokens (the response and its end token)."""

    total: float
    tokens: int

    @property
    def mean(self) -> float:
        return self.total / self.tokens if self.tokens else 0.0


class TokenLoss:
    """Cross-entropy at the labelled positions only: positions without a label are never projected to the vocabulary.

    For a small model the projection is up to half of all work. A model whose logits are more than one linear layer on
    its last hidden state (soft-capping, scaling) is detected on first use and asked the ordinary way.
    """

    def __init__(self, model: PreTrainedModel | PeftModel) -> None:
        self.model: Any = model
        base: Any = model.get_base_model() if isinstance(model, PeftModel) else model
        self._body: nn.Module = base.base_model
        self._head: nn.Module | None = base.get_output_embeddings()
        if self._head is None or self._body is base or not self._same_logits():
            self._head = None

    @property
    def skips_unlabelled(self) -> bool:
        return self._head is not None

    def trained_weights(self) -> int:
        """Number of weights that are trained."""
        return sum(parameter.numel() for parameter in self.model.parameters() if parameter.requires_grad)

    def __call__(self, inputs: dict[str, torch.Tensor], labels: torch.Tensor) -> torch.Tensor:
        """Negative log-likelihoods of the labelled tokens, flat and in row order; `labels` is [rows, tokens]."""
        wanted = labels[:, 1:]
        kept = (wanted != IGNORED).nonzero(as_tuple=True)
        return functional.cross_entropy(self._logits(inputs, kept).float(), wanted[kept], reduction="none")

    def at(
        self, inputs: dict[str, torch.Tensor], rows: torch.Tensor, columns: torch.Tensor, wanted: torch.Tensor
    ) -> torch.Tensor:
        """Negative log-likelihoods of the tokens `wanted`, each predicted at its row and column (all four are flat). A
        place that predicts several is projected once."""
        width = inputs["input_ids"].shape[1]
        places, which = (rows * width + columns).unique(return_inverse=True)
        logits = self._logits(inputs, (places // width, places % width)).float()
        return logits.logsumexp(dim=-1)[which] - logits[which, wanted]

    def _logits(self, inputs: dict[str, torch.Tensor], places: Any) -> torch.Tensor:
        """[places, vocabulary], of the given rows and columns alone."""
        if self._head is None:
            return self.model(**inputs, use_cache=False).logits[places]
        return self._head(self._body(**inputs, use_cache=False).last_hidden_state[places])

    @torch.no_grad()
    def _same_logits(self) -> bool:
        was_training = self.model.training
        self.model.eval()
        device = next(self.model.parameters()).device
        ids = torch.arange(1, 9, device=device)[None]
        head: Any = self._head
        short = head(self._body(input_ids=ids, use_cache=False).last_hidden_state)
        whole = self.model(input_ids=ids, use_cache=False).logits
        self.model.train(was_training)
        return short.shape == whole.shape and torch.allclose(short, whole, rtol=1e-3, atol=1e-3)


def pad_right(samples: Sequence[Sample], pad_id: int) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Inputs (ids and attention mask, both [rows, longest]) and labels of the same shape."""
    longest = max(len(sample.ids) for sample in samples)
    ids = torch.full((len(samples), longest), pad_id)
    labels = torch.full((len(samples), longest), IGNORED)
    mask = torch.zeros((len(samples), longest), dtype=torch.long)
    for row, sample in enumerate(samples):
        length = len(sample.ids)
        ids[row, :length] = torch.tensor(sample.ids)
        labels[row, :length] = torch.tensor(sample.labels)
        mask[row, :length] = 1
    return {"input_ids": ids, "attention_mask": mask}, labels


def batches_by_length(lengths: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Indices in batches of similar length, longest first: what does not fit in memory shows at once."""
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


@torch.no_grad()
def score_samples(
    model: PreTrainedModel | PeftModel,
    samples: Sequence[Sample],
    *,
    pad_id: int,
    batch_size: int = 8,
    loss: TokenLoss | None = None,
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext,
    check: Callable[[], None] = lambda: None,
) -> list[Score]:
    """Score each sample, in the order given. `check` is called before each batch and may raise to stop."""
    token_loss = loss or TokenLoss(model)
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    scores = [Score(0.0, 0)] * len(samples)
    try:
        for batch in batches_by_length([len(sample.ids) for sample in samples], batch_size):
            check()
            inputs, labels = pad_right([samples[index] for index in batch], pad_id)
            with autocast():
                losses = token_loss({key: value.to(device) for key, value in inputs.items()}, labels.to(device))
            counts = (labels[:, 1:] != IGNORED).sum(dim=1).tolist()
            for index, part in zip(batch, losses.double().split(counts), strict=True):
                scores[index] = Score(float(part.sum()), int(part.numel()))
    finally:
        model.train(was_training)
    return scores
