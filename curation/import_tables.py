"""Spreadsheets, Parquet and saved datasets, read by a child process: neither web nor worker loads their libraries."""

import contextlib
import json
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.ml_program import ml_program
from core.sentences import in_words

LONGEST_LINE = 64 * 1024 * 1024
Numbered = tuple[int, dict[str, Any], str]  # number, values, what is wrong


def table_names(path: Path, kind: str) -> list[str]:
    """The sheets or splits of a file. Raises ApplicationError when it cannot be read."""
    with contextlib.closing(lines_of(path, kind, "--first", "0")) as lines:
        first: dict[str, Any] = next(lines, {})
        for line in lines:
            refuse(line)
        refuse(first)
        return [str(name) for name in first.get("tables", [])]


def table_rows(path: Path, kind: str, table: str) -> Iterator[Numbered]:
    """The rows of a sheet or split. Raises ApplicationError when the file cannot be read, or not further."""
    with contextlib.closing(lines_of(path, kind, "--table", table)) as lines:
        ended = False
        for line in lines:
            if isinstance(line, list):
                yield line[0], line[1], in_words(*line[2:4]) if len(line) > 2 else ""
            else:
                refuse(line)
                ended = ended or "end" in line
        if not ended:
            sentence = _(
                "The file made the reading program crash, probably for want of memory; save it as CSV or JSONL."
            )
            raise ApplicationError(sentence, field="file")


def refuse(line: Any) -> None:
    if isinstance(line, dict) and "error" in line:
        raise ApplicationError(in_words(line["error"], line.get("said")), field="file")


def lines_of(path: Path, kind: str, *options: str) -> Generator[Any, None, None]:
    """What the child says, line by line; the child is gone when the generator is closed."""
    with ml_program("rows", str(path), "--kind", kind, *options, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while line := process.stdout.readline(LONGEST_LINE):
            try:
                yield json.loads(line)
            except ValueError:
                return
