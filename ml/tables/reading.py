"""One door for all kinds of tables. Each kind's library is imported when a file of that kind comes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ml.phrases import gettext_noop
from ml.tables.shapes import TableError, TableRow

_MOST_TABLES = 500


def tables_of(path: Path, kind: str) -> list[str]:
    """The names of the sheets or splits in the file; a file that is one table has none. Raises TableError."""
    names = _names_of(path, kind)
    if len(names) > _MOST_TABLES:
        text = gettext_noop("The file has %(count)d sheets or splits; at most %(most)d are read.")
        raise TableError(text, count=len(names), most=_MOST_TABLES)
    return names


def _names_of(path: Path, kind: str) -> list[str]:
    if kind == "xlsx":
        from ml.tables.spreadsheet import sheet_names

        return sheet_names(path)
    if kind == "datasets":
        from ml.tables.saved import split_names

        return split_names(path)
    return []


def read_table(path: Path, kind: str, table: str = "") -> Iterator[TableRow]:
    """The rows of a sheet or split, of the first one if none is named; of every split where `table` is "*".

    Raises TableError when the file or the table cannot be read, before its first row where that can be known.
    """
    if path.stat().st_size == 0:
        raise TableError(gettext_noop("The file is empty."))
    if kind == "xlsx":
        from ml.tables.spreadsheet import read_sheet

        return read_sheet(path, table)
    from ml.tables import saved

    if kind == "datasets":
        return saved.read_saved(path, table)
    return saved.read_parquet(path) if kind == "parquet" else saved.read_arrow(path)
