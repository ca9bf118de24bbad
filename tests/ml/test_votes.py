"""Vote files are read whole or refused with the row."""

import numpy as np
import pytest

from ml.votes import VoteError, Votes, read_votes


def write(folder, content: str):
    path = folder / "votes.csv"
    path.write_text(content, encoding="utf-8")
    return path


def test_a_file_is_read_with_any_column_order_a_bom_and_blank_lines(tmp_path):
    path = write(
        tmp_path, "\ufeffprompt,Winner,left,right,remark\np1, LEFT ,a,b,\n\np2,both_bad,c,a,so so\np1,right,b,c,\n\n"
    )
    votes = read_votes(path)
    assert votes.items == ("a", "c", "b")
    assert [votes.items[n] for n in votes.left] == ["a", "c", "b"]
    assert [votes.items[n] for n in votes.right] == ["b", "a", "c"]
    assert votes.outcome.tolist() == [1.0, 0.5, 0.0]
    assert votes.prompt.tolist() == [0, 1, 0]
    assert votes.rater is None
    assert len(votes) == 3


def test_long_files_are_read_in_parts_that_agree(tmp_path, monkeypatch):
    rows = "".join(f"m{n % 7},m{n % 7 + 1},left,r{n % 3}\n" for n in range(100))
    path = write(tmp_path, "left,right,winner,rater\n" + rows)
    whole = read_votes(path)
    monkeypatch.setattr("ml.votes._ROWS", 9)
    parts = read_votes(path)
    names = [[votes.items[n] for n in votes.left] for votes in (whole, parts)]
    assert names[0] == names[1] == [f"m{n % 7}" for n in range(100)]
    assert np.array_equal(whole.rater, parts.rater)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "Row 1: the column 'left' is missing; the heading must name left, right and winner."),
        ("left,right\na,b\n", "Row 1: the column 'winner' is missing"),
        ("left,right,winner\n", "There are no votes below the heading."),
        ("left,right,winner\n\n\n", "There are no votes below the heading."),
        (
            "left,right,winner\na,b,left\na,b,draw\n",
            "Row 3: the winner is 'draw'; it must be one of left, right, tie, ",
        ),
        ("left,right,winner\n\na,a,left\n", "Row 3 compares 'a' with itself; a vote compares two named items."),
        ("left,right,winner\na,,left\n", "Row 2 has an item without a name"),
        ("left,right,winner\na,b,left\na,b\n", "Row 3 has 2 columns; the heading has 3."),
        ('left,right,winner\na,"b,left\n', "is not a CSV file"),
    ],
)
def test_a_bad_file_is_refused_with_the_row(tmp_path, content, message):
    with pytest.raises(VoteError) as error:
        read_votes(write(tmp_path, content))
    assert message in str(error.value)


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_bytes("left,right,winner\nå,b,left\n".encode("latin-1"))
    with pytest.raises(VoteError, match="not UTF-8"):
        read_votes(path)


def test_votes_from_columns_name_the_bad_vote():
    with pytest.raises(VoteError, match="Vote 2: the winner is 'nobody'"):
        Votes.of(["a", "a"], ["b", "b"], ["left", "nobody"])
    with pytest.raises(VoteError, match="Vote 1 compares 'a' with itself"):
        Votes.of(["a"], ["a"], ["tie"])
