"""Over a whole task: the same pair twice, nearly the same, two answers to one question."""

import pytest

from ml.checks import PairTexts, corpus_checks, corpus_links

LONG = "Write to the municipality with a drawing and a plan of the plot; a decision takes at most ten weeks from then."


def links(check: str, *pairs: tuple[str, str]) -> list[tuple[int, int]]:
    checks = [one for one in corpus_checks() if one.id == check]
    return [(link.one, link.other) for link in corpus_links([PairTexts(*pair) for pair in pairs], checks)]


def test_duplicates_differ_in_capitals_blanks_and_punctuation_only():
    pairs = [("How high?", "Two metres."), ("How long?", "Ten."), ("how high", "two  metres"), ("How high?", "Three.")]
    assert links("duplicate", *pairs) == [(0, 2)]


def test_texts_without_words_are_compared_as_they_are():
    assert links("duplicate", ("?", "!"), ("?", "!!"), ("?", "!")) == [(0, 2)]


def test_a_large_group_of_duplicates_links_every_member_but_not_all_with_all():
    found = links("duplicate", *[("Same?", "Yes.")] * 300)
    assert {place for link in found for place in link} == set(range(300))
    assert len(found) < 1000


def test_near_duplicates_leave_duplicates_to_their_own_check():
    pairs = [
        ("How do I apply?", LONG),
        ("How do I apply?", LONG.replace("drawing", "sketch")),
        ("HOW do I apply", LONG),
        ("What is a fence?", "A thing between you and your neighbour."),
        ("How do I apply?", "Write to the municipality by mail, and wait for an answer, which takes some weeks."),
    ]
    assert links("near_duplicate", *pairs) == [(0, 1), (1, 2)]
    assert links("duplicate", *pairs) == [(0, 2)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It takes 10 weeks.", "It takes 8 weeks."),
        ("Yes, if it is high.", "No, it is high."),
        ("Ask the municipality first.", "Nobody needs to know anything."),
    ],
)
def test_two_answers_that_do_not_agree(one, other):
    assert links("conflict", ("How long?", one), ("how long", other)) == [(0, 1)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("It takes 10 weeks.", "It takes 10 weeks, at most.", id="nearly the same words"),
        pytest.param("It takes 10 weeks or 70 days.", "It takes 70 days.", id="a number in common"),
        pytest.param("Ten weeks.", "ten  weeks", id="the same"),
        pytest.param("Yes.", "Yes, if the wall bears something or is within a cultural area.", id="the same at length"),
        pytest.param("10", "It takes 10 weeks from the day on which all papers are in.", id="a number at length"),
    ],
)
def test_false_positive_conflict(one, other):
    assert links("conflict", ("How long?", one), ("How long?", other)) == []


def test_another_question_may_have_another_answer():
    assert links("conflict", ("How long?", f"{LONG} At most 10."), ("How high?", f"{LONG} At most 8.")) == []
    assert links("near_duplicate", ("How long?", f"{LONG} At most 10."), ("How high?", f"{LONG} At most 8.")) == [
        (0, 1)
    ]
