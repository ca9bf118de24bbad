"""Words are counted alike in every script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.words import count_words, normalise, word_spans, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Räksmörgås, TACK!", ["räksmörgås", "tack"]),
        ("stop_it 3.14", ["stop", "it", "3", "14"]),
        ("don’t", ["don", "t"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("你好 world", ["你", "好", "world"]),
        ("a\u030angstr", ["ångstr"]),
        ("שלום עולם", ["שלום", "עולם"]),
        ("", []),
    ],
)
def test_words(text, expected):
    assert words(text) == expected
    assert count_words(text) == len(expected)


def test_spans_point_into_the_text_as_given():
    assert list(word_spans("Ett HUS.")) == [("ett", 0, 3), ("hus", 4, 7)]


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_ascii_text_has_the_same_words_beside_other_scripts(text):
    assert words(f"{text} ö")[:-1] == words(text)


@given(st.text())
def test_spans_and_counts_agree(text):
    spans = list(word_spans(text))
    assert len(spans) == count_words(text)
    assert all(normalise(text[start:end]) == word for word, start, end in spans)
