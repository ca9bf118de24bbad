"""What finetuning did, in words that need no statistics."""

from typing import Any

import pytest

from evaluation.models import Candidate
from evaluation.selectors.plainly import plainly

BASE, TUNED = Candidate(pk=1), Candidate(pk=2)


def row(before: float, after: float, verdict: str, count: int = 30) -> dict[str, Any]:
    cells = [{"candidate": BASE.pk, "mean": before, "count": count}, {"candidate": TUNED.pk, "mean": after}]
    return {"candidates": cells, "differences": [{"candidate": TUNED.pk, "verdict": verdict}]}


@pytest.mark.parametrize(
    ("loss", "chrf", "limit", "tone", "words"),
    [
        ("better", "better", "better", "ok", "finetuning helped: the experts' answers surprise the model less, and"),
        ("better", "undecided", "undecided", "ok", "come closer to them cannot be seen yet"),
        ("better", "worse", "better", "warn", "of 2 measures of its own answers 1 got worse and 1 better"),
        ("worse", "better", "better", "bad", "finetuning did harm"),
        ("undecided", "better", "better", "info", "too close to say"),
    ],
)
def test_it_helped_only_where_no_measure_of_its_answers_got_worse(
    loss: str, chrf: str, limit: str, tone: str, words: str
) -> None:
    rows = {"loss": row(3.7, 3.4, loss), "chrf": row(23, 15, chrf), "limit": row(0.97, 0.2, limit)}
    found = plainly(rows, BASE, TUNED)
    assert found.tone == tone
    assert words in found.sentence


@pytest.mark.parametrize(
    ("words", "rouge", "tone"),
    [(32.0, "undecided", "ok"), (32.0, "better", "ok"), (32.0, "worse", "warn"), (120.0, "undecided", "warn")],
)
def test_a_likeness_that_fell_with_the_length_alone_does_not_make_it_mixed(words: float, rouge: str, tone: str) -> None:
    rows = {
        "loss": row(3.7, 3.4, "better"), "chrf": row(23, 15, "worse"), "rouge_l": row(0.2, 0.2, rouge),
        "limit": row(0.97, 0.2, "better"), "length_words": row(110.8, words, "different"),
    }  # fmt: skip
    found = plainly(rows, BASE, TUNED)
    assert found.tone == tone
    assert ("That number falls with the length" in found.facts) == (tone == "ok")
    del rows["rouge_l"]  # nothing stands against it
    assert plainly(rows, BASE, TUNED).tone == "warn"


def test_length_ends_and_likeness_are_told_where_they_were_measured() -> None:
    rows = {
        "limit": row(0.97, 0.2, "better"),
        "length_words": row(110.8, 32.5, "different"),
        "chrf": row(23, 15, "worse"),
    }
    assert plainly(rows, BASE, TUNED).facts == (
        "Its answers are shorter: 32 words on average against 111. 24 of 30 answers end by themselves, against 1. "
        "In wording they share 15 of 100 with the experts', against 23 before. That is still far from them."
    )
    near = plainly({"chrf": row(23, 71, "better"), "length_words": row(20, 20.2, "different")}, BASE, TUNED).facts
    assert near == (
        "Its answers are as long as before: 20 words on average. "
        "In wording they share 71 of 100 with the experts', against 23 before."
    )
