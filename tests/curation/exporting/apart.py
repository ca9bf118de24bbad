"""Published files and exported ones as libraries read them that this project did not write: nothing of our own reading
is used here, so that a mistake that our writing and our reading share is seen."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import openpyxl
import pandas
import pyarrow.parquet

Said = tuple[str, str]  # everything before the answer, and the answer
Rows = list[dict[str, Any]]
MARKED = re.compile(r"'+[=+\-@\t\r]")  # a cell of a CSV file that a spreadsheet would run without the apostrophe


def published(path: Path) -> list[Said]:
    """What a published file says, row for row, whatever form it has."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows: Rows = list(csv.DictReader(file))
    elif path.suffix == ".json":
        rows = next(value for value in json.loads(path.read_bytes()).values() if isinstance(value, list))
    else:
        rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    return [said for row in rows for said in told(row)]


def told(row: dict[str, Any]) -> Iterator[Said]:
    if turns := row.get("conversations"):
        yield turns[-2]["value"], turns[-1]["value"]
    for one in row.get("instances", [row] if "instruction" in row else []):
        yield asked(row["instruction"], one["input"]), one.get("output", row.get("response", ""))
    for question, answer in (("q", "a"), ("question", "answer")):
        if question in row:
            yield row[question], row[answer]


def asked(instruction: str, given: str) -> str:
    return f"{instruction}\n\n{given}" if given else instruction


def opened(content: bytes, kind: str, folder: Path) -> Rows:
    """The rows of an exported file."""
    if kind == "jsonl":
        return [json.loads(line) for line in content.decode().split("\n") if line]
    if kind == "csv":
        text = io.StringIO(content.decode("utf-8-sig"), newline="")
        return [unmarked(row) for row in pandas.read_csv(text, dtype=str, keep_default_na=False).to_dict("records")]
    if kind == "xlsx":
        sheet = openpyxl.load_workbook(io.BytesIO(content), read_only=True).worksheets[0]
        header, *rows = ([cell or "" for cell in row] for row in sheet.iter_rows(values_only=True))
        return [dict(zip(header, row, strict=True)) for row in rows]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
    if kind == "parquet":
        return [row for file in (folder / "data").iterdir() for row in pyarrow.parquet.read_table(file).to_pylist()]
    loaded = datasets.load_from_disk(str(folder))
    assert isinstance(loaded, datasets.DatasetDict)
    return [dict(row) for split in loaded.values() for row in split]


def unmarked(row: dict[Any, str]) -> dict[str, Any]:
    return {str(name): cell[1:] if MARKED.match(cell) else cell for name, cell in row.items()}


def heard(row: dict[str, Any]) -> Said:
    """What a row of an exported file says, in whichever of the shapes it is; of plain questions, without a system
    prompt or earlier turns."""
    for name, content in (("messages", "content"), ("conversations", "value")):
        if name in row:
            turns = json.loads(row[name]) if isinstance(row[name], str) else row[name]
            [question, answer] = [turn[content] for turn in turns]
            return question, answer
    if "completion" in row:
        return row["prompt"], row["completion"]
    return asked(row["instruction"], row["input"]), row.get("output", row.get("response", ""))
