"""Near duplicates are found as if every pair had been compared."""

import csv
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml import near_duplicates as module
from ml.near_duplicates import SKETCH_BYTES, Bands, Unit, near_duplicates, proposed, sketches
from ml.words import words
from tests.reference.shared_data import shared_data


def shingles(text: str, short: bool) -> set:
    tokens = words(text)
    if not short:
        return set(tokens) | set(itertools.pairwise(tokens)) if len(tokens) >= 17 else set()
    line = f" {' '.join(tokens)} "
    return {line[start : start + size] for size in (3, 4) for start in range(len(line) - size + 1)} if tokens else set()


def compared_one_by_one(texts: list[str], threshold: float) -> list[tuple[int, int]]:
    return [
        (i, j) for i, j in itertools.combinations(range(len(texts)), 2) if similarity(texts[i], texts[j]) >= threshold
    ]


def similarity(one: str, other: str) -> float:
    short = len(words(one)) <= 24 and len(words(other)) <= 24
    first, second = shingles(one, short), shingles(other, short)
    return len(first & second) / len(first | second) if first and second else 0.0


def test_changed_words_blanks_and_case_are_near():
    texts = [
        "How long does it take to get a building permit for a garage?",
        "how long does it take to get a building permit  for a garage",
        "How long does it usually take to get a building permit for a garage?",
        "What does a new kitchen cost?",
        "Hur länge tar det att få bygglov för ett garage?",
        "Hur länge tar det att få bygglov för ett garage, egentligen?",
    ]
    assert near_duplicates(texts) == [(0, 1), (0, 2), (1, 2), (4, 5)]


def test_a_slip_in_a_short_text_is_near():
    texts = [
        "How do I lock my stolen card?",
        "How do I lokc my stolen card?",
        "Do how I lock my stolen card",
        "How do I top up?",
    ]
    assert near_duplicates(texts) == [(0, 1), (0, 2)]


def test_texts_of_middling_length_are_compared_both_ways():
    """24 words are compared by letters with fewer, by words with more."""
    middle = " ".join(f"word{n}s" for n in range(24))
    texts = [middle.removesuffix(" word23s"), middle, f"{middle} once more", "one word of the others word7s"]
    assert near_duplicates(texts) == [(0, 1), (0, 2), (1, 2)]


def test_blank_texts_and_single_texts_are_like_no_other():
    assert near_duplicates([]) == []
    assert near_duplicates(["one text"]) == []
    assert near_duplicates(["", "", "!!!", "!!!"]) == []


def test_a_long_common_prompt_does_not_make_texts_alike():
    template = "Read the question of the customer and answer with one category of the list and nothing else: "
    questions = [
        f"{a} {b} {c}" for a in ("how", "when", "why") for b in ("paint", "wash", "mend") for c in ("roofs", "walls")
    ]
    assert near_duplicates([template + question for question in questions]) == []
    assert near_duplicates([template + question for question in [*questions, "why, mend walls"]]) == [(17, 18)]


WORDS = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]


@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=4, max_size=8).map(" ".join), max_size=9, unique=True))
@settings(deadline=None)
def test_small_sets_are_compared_like_one_by_one(texts):
    assert near_duplicates(texts, threshold=0.9) == compared_one_by_one(texts, 0.9)


@pytest.mark.slow
def test_real_questions_are_compared_like_one_by_one(monkeypatch):
    """800 short customer questions; the filter of common words is off, so that the plain similarity decides."""
    with shared_data("banking77/train.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in itertools.islice(csv.DictReader(file), 800)]
    monkeypatch.setattr(module, "_COMMON_SHARE", dict.fromkeys(Unit, 1.0))
    expected = compared_one_by_one(texts, 0.7)
    assert len(expected) > 20
    assert near_duplicates(texts) == expected


def test_large_buckets_compare_neighbours_only(monkeypatch):
    texts = [f"the same long sentence about building permits and garages number {n}" for n in range(60)]
    monkeypatch.setattr(module, "_COMMON_SHARE", dict.fromkeys(Unit, 1.0))
    everything = near_duplicates(texts)
    assert len(everything) == 60 * 59 / 2
    monkeypatch.setattr(module, "_BUCKET", 10)
    some = near_duplicates(texts)
    assert set(some) < set(everything)
    linked = {number for pair in some for number in pair}
    assert linked == set(range(60)), "every text is still linked with some"


def sketched(texts: list[str]) -> np.ndarray:
    kept = sketches(texts, Unit.WORDS, np.zeros(0, dtype=np.uint64))
    return np.frombuffer(b"".join(kept), dtype=np.uint8).reshape(-1, SKETCH_BYTES)


def varied(count: int) -> list[str]:
    """Sentences of twenty words, each with one word changed in the next three."""
    return [
        " ".join([*(f"word{n // 4 * 20 + place}" for place in range(19)), f"last{n}"]) for n in range(count)
    ]  # fmt: skip


def test_texts_that_pass_by_in_shelves_meet_those_that_a_look_at_all_together_proposes():
    kept = sketched(varied(90))
    own, others = kept[::3], np.concatenate([kept[1::3], kept[2::3]])
    bands = Bands(own)
    met = [bands.proposed(others[start : start + 7]) + np.array([0, start]) for start in range(0, len(others), 7)]
    together = proposed(np.concatenate([own, others]), np.arange(len(kept)) < len(own))
    crossing = together[(together[:, 0] < len(own)) & (together[:, 1] >= len(own))] - np.array([0, len(own)])
    assert len(crossing) > 30
    assert sorted(map(tuple, np.concatenate(met).tolist())) == sorted(map(tuple, crossing.tolist()))
    assert len(Bands(own[:0]).proposed(others)) == len(bands.proposed(others[:0])) == 0


def test_a_band_that_many_share_meets_the_first_of_those_that_pass_by(monkeypatch):
    monkeypatch.setattr(module, "_WINDOW", 3)
    same = sketched(varied(1) * 10)
    bands = Bands(same[:2])
    met = [bands.proposed(same[2:4]), bands.proposed(same[4:])]
    assert [pairs.tolist() for pairs in met] == [[[0, 0], [0, 1], [1, 0], [1, 1]], [[0, 0], [1, 0]]]


def test_the_order_of_the_texts_does_not_matter():
    texts = [f"{a} {b} {c} {d}" for a in "mn" for b in "opq" for c in "rst" for d in ("uv", "uw")]
    forward = {frozenset((texts[i], texts[j])) for i, j in near_duplicates(texts, threshold=0.5)}
    backward = {frozenset((texts[-1 - i], texts[-1 - j])) for i, j in near_duplicates(texts[::-1], threshold=0.5)}
    assert forward == backward
    assert forward


def test_an_impossible_threshold_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1, not at 0"):
        near_duplicates(["a", "b"], threshold=0)
