"""Spreadsheets, Parquet and saved datasets give the rows that their own programs show."""

import datetime
import json
import re
import signal
import subprocess
import sys
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import datasets
import openpyxl
import pyarrow
import pyarrow.parquet
import pytest

from ml.tables import TableError, read_table, tables_of
from tests.ml.documents_made import make_bomb

ROWS = [{"question": f"What is {number}?", "answer": f"It is {number}."} for number in range(5)]


def workbook(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def values(path: Path, kind: str, table: str = "") -> list[tuple[int, dict[str, Any]]]:
    return [(row.number, row.values) for row in read_table(path, kind, table)]


def zipped(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder.parent))
    return target


def test_a_sheet_gives_its_rows_by_their_numbers_with_values_as_text_can_hold_them(tmp_path: Path) -> None:
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5)
    path = workbook(
        tmp_path / "a.xlsx",
        {
            "Notes": [["x"]],
            "Pairs": [
                [None],
                ["question", " answer ", None, "when"],
                ["Q", "A", None, moment],
                [],
                ["R", 3, None, True],
            ],
        },
    )
    assert tables_of(path, "xlsx") == ["Notes", "Pairs"]
    assert values(path, "xlsx", "Pairs") == [
        (3, {"question": "Q", "answer": "A", "when": "2026-01-02T03:04:05"}),
        (5, {"question": "R", "answer": 3, "when": True}),
    ]


def test_a_formula_counts_by_the_value_that_was_computed_last(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"Pairs": [["question", "answer"], ["Q", "=1+1"]]})
    computed = tmp_path / "b.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(computed, "w") as new:
        for name in old.namelist():
            new.writestr(name, re.sub(b"<f>1.1</f><v ?/>|<f>1.1</f><v></v>", b"<f>1+1</f><v>2</v>", old.read(name)))
    assert values(computed, "xlsx") == [(2, {"question": "Q", "answer": 2})]


@pytest.mark.parametrize(
    ("sheets", "sentence"),
    [
        ({"A": [["a", "a"], [1, 2]]}, "Two columns are called “a”"),
        ({"A": [[str(number) for number in range(300)]]}, "200 at most"),
        ({"A": [[None]] * 60}, "are empty"),
    ],
)
def test_a_sheet_without_usable_names_says_so(
    tmp_path: Path, sheets: dict[str, list[list[Any]]], sentence: str
) -> None:
    if sheets["A"][0] == [None]:
        sheets = {"A": [[""] for _row in sheets["A"]]}
    path = workbook(tmp_path / "a.xlsx", sheets)
    with pytest.raises(TableError, match=sentence):
        list(read_table(path, "xlsx"))


def test_a_row_with_cells_beyond_the_names_is_reported_and_the_next_is_read(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"A": [["q", "a"], [1, 2, 3], [4, 5]]})
    first, second = read_table(path, "xlsx")
    assert (first.number, first.problem) == (2, "This row has cells beyond the 2 named columns.")
    assert second.values == {"q": 4, "a": 5}


def test_parquet_gives_its_rows_whatever_is_in_them(tmp_path: Path) -> None:
    table = pyarrow.table(
        {
            "question": ["Q", "R"], "score": [Decimal("1.50"), None], "ratio": [0.5, float("nan")],
            "turns": [[{"role": "user", "content": "x"}], []], "raw": [b"bytes", b"\xff"],
        }
    )  # fmt: skip
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    turns = [{"role": "user", "content": "x"}]
    assert values(tmp_path / "a.parquet", "parquet") == [
        (1, {"question": "Q", "score": "1.50", "ratio": 0.5, "turns": turns, "raw": "bytes"}),
        (2, {"question": "R", "score": None, "ratio": None, "turns": [], "raw": "\ufffd"}),
    ]  # fmt: skip


