"""What a table gives: rows with their numbers, values as JSON knows them."""

from __future__ import annotations

import datetime
import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from ml.phrases import PhraseError, gettext_noop

KINDS = {".xlsx": "xlsx", ".parquet": "parquet", ".arrow": "arrow", ".zip": "datasets"}
MOST_COLUMNS = 200
_EXPANDED, _RATIO = 8 * 1024**3, 1_000  # a sheet of equal rows packs very well; it is read as a stream


class TableError(PhraseError):
    """The file as a whole cannot be read; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row by the number that its owner's program shows; `problem` says why it could not be read."""

    number: int
    values: dict[str, Any]
    problem: str = ""


def header_of(cells: Sequence[Any]) -> list[str]:
    """The names of the columns; "" for a column without one. Raises TableError."""
    names = [" ".join(str(cell).split()) if cell is not None else "" for cell in cells]
    while names and not names[-1]:
        names.pop()
    if not any(names) or len(names) > MOST_COLUMNS:
        raise TableError(
            gettext_noop("The first row must hold the names of the columns, %(most)d at most."), most=MOST_COLUMNS
        )
    doubled = sorted({name for name in names if name and names.count(name) > 1})
    if doubled:
        raise TableError(gettext_noop("Two columns are called “%(name)s”; rename one."), name=doubled[0])
    return names


def plain(value: Any, depth: int = 0) -> Any:
    """A value as JSON can hold it: moments as ISO text, bytes as text, what is no number as nothing."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, Decimal | datetime.timedelta):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if depth > 20:
        return str(value)[:1000]
    if isinstance(value, dict):
        return {str(name): plain(part, depth + 1) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part, depth + 1) for part in value]
    return str(value)


def check_archive(path: Path) -> zipfile.ZipFile:
    """The opened archive, if its table of contents promises no more than a table may be. Raises TableError."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise TableError(
            gettext_noop("The file is damaged: it cannot be unpacked. Save it again with the program that made it.")
        ) from error
    entries = archive.infolist()
    packed, unpacked = sum(entry.compress_size for entry in entries), sum(entry.file_size for entry in entries)
    locked = any(entry.flag_bits & 0x1 for entry in entries)
    if locked or unpacked > _EXPANDED or (unpacked > 2**27 and unpacked > _RATIO * max(1, packed)):
        archive.close()
        if locked:
            raise TableError(gettext_noop("The file is locked with a password; save it without one."))
        raise TableError(
            gettext_noop("The file unpacks to %(size)d MB, as no table of its size does."), size=unpacked // 2**20
        )
    return archive
