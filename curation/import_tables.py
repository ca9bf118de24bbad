"""Spreadsheets, Parquet and saved datasets, read by a child process: neither web nor worker loads their libraries."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from core.child import child_environment
from core.denied import ApplicationError
from ml.lifeline import VARIABLE as LIFELINE

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
                yield line[0], line[1], line[2] if len(line) > 2 else ""
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
        raise ApplicationError(str(line["error"]), field="file")


def lines_of(path: Path, kind: str, *options: str) -> Generator[Any, None, None]:
    """What the child says, line by line; the child is gone when the generator is closed."""
    theirs, ours = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "ml", "rows", str(path), "--kind", kind, *options],
        cwd=settings.BASE,
        env={**child_environment(), LIFELINE: str(theirs)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=(theirs,),
        start_new_session=True,
    )
    os.close(theirs)
    try:
        assert process.stdout is not None
        while line := process.stdout.readline(LONGEST_LINE):
            try:
                yield json.loads(line)
            except ValueError:
                return
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.stdout is not None:
            process.stdout.close()
        process.wait()
        os.close(ours)
