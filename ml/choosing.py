"""How likely a model finds each of several answers to one question: the question is read once for all of them.

A row holds the question and behind it every answer, each of which sees the question and itself alone, at the positions
it would have behind the question. The last token of an answer is predicted and never read, so that answers of one token
cost nothing beside the question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch

from ml.prompting.encoding import IGNORED
from ml.score import Score, TokenLoss

_TOKENS = 1024  # of a batch: rows of about equal length, more of them when they are short


@dataclass(frozen=True, slots=True)
class Question:
    """Token ids of a question, at least one, and of its answers, at least one each."""

    prompt: list[int]
    answers: list[list[int]]

    @property
    def ids(self) -> list[int]:
        return [*self.prompt, *(token for answer in self.answers for token in answer[:-1])]

    @property
    def longest(self) -> int:
        return len(self.prompt) + max(map(len, self.answers)) - 1


@torch.no_grad()
def score_answers(
    loss: TokenLoss,
    questions: Sequence[Question],
    *,
    pad_id: int,
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext,
    check: Callable[[], None] = lambda: None,
) -> list[list[Score]]:
    """A score for each answer of each question, in the order given. `check` is called before each batch.

    The model is tried first: one that cannot be shown which token sees which is asked for one answer at a time.
    """
    model = loss.model
    was_training = model.training
    model.eval()
    found: list[list[Score]] = [[] for _ in questions]
    try:
        score = _together if _can_together(loss, questions, pad_id) else _alone
        for batch in _batches(questions):
            check()
            with autocast():
                scores = score(loss, [questions[index] for index in batch], pad_id)
            for index, each in zip(batch, scores, strict=True):
                found[index] = each
    finally:
        model.train(was_training)
    return found


def _batches(questions: Sequence[Question]) -> Iterator[list[int]]:
    """Indices, longest first, as many as fit _TOKENS with the padding they need."""
    order = sorted(range(len(questions)), key=lambda index: -len(questions[index].ids))
    start = 0
    while start < len(order):
        size = max(1, _TOKENS // len(questions[order[start]].ids))
        yield order[start : start + size]
        start += size


def _together(loss: TokenLoss, questions: Sequence[Question], pad_id: int) -> list[list[Score]]:
    inputs = _inputs(questions, pad_id)
    rows, columns, wanted, sizes = [], [], [], []
    for row, question in enumerate(questions):
        start = len(question.prompt)
        for answer in question.answers:
            rows += [row] * len(answer)
            columns += [len(question.prompt) - 1, *range(start, start + len(answer) - 1)]
            wanted += answer
            sizes.append(len(answer))
            start += len(answer) - 1
    device = next(loss.model.parameters()).device
    losses = loss.at(
        {name: value.to(device) for name, value in inputs.items()},
        torch.tensor(rows, device=device), torch.tensor(columns, device=device), torch.tensor(wanted, device=device),
    )  # fmt: skip
    parts = iter(losses.double().split(sizes))
    return [[_score(next(parts)) for _answer in question.answers] for question in questions]


def _inputs(questions: Sequence[Question], pad_id: int) -> dict[str, torch.Tensor]:
    """Ids and positions [rows, longest], and which token sees which [rows, 1, longest, longest]."""
    longest = max(len(question.ids) for question in questions)
    ids = torch.full((len(questions), longest), pad_id)
    positions = torch.zeros((len(questions), longest), dtype=torch.long)
    part = torch.full((len(questions), longest), -1)  # 0 the question, from 1 its answers, -1 padding
    for row, question in enumerate(questions):
        ids[row, : len(question.ids)] = torch.tensor(question.ids)
        lengths = [len(question.prompt), *(len(answer) - 1 for answer in question.answers)]
        ends = list(accumulate(lengths))
        for number, (end, length) in enumerate(zip(ends, lengths, strict=True)):
            part[row, end - length : end] = number
            begin = 0 if number == 0 else len(question.prompt)
            positions[row, end - length : end] = torch.arange(begin, begin + length)
    behind = torch.ones((longest, longest), dtype=torch.bool).tril()
    sees = behind & ((part[:, None, :] == 0) | (part[:, None, :] == part[:, :, None]))
    return {"input_ids": ids, "position_ids": positions, "attention_mask": sees[:, None]}


def _can_together(loss: TokenLoss, questions: Sequence[Question], pad_id: int) -> bool:
    """Whether two answers of one question are scored alike beside each other and alone, by this very model."""
    window = getattr(loss.model.config, "sliding_window", None)
    if window and window < max((question.longest for question in questions), default=0):
        return False
    tried = Question(list(range(3, 9)), [[9, 8, 7], [10, 6, 5, 4]])
    together, apart = (score(loss, [tried], pad_id)[0] for score in (_together, _alone))
    return all(
        abs(one.total - other.total) <= 1e-3 * abs(other.total) for one, other in zip(together, apart, strict=True)
    )


def _alone(loss: TokenLoss, questions: Sequence[Question], pad_id: int) -> list[list[Score]]:
    """Each answer in a row of its own, without any mask."""
    device = next(loss.model.parameters()).device
    found = []
    for question in questions:
        scores = []
        for answer in question.answers:
            ids = torch.tensor([question.prompt + answer], device=device)
            labels = ids.clone()
            labels[:, : len(question.prompt)] = IGNORED
            scores.append(_score(loss({"input_ids": ids}, labels).double()))
        found.append(scores)
    return found


def _score(losses: torch.Tensor) -> Score:
    return Score(float(losses.sum()), int(losses.numel()))
