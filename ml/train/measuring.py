"""What is measured beside a training: losses on the develop part and on a general text, and answers to questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ml.choosing import score_answers
from ml.generate import answer, answer_text, make_request, stop_texts
from ml.loading import LoadedModel
from ml.metrics import chrf
from ml.prompting import Example, stop_token_ids
from ml.rundir import GenerateSettings, RunSpec
from ml.sample import Sample
from ml.score import TokenLoss, score_samples
from ml.train.general import GENERAL_TEXT
from ml.train.precision import autocast_for
from ml.train.preferences import Preference, preference_losses
from ml.train.stopping import Stopper

SAMPLE_TOKENS = 64
ANSWERED = 16  # develop questions whose answers are compared with people's
_PIECE = 256  # tokens of the general text that are read at once


class Measuring:
    """Measures the model as it is now. Every measurement can be interrupted by a stop, and changes nothing."""

    def __init__(
        self, spec: RunSpec, loaded: LoadedModel, precision: str, develop: Sequence[Any], stopper: Stopper
    ) -> None:
        assert spec.recipe is not None
        self.develop, self.loaded = develop, loaded
        self.token_loss = TokenLoss(loaded.model)
        self._spec, self._recipe, self._stopper = spec, spec.recipe, stopper
        self._autocast = autocast_for(precision, loaded.device)

    def develop_loss(self) -> float | None:
        """Mean loss a response token, or a preference; None without anything to measure on."""
        if not self.develop:
            return None
        if self._recipe.objective == "preferences":
            found = self.preference_losses(self.develop)
            return sum(found) / len(found)
        return self._mean(self.develop)

    def general_loss(self) -> float:
        """Mean loss a token of the fixed general text."""
        ids = self.loaded.tokenizer.encode(GENERAL_TEXT)
        size = min(_PIECE, self.loaded.longest)
        return self._mean([Sample(ids[at : at + size], ids[at : at + size]) for at in range(0, len(ids) - 1, size)])

    def answer_score(self, examples: Sequence[Example]) -> float | None:
        """Mean chrF (0 to 1) of answers to develop questions against people's; None without questions."""
        if not examples:
            return None
        texts = self.answers(examples)
        return sum(chrf(text, each.response) for text, each in zip(texts, examples, strict=True)) / len(texts)

    def answers(self, examples: Sequence[Example]) -> list[str]:
        model, template = self.loaded.model, self._spec.template
        was_training = model.training
        model.eval()
        stop_ids = frozenset(stop_token_ids(examples[0], template, self.loaded.tokenizer))
        settings = GenerateSettings(max_new_tokens=SAMPLE_TOKENS)
        requests = [make_request(self.loaded, template, each, settings, stop_ids) for each in examples]
        stops = stop_texts(template)
        try:
            answer(self.loaded, requests, stops, self._stopper.check)
        finally:
            model.train(was_training)
        return [answer_text(request, self.loaded.tokenizer, stops) for request in requests]

    def preference_losses(self, preferences: Sequence[Preference]) -> list[float]:
        likely = torch.tensor(self._likelihoods(preferences), dtype=torch.float64)
        reference = torch.tensor([preference.reference or (0.0, 0.0) for preference in preferences])
        strength = self._recipe.preference_strength
        losses, _preferred = preference_losses(-likely.flatten(), reference, [1] * likely.numel(), strength)
        return [float(loss) for loss in losses]

    def remember_reference(self, preferences: Sequence[Preference]) -> None:
        """Write into each preference how likely its answers are now, before anything is trained."""
        for preference, likely in zip(preferences, self._likelihoods(preferences), strict=True):
            preference.reference = likely

    def _likelihoods(self, preferences: Sequence[Preference]) -> list[tuple[float, float]]:
        """Log-likelihoods of the better and the worse answer of each."""
        scores = score_answers(
            self.token_loss,
            [preference.question for preference in preferences],
            pad_id=self.loaded.tokenizer.pad_id,
            autocast=self._autocast,
            check=self._stopper.check,
        )
        return [(-better.total, -worse.total) for better, worse in scores]

    def _mean(self, samples: Sequence[Sample]) -> float:
        scores = score_samples(
            self.loaded.model,
            samples,
            pad_id=self.loaded.tokenizer.pad_id,
            batch_size=self._recipe.batch_size,
            loss=self.token_loss,
            autocast=self._autocast,
            check=self._stopper.check,
        )
        return sum(score.total for score in scores) / sum(score.tokens for score in scores)
