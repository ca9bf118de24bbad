"""The distance of two texts in words, against the textbook's recursion."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.distance import word_distance


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("", "", 0.0),
        ("a b c", "a  b\nc", 0.0),
        ("a b c", "", 1.0),
        ("", "a", 1.0),
        ("One metre.", "Two metres!", 1.0),
        ("a b c d", "a x c d", 0.25),
        ("a b c d", "b c d", 0.25),
        ("the fence is high", "high is the fence", 1.0),
        ("Fence", "fence", 1.0),
        ("åäö räksmörgås", "åäö smörgås", 0.5),
    ],
)
def test_it_counts_changed_words(first: str, second: str, expected: float) -> None:
    assert word_distance(first, second) == expected


@given(st.lists(st.sampled_from("abc"), max_size=9), st.lists(st.sampled_from("abc"), max_size=9))
def test_it_is_the_textbooks_levenshtein(first: list[str], second: list[str]) -> None:
    @cache
    def distance(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        changed = distance(i - 1, j - 1) + (first[i - 1] != second[j - 1])
        return min(changed, distance(i - 1, j) + 1, distance(i, j - 1) + 1)

    longest = max(len(first), len(second), 1)
    assert word_distance(" ".join(first), " ".join(second)) == distance(len(first), len(second)) / longest
