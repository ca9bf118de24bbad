"""Passages are pieces of the text as it stands, below their headings, none too long."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.documents import split_passages

TEXT = """Before any heading, a first paragraph that is long enough to stand alone.

# Travel

## Booking

Book early.

Ask your team first, then the desk, and keep every receipt that you are given on the way.

## Costs

```
# no heading
```

The desk pays within ten days of your return.
"""


def test_each_passage_knows_its_headings_and_where_it_stands() -> None:
    found = split_passages(TEXT, longest=200, shortest=10)
    assert [(passage.trail, passage.text.split("\n")[0]) for passage in found] == [
        ((), "Before any heading, a first paragraph that is long enough to stand alone."),
        (("Travel", "Booking"), "Book early."),
        (("Travel", "Costs"), "```"),
    ]
    assert all(TEXT[passage.start : passage.end] == passage.text for passage in found)


def test_a_short_section_is_put_together_with_what_follows_below_its_heading() -> None:
    text = "# A\n\nShort.\n\n## B\n\nThis belongs to A too and follows directly.\n\n# C\n\nElsewhere."
    found = split_passages(text, longest=200, shortest=20)
    assert [(passage.trail, passage.text.split("\n")[0]) for passage in found] == [
        (("A",), "Short."),
        (("C",), "Elsewhere."),
    ]


def test_a_long_paragraph_is_cut_at_sentences_and_a_word_without_end_anywhere() -> None:
    sentences = " ".join(f"This is sentence number {number} of many." for number in range(40))
    found = split_passages(sentences, longest=200, shortest=10)
    assert all(passage.text.startswith("This is") and passage.text.endswith("many.") for passage in found)
    assert " ".join(passage.text for passage in found) == sentences
    assert [len(passage.text) for passage in split_passages("x" * 450, longest=200, shortest=10)] == [200, 200, 50]


def test_pages_are_counted_from_one() -> None:
    text = "First page.\n\nSecond page.\n\nThird page."
    found = split_passages(text, longest=15, shortest=0, pages=(13, 27))
    assert [(passage.text, passage.page) for passage in found] == [
        ("First page.", 1),
        ("Second page.", 2),
        ("Third page.", 3),
    ]


def test_impossible_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="not below"):
        split_passages("x", longest=10, shortest=10)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab .#\n`~。", max_size=400), st.integers(5, 60))
def test_nothing_but_headings_and_blanks_is_lost_or_doubled(text: str, longest: int) -> None:
    found = split_passages(text, longest=longest, shortest=longest // 4)
    assert all(text[passage.start : passage.end] == passage.text for passage in found)
    assert all(len(passage.text) <= longest and passage.text == passage.text.strip() for passage in found)
    assert all(before.end <= after.start for before, after in pairwise(found))
    between = [0, *(passage.end for passage in found)], [*(passage.start for passage in found), len(text)]
    gaps = "\n".join(text[start:end] for start, end in zip(*between, strict=True))
    assert all(not line.strip() or line.lstrip("\n").startswith("#") for line in gaps.split("\n"))
