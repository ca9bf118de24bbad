"""Learning to prefer the better of two answers (direct preference optimization, Rafailov et al. 2023, equation 7).

For a question with a better answer w and a worse one l, with p the model and r the same model before the training:
loss = -log sigmoid(beta * ((log p(w) - log r(w)) - (log p(l) - log r(l)))).
The reference's log-likelihoods are computed once before the first step, so that no second model is held in memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from ml.choosing import Question
from ml.phrases import Phrase, gettext_noop
from ml.prompting import Example, Template, TemplateError, Tokenizer, encode_pair
from ml.prompting.encoding import IGNORED
from ml.sample import Sample
from ml.train.data import DataError, TrainingData, check_unchanged, example_of


@dataclass(slots=True)
class Preference:
    """A better and a worse answer to one question; `reference` are their log-likelihoods before the training."""

    better: Sample
    worse: Sample
    reference: tuple[float, float] | None = None

    @property
    def ids(self) -> list[int]:
        return self.better.ids + self.worse.ids

    @property
    def question(self) -> Question:
        """Both answers behind what they have in common."""
        start = next(place for place, label in enumerate(self.better.labels) if label != IGNORED)
        answers = [[label for label in sample.labels if label != IGNORED] for sample in (self.better, self.worse)]
        return Question(self.better.ids[:start], answers)


def read_preferences(path: Path) -> Iterator[tuple[Example, Example]]:
    """Lines of an example with its better answer as `response` and the worse one as `rejected`. Raises DataError."""
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                example = example_of(line, path, number)
                rejected = json.loads(line).get("rejected")
                if not isinstance(rejected, str):
                    text = gettext_noop("%(file)s, line %(line)d: the text “rejected” is missing.")
                    raise DataError(Phrase(text, file=path.name, line=number))
                yield example, replace(example, response=rejected)


def load_preferences(
    path: Path, sha256: str, template: Template, tokenizer: Tokenizer, max_tokens: int
) -> TrainingData:
    """Both answers of each question as tokens; a question of which one answer cannot be used is left out and listed.

    Raises DataError if the file is not the promised one or nothing is left.
    """
    check_unchanged(path, sha256)
    train: list[Any] = []
    develop: list[Any] = []
    data = TrainingData(train, develop, {})
    try:
        for pair in read_preferences(path):
            if pair[0].part == "test":
                continue
            better, worse = (encode_pair(example, template, tokenizer, max_tokens) for example in pair)
            if better.usable and worse.usable:
                part = train if pair[0].part == "train" else develop
                part.append(Preference(Sample(better.ids, better.labels), Sample(worse.ids, worse.labels)))
            for code in {*better.problems, *worse.problems} if not (better.usable and worse.usable) else ():
                data.left_out.setdefault(code, []).append(pair[0].id)
    except (OSError, TemplateError) as error:
        text = gettext_noop("%(file)s cannot be read: %(reason)s.")
        raise DataError(Phrase(text, file=path.name, reason=str(error).rstrip("."))) from error
    if not data.train:
        raise DataError(Phrase(gettext_noop("There is no pair of a better and a worse answer to learn from.")))
    return data


def preference_losses(
    token_losses: torch.Tensor, reference: torch.Tensor, cuts: Sequence[int], beta: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Losses of the preferences of a batch, and whether each is preferred by now (margin above 0).

    `token_losses` are flat, in row order, better before worse; `cuts` says how many labelled tokens each answer has;
    `reference` is [preferences, 2].
    """
    answers = torch.stack([-part.sum() for part in token_losses.split(list(cuts))]).view(-1, 2)
    gain = answers - reference.to(answers)
    margin = gain[:, 0] - gain[:, 1]
    return -functional.logsigmoid(beta * margin), margin > 0


def collate_preferences(
    preferences: Sequence[Preference], collate: Callable[[Sequence[Sample]], dict[str, Any]]
) -> dict[str, Any]:
    """A batch of both answers of each, in turn, with what the loss needs besides."""
    samples = [sample for preference in preferences for sample in (preference.better, preference.worse)]
    cuts = [sum(label != IGNORED for label in sample.labels[1:]) for sample in samples]
    reference = torch.tensor([preference.reference or (0.0, 0.0) for preference in preferences])
    return {**collate(samples), "cuts": cuts, "reference": reference}
