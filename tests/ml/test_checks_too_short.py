"""Too short or empty: nothing, or a small part of what is usual."""

import pytest

from ml.checks import CheckContext, TypicalLengths, get_check

TYPICAL = TypicalLengths(median=40, high=90, count=100, low=20)


def find(text: str, **context):
    return get_check("too_short").find(text, CheckContext(**context))


@pytest.mark.parametrize("text", ["", " \n", "...", "-", "+", "?!"])
def test_a_text_without_a_word_is_empty_or_has_signs_alone(text):
    (finding,) = find(text)
    assert (finding.severity, finding.start, finding.end) == ("error", 0, len(text))
    assert finding.message == ("This text has no letter and no digit." if text.strip() else "This text is empty.")


def test_far_fewer_words_than_the_accepted_texts_have():
    (finding,) = find("word " * 9, typical_lengths=TYPICAL)
    assert finding.severity == "warning"
    assert finding.message == "19 of 20 accepted texts of this task have at least 20 words; this has 9."
    assert find("word " * 10, typical_lengths=TYPICAL) == []


def test_a_small_part_of_the_expected_answer():
    (finding,) = find("one two", reference="word " * 13, typical_lengths=TYPICAL)
    assert finding.message == "The expected answer has 13 words; this has 2."
    assert find("one two three", reference="word " * 13) == []


@pytest.mark.parametrize(
    ("text", "context", "why"),
    [
        ("👍", {}, "an emoji is an answer"),
        ("😌😊", {"typical_lengths": TypicalLengths(2, 9, 100, 1)}, "emoji are an answer where others use a word"),
        ("是", {}, "one sign of another script is an answer"),
        ("Yes", {"typical_lengths": TypicalLengths(1, 2, 100, 1)}, "a task of one-word answers"),
        ("Yes", {"typical_lengths": TypicalLengths(40, 90, 19, 20)}, "a few texts say nothing about what is usual"),
        ("Paris.", {"reference": "The capital of France is Paris."}, "a short way to say the same"),
        ("Why?", {"field": "instruction", "typical_lengths": TYPICAL}, "a short question"),
    ],
)
def test_false_positive(text, context, why):
    assert find(text, **context) == [], why