def test_a_folder_saved_by_the_datasets_library_gives_each_of_its_splits(tmp_path: Path) -> None:
    features = datasets.Features(
        {"question": datasets.Value("string"), "label": datasets.ClassLabel(names=["permits", "fees"])}
    )
    train = datasets.Dataset.from_list(
        [{"question": "Q", "label": 1}, {"question": "R", "label": 0}], features=features
    )
    test = datasets.Dataset.from_list([{"question": "S", "label": 0}], features=features)
    datasets.DatasetDict({"train": train, "test": test}).save_to_disk(tmp_path / "saved")
    path = zipped(tmp_path / "saved", tmp_path / "saved.zip")
    assert tables_of(path, "datasets") == ["train", "test"]
    assert values(path, "datasets") == [
        (1, {"question": "Q", "label": "fees"}),
        (2, {"question": "R", "label": "permits"}),
    ]
    assert [row["question"] for _number, row in values(path, "datasets", "*")] == ["Q", "R", "S"]
    assert [number for number, _row in values(path, "datasets", "*")] == [1, 2, 3]
    one = tmp_path / "one"
    train.save_to_disk(one)
    assert len(values(zipped(one, tmp_path / "one.zip"), "datasets")) == 2
    arrow = next(one.glob("*.arrow"))
    assert [row["label"] for _number, row in values(arrow, "arrow")] == ["fees", "permits"]


def test_a_hub_folder_with_parquet_files_is_read_by_its_splits(tmp_path: Path) -> None:
    folder = tmp_path / "hub" / "data"
    folder.mkdir(parents=True)
    for name, rows in (("train-00000-of-00002", ROWS[:2]), ("train-00001-of-00002", ROWS[2:3]), ("test-0", ROWS[3:])):
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / f"{name}.parquet")
    path = zipped(tmp_path / "hub", tmp_path / "hub.zip")
    assert tables_of(path, "datasets") == ["train", "test"]
    assert [row for _number, row in values(path, "datasets", "*")] == ROWS


@pytest.mark.parametrize(
    ("name", "kind", "content"),
    [
        ("a.xlsx", "xlsx", b"no workbook"),
        ("a.xlsx", "xlsx", b""),
        ("a.parquet", "parquet", b"PAR1 no PAR1"),
        ("a.arrow", "arrow", b"\xff\xff\xff\xff\x00\x10"),
        ("a.zip", "datasets", b"PK\x03\x04"),
    ],
)
def test_a_broken_file_is_one_sentence(tmp_path: Path, name: str, kind: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(TableError):
        list(read_table(path, kind))


def test_a_workbook_that_unfolds_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="unpacks to 200 MB"):
        list(read_table(make_bomb(tmp_path / "a.xlsx", "xl/worksheets/sheet1.xml", 200), "xlsx"))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(TableError, match="no saved dataset"):
        tables_of(tmp_path / "a.zip", "datasets")


def test_what_is_damaged_is_named_with_its_place(tmp_path: Path) -> None:
    rows = [["question", "answer"], *([f"Q{number}", "A" * 50] for number in range(40))]
    whole, cut = workbook(tmp_path / "whole.xlsx", {"Notes": [["x"]], "Pairs": rows}), tmp_path / "cut.xlsx"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(cut, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content[: len(content) // 2] if name.endswith("sheet2.xml") else content)
    read: list[int] = []
    with pytest.raises(TableError, match=r"The sheet “Pairs” is damaged after row \d+\. Save") as refused:
        read.extend(row.number for row in read_table(cut, "xlsx", "Pairs"))
    assert read[-1] > 10
    assert f"after row {read[-1]}." in str(refused.value)
    with zipfile.ZipFile(tmp_path / "hub.zip", "w") as archive:
        archive.writestr("../data/train-0.parquet", "no table")
    with pytest.raises(TableError, match=r"^\.\./data/train-0\.parquet: The file is not a Parquet file"):
        list(read_table(tmp_path / "hub.zip", "datasets"))


def test_the_command_writes_a_row_a_line_and_says_that_it_came_to_the_end(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"A": [["question", "answer"], *[list(row.values()) for row in ROWS]]})

    def said(*options: str) -> list[Any]:
        command = [sys.executable, "-m", "ml", "rows", str(path), *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    lines = said("--kind", "xlsx", "--beginnings", "2")
    assert lines == [{"tables": ["A"]}, {"table": "A"}, [2, ROWS[0]], [3, ROWS[1]], {"end": True}]
    assert said("--kind", "xlsx")[1:] == [*([number, row] for number, row in enumerate(ROWS, 2)), {"end": True}]
    assert "error" in said("--kind", "parquet")[-1]


ENDLESS = """
import sys
from ml.tables import command
command.ROW_SECONDS = 0.1
command.tables_of = lambda *_: any(iter(int, 1))
command.rows_command([sys.argv[1], "--kind", "xlsx"])
"""


def test_a_file_that_keeps_the_program_busy_for_too_long_is_given_up(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", ENDLESS, str(tmp_path / "a.xlsx")], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGPROF, b"")
