"""Spreadsheets, Parquet and saved datasets, read by a child process: neither web nor worker loads their libraries."""

import contextlib
import json
import subprocess
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.ml_program import kill, ml_program
from core.sentences import in_words

LONGEST_LINE = 64 * 1024 * 1024
LOOK_SECONDS = 60.0  # that a person waits for the first rows
Numbered = tuple[int, dict[str, Any], str]  # number, values, what is wrong


@dataclass
class Beginning:
    """The first rows of a sheet or split, or why they cannot be read."""

    rows: list[Numbered] = field(default_factory=list)
    problem: str = ""


def table_beginnings(path: Path, kind: str, count: int) -> tuple[list[str], dict[str, Beginning]]:
    """The sheets or splits of a file, and how the first of them begin; a file without such has one, called "".

    Somebody waits for it: raises ApplicationError when it takes long, or when the file cannot be read.
    """
    names: list[str] = []
    found: dict[str, Beginning] = {}
    here = Beginning()
    for line in told(path, kind, "--beginnings", str(count), seconds=LOOK_SECONDS):
        if isinstance(line, list):
            here.rows.append(numbered(line))
        elif "tables" in line:
            names = [str(name) for name in line["tables"]]
        elif "table" in line:
            here = found.setdefault(str(line["table"]), Beginning())
            here.problem = in_words(line.get("error"), line.get("said"))
    return names, found


def table_rows(path: Path, kind: str, table: str, seconds: float | None = None) -> Iterator[Numbered]:
    """The rows of a sheet or split, read for so long at most. Raises ApplicationError when the file cannot be read, or
    not further."""
    for line in told(path, kind, "--table", table, seconds=seconds):
        if isinstance(line, list):
            yield numbered(line)


def numbered(line: list[Any]) -> Numbered:
    return line[0], line[1], in_words(*line[2:4]) if len(line) > 2 else ""


def told(path: Path, kind: str, *options: str, seconds: float | None = None) -> Iterator[Any]:
    """What the child says, up to its end. Raises ApplicationError when it cannot go on, or did not come to the end."""
    with contextlib.closing(lines_of(path, kind, *options, seconds=seconds)) as lines:
        ended = False
        for line in lines:
            if isinstance(line, dict) and "table" not in line:
                refuse(line)
                ended = ended or "end" in line
            yield line
        if not ended:
            sentence = _(
                "The program that reads this file ended for want of memory or of time; save it as CSV or JSONL."
            )
            raise ApplicationError(sentence, field="file")


def refuse(line: Any) -> None:
    if isinstance(line, dict) and "error" in line:
        raise ApplicationError(in_words(line["error"], line.get("said")), field="file")


def lines_of(path: Path, kind: str, *options: str, seconds: float | None) -> Generator[Any, None, None]:
    """What the child says, line by line; the child is gone when the generator is closed. Raises ApplicationError after
    so many seconds."""
    with ml_program("rows", str(path), "--kind", kind, *options, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        late = threading.Event()
        with ended_after(seconds, process, late):
            while line := process.stdout.readline(LONGEST_LINE):
                try:
                    yield json.loads(line)
                except ValueError:
                    break
        if late.is_set():
            sentence = _("After %d seconds the beginning of this file was not read yet. Bring it as CSV or JSONL.")
            raise ApplicationError(sentence % seconds, field="file")


@contextlib.contextmanager
def ended_after(seconds: float | None, process: "subprocess.Popen[bytes]", late: threading.Event) -> Iterator[None]:
    """The process is ended if the block takes longer, and `late` is set."""

    def end() -> None:
        late.set()
        kill(process)

    timer = threading.Timer(seconds, end) if seconds else None
    if timer:
        timer.start()
    try:
        yield
    finally:
        if timer:
            timer.cancel()
