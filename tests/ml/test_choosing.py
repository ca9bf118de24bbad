"""Answers to choose from: scored beside each other as alone, whatever else is in the batch."""

from __future__ import annotations

import random

import pytest
import torch

from ml import choosing
from ml.choosing import Question, score_answers
from ml.loading import load_base
from ml.prompting.encoding import IGNORED
from ml.sample import Sample
from ml.score import Score, TokenLoss, score_samples
from ml.tiny import make_tiny_model


@pytest.fixture(scope="module")
def loss(tmp_path_factory: pytest.TempPathFactory) -> TokenLoss:
    return TokenLoss(load_base(make_tiny_model(tmp_path_factory.mktemp("tiny"))))


def questions(count: int) -> list[Question]:
    chance = random.Random(5)

    def text(most: int) -> list[int]:
        return [chance.randrange(3, 380) for _ in range(chance.randint(1, most))]

    return [Question(text(40), [text(12) for _ in range(chance.randint(1, 5))]) for _ in range(count)]


def one_by_one(loss: TokenLoss, asked: list[Question]) -> list[list[Score]]:
    return [
        score_samples(
            loss.model,
            [Sample(each.prompt + answer, [IGNORED] * len(each.prompt) + answer) for answer in each.answers],
            pad_id=2,
        )
        for each in asked
    ]


def test_answers_beside_each_other_score_as_alone(loss: TokenLoss) -> None:
    asked = questions(40)
    found = score_answers(loss, asked, pad_id=2)
    for mine, theirs in zip(found, one_by_one(loss, asked), strict=True):
        assert [score.tokens for score in mine] == [score.tokens for score in theirs]
        assert [score.total for score in mine] == pytest.approx([score.total for score in theirs], rel=1e-5)


def test_answers_of_one_token_cost_no_more_than_the_question(loss: TokenLoss) -> None:
    question = Question([5, 6, 7, 8], [[token] for token in range(20, 60)])
    assert question.ids == question.prompt
    [scores] = score_answers(loss, [question], pad_id=2)
    with torch.no_grad():
        logits = loss.model(torch.tensor([question.prompt])).logits[0, -1].float()
    wanted = -torch.log_softmax(logits, dim=-1)[20:60]
    assert [score.total for score in scores] == pytest.approx(wanted.tolist(), rel=1e-5)


def test_a_model_that_looks_back_a_short_way_is_asked_one_at_a_time(
    loss: TokenLoss, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = questions(3)
    monkeypatch.setattr(loss.model.config, "sliding_window", 4, raising=False)
    calls = []
    alone = choosing._alone
    monkeypatch.setattr(choosing, "_alone", lambda *given: calls.append(1) or alone(*given))
    found = score_answers(loss, asked, pad_id=2)
    assert calls
    assert [[score.tokens for score in each] for each in found] == [[len(a) for a in each.answers] for each in asked]
