"""The three-way merge: what only one changed is taken, what both changed differently is marked, nothing is dropped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.merge import conflicts, is_undecided, merge, merged_text

BASE = "The beam carries the roof.\n\nAsk an engineer before cutting it."


def test_changes_at_different_places_are_put_together() -> None:
    yours = BASE.replace("beam", "girder")
    theirs = BASE.replace("before cutting it", "first")
    pieces = merge(BASE, yours, theirs)
    assert merged_text(pieces) == "The girder carries the roof.\n\nAsk an engineer first."
    assert conflicts(pieces) == 0


def test_what_both_changed_differently_is_marked_and_holds_both() -> None:
    pieces = merge("The beam holds.", "The girder holds.", "The joist holds.")
    text = merged_text(pieces)
    assert text == "The ⟦yours⟧girder⟦theirs⟧joist⟦end⟧ holds."
    assert conflicts(pieces) == 1
    assert is_undecided(text)
    assert not is_undecided("The girder holds ⟦yours⟧ nothing.")


def test_the_same_change_of_both_is_no_conflict() -> None:
    assert merged_text(merge("a b c", "a x c", "a x c")) == "a x c"


@pytest.mark.parametrize(
    ("base", "yours", "theirs", "wanted"),
    [
        ("", "", "", ""),
        ("one two three", "one three", "one two three four", "one three four"),
        ("one\n", "one\ntwo\n", "zero\none\n", "zero\none\ntwo\n"),
        ("gone", "", "gone", ""),
        ("梁は屋根を支える", "桁は屋根を支える", "梁は床を支える", "桁は床を支える"),
    ],
)
def test_known_merges(base: str, yours: str, theirs: str, wanted: str) -> None:
    assert merged_text(merge(base, yours, theirs)) == wanted


def test_a_deletion_against_a_change_is_a_conflict() -> None:
    assert conflicts(merge("keep this word here", "keep here", "keep this phrase here")) == 1


def test_long_texts_are_merged_by_lines_and_beyond_that_as_a_whole() -> None:
    base = "".join(f"line {number} of a long text\n" for number in range(1500))
    yours, theirs = base.replace("line 3 ", "LINE 3 "), base.replace("line 1400 ", "LINE 1400 ")
    merged = merged_text(merge(base, yours, theirs))
    assert merged == yours.replace("line 1400 ", "LINE 1400 ")
    one = "x\n" * 3000
    assert merged_text(merge(one, one + "mine", one + "theirs")) == f"⟦yours⟧{one}mine⟦theirs⟧{one}theirs⟦end⟧"


TEXT = st.lists(st.sampled_from(["a", "b", "c", " ", "\n", "word"]), max_size=14).map("".join)


@given(TEXT, TEXT, TEXT)
def test_no_text_is_lost_and_who_changed_nothing_gives_way(base: str, yours: str, theirs: str) -> None:
    pieces = merge(base, yours, theirs)
    for name, whole in (("base", base), ("yours", yours), ("theirs", theirs)):
        assert "".join(getattr(piece, name) for piece in pieces) == whole
    assert merged_text(merge(base, base, theirs)) == theirs
    assert merged_text(merge(base, yours, base)) == yours
    mirrored = merge(base, theirs, yours)
    assert conflicts(mirrored) == conflicts(pieces)
