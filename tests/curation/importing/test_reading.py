"""Files as people's programs write them: a broken row is one refused row, and no line of it comes in as another."""

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from core.denied import ApplicationError
from curation.import_json import json_values
from curation.import_reading import read_csv, text_encoding
from curation.import_tables import refuse
from ml.phrases import beside, gettext_noop
from ml.tables import TableError

Rows = list[tuple[int, str]]


def read(tmp_path: Path, text: str) -> Rows:
    """Number and cells of each row, or the beginning of what is wrong with it."""
    path = tmp_path / "rows.csv"
    path.write_bytes(text.encode())
    return [(row.number, row.problem[:20] or "|".join(row.values.values())) for row in read_csv(path)]


def test_why_a_file_cannot_be_read_is_said_in_the_readers_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.sentences.gettext", "«{}»".format)
    path = tmp_path / "rows.csv"
    path.write_bytes(b"q,a\n\x00\x01\x81,b\n")
    with pytest.raises(ApplicationError, match=r"^«The file is not UTF-8: byte 7 in line 2 cannot be read\.» Nothing"):
        text_encoding(path)
    error = TableError(gettext_noop("The file is empty.")).at("data/train.parquet")
    with pytest.raises(ApplicationError, match=r"^«data/train\.parquet: «The file is empty\.»»$"):
        refuse({"error": str(error), **beside(error.args[0])})


CELLS = "Cells in this row: 1"
BROKEN = "This row is not vali"
MISSING = "A quotation mark is "


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('q,a\n"x"y,"two\nlines, of it"\nnext,one\n', [(2, BROKEN), (3, "next|one")]),
        ('q,a\n"lost ,x\n"next","y"\nz,w\n', [(2, BROKEN), (3, "z|w")]),
        ('q,a\nx\rand y,z\nnext,one\n', [(2, BROKEN), (3, "next|one")]),
        ('q,a\r\n"x\ry",z\r\n', [(2, "x\ry|z")]),
        ("q,a\rx,y\rnext,one\r", [(2, "x|y"), (3, "next|one")]),
        ('q,a\nfirst\nsecond, half\n', [(2, CELLS), (3, "second| half")]),
        ('q,a\nfirst\nhalf","whole"\nnext,"o""ne"\n', [(2, CELLS), (3, MISSING), (4, 'next|o"ne')]),
        ('q,a,t\nx,5" pipe,u\nx,y\nx,y,z\n', [(2, 'x|5" pipe|u'), (3, "Cells in this row: 2"), (4, "x|y|z")]),
        ("q,a,\nx,y\nx,y,,,\nx,y,z,v\n", [(2, "x|y"), (3, "x|y"), (4, "Cells in this row: 4")]),
        ('q,a\nx\x00y,z\n"last"x,"of all"', [(2, "x\x00y|z"), (3, BROKEN)]),
    ],
)  # fmt: skip
def test_a_broken_row_is_told_and_its_lines_are_no_rows(tmp_path: Path, text: str, rows: Rows) -> None:
    assert read(tmp_path, text) == rows


@pytest.mark.parametrize("text", ['q,a\nx,y\nz,"w\nv,u\n', 'q,a\nx,y\n"z"t,"w\nv,u\n', 'q,a\nx,y\nz,"w'])
def test_a_quotation_mark_that_is_never_closed_refuses_the_file(tmp_path: Path, text: str) -> None:
    with pytest.raises(ApplicationError, match="row that begins in line 3 is never closed"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('q\ta\n"Well"\t"say ""when"""\n', [(2, 'Well|say "when"')]),  # as a spreadsheet saves it
        ('q\ta\n"two\nlines"\t"and\n\n""two"""\nnext\tone\n', [(2, 'two\nlines|and\n\n"two"'), (3, "next|one")]),
        ('q\ta\n"Yes" or "no"?\t"No" is "no"\nnext\tone\n', [(2, '"Yes" or "no"?|"No" is "no"'), (3, "next|one")]),
        ('q\ta\r\n"open\tx\r\nnext\t"one\r\n', [(2, '"open|x'), (3, 'next|"one')]),
        ('q\ta\nx\t"open\nnext\tone"\n', [(2, 'x|"open'), (3, 'next|one"')]),
        ('q, if any\ta, at last, or none\nx, y\t5" pipe; z\n', [(2, 'x, y|5" pipe; z')]),
        ('q\ta\n"x"y\nnext\tone\n', [(2, BROKEN), (3, "next|one")]),
    ],
)
def test_between_tabs_a_quotation_mark_that_pairs_with_none_means_itself(tmp_path: Path, text: str, rows: Rows) -> None:
    assert read(tmp_path, text) == rows


ENTRIES = [
    {"q": 'a "b" \\ \u00e5😀', "n": [1, -2.5e-07, {}], "e": ""},
    7,
    -1.25e30,
    True,
    None,
    "",
    [],
    {"x": {"y": []}},
]


@pytest.mark.parametrize("chunk", [1, 2, 5, 2**20])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], []), (ENTRIES, ENTRIES), ({"rows": ENTRIES}, ENTRIES),
        ({"a": [], "b": 1e-9, "rows": [{"q": 1}, 2], "c": [1, {}]}, [{"q": 1}, 2]),
    ],
)  # fmt: skip
def test_a_json_file_gives_its_entries_wherever_its_pieces_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, value: Any, expected: list[Any]
) -> None:
    monkeypatch.setattr("curation.import_json.CHUNK", chunk)
    path = tmp_path / "rows.json"
    for written in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=2), json.dumps(value) + "\r\n"):
        path.write_bytes(written.encode())
        assert list(json_values(path)) == expected


@pytest.mark.parametrize("chunk", [1, 2**20])
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[{"q": 1},\n{"q": 2}', "“]” is missing in line 2"),
        ('[{"q": 1},\n\n]', "Expecting value in line 3"),
        ('[{"q": 1}]\n[]', "something follows after the end in line 2"),
        ('{"rows": [{"q": 1}],\n}', "a name is missing in line 2"),
        ('{"rows" [{"q": 1}]}', "“:” is missing in line 1"),
        ('[{"q": "a}]', "Unterminated string starting in line 1"),
        ('[{"q": NaN}]', "NaN is not a JSON value"),
        ('{"a": [{"q": 1}], "b": [{"q": 2}]}', "several lists of objects"),
        ('"q"', "no list of objects"),
        (f'[{{"q": "{"a" * 99}"}}]', "an entry is longer than 0 MB"),
    ],
)
def test_a_broken_json_file_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, text: str, sentence: str
) -> None:
    monkeypatch.setattr("curation.import_json.CHUNK", chunk)
    monkeypatch.setattr("curation.import_json.LONGEST_VALUE", 40)
    path = tmp_path / "rows.json"
    path.write_bytes(text.encode())
    if chunk == 1 or "longer" not in sentence:  # a piece holds a longer one whole
        with pytest.raises(ApplicationError, match=sentence):
            list(json_values(path))


def test_the_beginning_of_a_json_file_is_read_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curation.import_json.CHUNK", 8)
    path = tmp_path / "rows.json"
    path.write_text('[{"q": 1}, {"q": 2}, {"q": 3}, and then rubbish')
    assert list(islice(json_values(path), 2)) == [{"q": 1}, {"q": 2}]
