"""Word diff and markdown."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.diff import word_diff
from core.markdown import render_markdown


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_diff_leads_from_the_one_text_to_the_other(old: str, new: str) -> None:
    parts = word_diff(old, new)
    assert "".join(text for op, text in parts if op != "insert") == old
    assert "".join(text for op, text in parts if op != "delete") == new
    assert all(text for _op, text in parts)
    assert all(one[0] != other[0] for one, other in pairwise(parts))


def test_one_changed_word_is_marked_as_one() -> None:
    assert word_diff("Use lime plaster, not gypsum.", "Use clay plaster, not gypsum.") == [
        ("equal", "Use "),
        ("delete", "lime"),
        ("insert", "clay"),
        ("equal", " plaster, not gypsum."),
    ]


def test_texts_that_are_equal_or_empty() -> None:
    assert word_diff("The fee is 40 kr, at least.", "The fee was 50 kr, at least.") == [
        ("equal", "The fee "), ("delete", "is 40"), ("insert", "was 50"), ("equal", " kr, at least."),
    ]  # fmt: skip

    assert word_diff("same", "same") == [("equal", "same")]
    assert word_diff("", "") == []
    assert word_diff("", "new") == [("insert", "new")]
    assert word_diff("old", "") == [("delete", "old")]


def test_a_script_without_spaces_is_compared_letter_by_letter() -> None:
    assert word_diff("建設現場", "建設会社") == [("equal", "建設"), ("delete", "現場"), ("insert", "会社")]


@pytest.mark.parametrize(("old", "new"), [("e\u0301t", "et"), ("कि", "क"), ("👩‍🔧x", "👩x")])
def test_a_letter_and_its_sign_are_never_marked_apart(old: str, new: str) -> None:
    for _op, text in word_diff(old, new):
        assert text[0] not in "\u0301\u093f\u200d"


def test_long_texts_are_compared_within_a_second() -> None:
    old = " ".join(f"word{n}" for n in range(20_000))
    new = " ".join(f"other{n}" for n in range(20_000))
    begun = time.process_time()
    parts = word_diff(old, new)
    assert time.process_time() - begun < 2
    assert [op for op, _text in parts] == ["delete", "insert"]


def test_markdown_becomes_headings_below_the_pages_own_and_safe_links() -> None:
    html = render_markdown("# Tone\n\nBe *brief*; see [rules](https://example.org/a?b=1&c).\n\n1. one\n2. two")
    assert "<h3>Tone</h3>" in html
    assert "<em>brief</em>" in html
    assert '<a href="https://example.org/a?b=1&amp;c" rel="noopener noreferrer nofollow">rules</a>' in html
    assert "<li>two</li>" in html


def test_a_table_is_drawn_without_style() -> None:
    html = render_markdown("| a | b |\n|:-:|--:|\n| 1 | 2 |")
    assert "<td>1</td>" in html
    assert "style" not in html


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](https://example.org/beacon.png)",
        "<a href='javascript:alert(1)' style='x'>y</a>",
        "```\n</code></pre><script>alert(1)</script>\n```",
        "[x](<java\nscript:alert(1)>)",
        "<svg/onload=alert(1)>",
    ],
)
def test_nothing_in_markdown_runs_or_loads(hostile: str) -> None:
    html = render_markdown(hostile)
    lower = html.lower()
    for bad in ("<script", "<img", "<svg", 'href="javascript', 'href="data', "<a style"):
        assert bad not in lower
    tags = [part.split(">")[0] for part in lower.split("<")[1:]]
    assert not [tag for tag in tags if " on" in tag or "style=" in tag or "src=" in tag]
