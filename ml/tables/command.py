"""`python -m ml rows FILE --kind KIND`: a table as JSON lines, for whoever does not want its library in its memory.

The first line is {"tables": […]}, the names of sheets or splits. Each row is a list: its number, its values, and what
is wrong with it if anything. The last line is {"end": true}, or {"error": "…"} when the file could not be read. What
is wrong is said with what the sentence was made of (ml/phrases.py).

With --beginnings the first rows of several tables follow, each behind a line {"table": "…"}; such a line with an error
says that this one cannot be read further.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from ml.isolation import IsolationError, isolate
from ml.lifeline import watch_lifeline
from ml.phrases import beside, gettext_noop, sentence_of
from ml.tables.reading import read_table, tables_of
from ml.tables.shapes import KINDS, TableError, TableRow

MEMORY_BYTES = 4 * 1024 * 1024 * 1024  # of addresses; Arrow reserves more than it touches
_BEGUN = 10  # tables
ROW_SECONDS = 60.0  # of a processor, to open the file and for each row after that
MEMORY = gettext_noop("Reading this file takes more memory than one file may have.")


def rows_command(arguments: list[str]) -> int:
    """Write a table's rows to standard output."""
    parser = argparse.ArgumentParser(prog="python -m ml rows", description="A table as JSON lines.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--kind", choices=sorted(set(KINDS.values())), required=True)
    parser.add_argument("--table", default="", help="sheet or split; the first unless given, * for all splits")
    parser.add_argument("--beginnings", type=int, default=0, help="instead: the first rows of each of the first tables")
    options = parser.parse_args(arguments)
    with suppress(IsolationError):  # reading opens no connection by itself: the namespace is a second wall
        isolate("none")
    watch_lifeline()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    allow_row()
    try:
        tables = tables_of(options.file, options.kind)
        say({"tables": tables})
        if options.beginnings:
            say_beginnings(options.file, options.kind, tables, options.beginnings)
        else:
            say_rows(read_table(options.file, options.kind, options.table))
        say({"end": True})
    except TableError as error:
        refuse(error)
    except MemoryError:
        refuse(TableError(MEMORY))
    return 0


def say_beginnings(file: Path, kind: str, tables: list[str], count: int) -> None:
    """Of the first tables so many rows each. One that cannot be read is no reason against the others."""
    for table in tables[:_BEGUN] or [""]:
        say({"table": table})
        try:
            say_rows(islice(read_table(file, kind, table), count))
        except TableError as error:
            if len(tables) < 2:
                raise
            refuse(error, table=table)


def say_rows(rows: Iterable[TableRow]) -> None:
    for row in rows:
        said = [row.problem, beside(row.problem).get("said")] if row.problem else []
        say([row.number, row.values, *said])
        allow_row()


def allow_row() -> None:
    """From now on so much time; whoever needs more is ended, even inside a library."""
    signal.setitimer(signal.ITIMER_PROF, ROW_SECONDS)


def refuse(error: TableError, **place: str) -> None:
    sentence = sentence_of(error)
    say({**place, "error": sentence, **beside(sentence)})


def say(value: Any) -> None:
    sys.stdout.write(ENCODE(value) + "\n")


ENCODE = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
COMMANDS = {"rows": rows_command}
