"""The threshold from which on two pairs count as saying the same in other words, on a company's own questions.

Measured: each of the 503 English questions and answers of zaragoza_construction_faq as one text, all couples of them by
cosine. They were written to be different, yet some ask the same again in other words; these were read and are typed in
below. Above the threshold lie fourteen couples, twelve of which ask the same. Of the 3,080 test questions of banking77,
which are short and have no answers, 9 % have one of another intent above the threshold, 0.7 % above the one for short.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from curation.services.meaning import THRESHOLD
from tests.reference.shared_data import shared_data
from tests.reference.test_embedding import _FOLDER

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (_FOLDER / "model.safetensors").is_file(), reason="the embedding model is not unpacked; run `make up` once"
    ),
]
SAME = [
    ("Do I need a building permit for a deck (altan)?", "Is a building permit required for a deck (altan)?"),
    ("What is OVK?", "What is OVK and when is it required?"),
    ("What is ID06 and why is it required?", "What is ID06?"),
    (
        "What acoustic requirements apply to dwellings under BBR?",
        "What requirements apply to sound level in a finished dwelling?",
    ),
    (
        "Does BBR require accessibility in single-family homes?",
        "What accessibility requirements does BBR set for dwellings?",
    ),
    (
        "Who is responsible for the work environment?",
        "Who is responsible for health and safety on the construction site?",
    ),
    ("What does BF9K certification mean?", "What is BF9K?"),
]


def test_couples_above_the_threshold_ask_the_same_and_are_few() -> None:
    from ml.embed import Embedder

    file = shared_data("zaragoza_construction_faq") / "faq-en-alpaca.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    vectors = np.array(Embedder(_FOLDER).embed([f"{row['instruction']}\n{row['output']}" for row in rows]))
    likeness = np.triu(vectors @ vectors.T, 1)
    couples = {tuple(rows[n]["instruction"] for n in couple) for couple in np.argwhere(likeness >= THRESHOLD).tolist()}
    either = {frozenset(couple) for couple in couples}
    assert {frozenset(couple) for couple in SAME} <= either
    assert len(np.argwhere(likeness >= THRESHOLD)) <= 16
