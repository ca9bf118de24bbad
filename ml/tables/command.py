"""`python -m ml rows FILE --kind KIND`: a table as JSON lines, for whoever does not want its library in its memory.

The first line is {"tables": […]}, the names of sheets or splits. Each row is a list: its number, its values, and what
is wrong with it if anything. The last line is {"end": true}, or {"error": "…"} when the file could not be read. What
is wrong is said with what the sentence was made of (ml/phrases.py).
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from ml.isolation import IsolationError, isolate
from ml.lifeline import watch_lifeline
from ml.phrases import beside, gettext_noop, sentence_of
from ml.tables.reading import read_table, tables_of
from ml.tables.shapes import KINDS, TableError

MEMORY_BYTES = 4 * 1024 * 1024 * 1024  # of addresses; Arrow reserves more than it touches
MEMORY = gettext_noop("Reading this file takes more memory than one file may have.")


def rows_command(arguments: list[str]) -> int:
    """Write a table's rows to standard output."""
    parser = argparse.ArgumentParser(prog="python -m ml rows", description="A table as JSON lines.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--kind", choices=sorted(set(KINDS.values())), required=True)
    parser.add_argument("--table", default="", help="sheet or split; the first unless given, * for all splits")
    parser.add_argument("--first", type=int, default=None, help="so many rows only")
    options = parser.parse_args(arguments)
    with suppress(IsolationError):  # reading opens no connection by itself: the namespace is a second wall
        isolate("none")
    watch_lifeline()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        say({"tables": tables_of(options.file, options.kind)})
        for row in islice(read_table(options.file, options.kind, options.table), options.first):
            say(
                [row.number, row.values, row.problem, beside(row.problem).get("said")]
                if row.problem
                else [row.number, row.values]
            )
        say({"end": True})
    except TableError as error:
        refuse(error)
    except MemoryError:
        refuse(TableError(MEMORY))
    return 0


def refuse(error: TableError) -> None:
    sentence = sentence_of(error)
    say({"error": sentence, **beside(sentence)})


def say(value: Any) -> None:
    sys.stdout.write(ENCODE(value) + "\n")


ENCODE = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
COMMANDS = {"rows": rows_command}
