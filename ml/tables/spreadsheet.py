"""XLSX, row by row: formulas by the value that the spreadsheet last computed, moments as ISO text."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from lxml.etree import LxmlError
from openpyxl.utils.exceptions import InvalidFileException

from ml.tables.shapes import TableError, TableRow, check_archive, header_of, plain

_BROKEN = (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError, IndexError, AttributeError,
           ParseError, LxmlError, OSError, EOFError)  # fmt: skip
# A character that XML cannot hold, as spreadsheets write it; an underscore that only looks like the beginning of one.
_CONTROL = re.compile("_x00(0[0-8BCDEF]|1[0-9A-F])_")
_HEADER_ROWS = 50  # rows looked at for the names of the columns


def workbook(path: Path) -> Any:
    """The workbook, to be read as a stream. Raises TableError when it is none, damaged or far too large unpacked."""
    check_archive(path).close()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions that no value depends on
            return openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except _BROKEN as error:
        raise TableError("The file is not an XLSX workbook, or it is damaged.") from error


def sheet_names(path: Path) -> list[str]:
    """The sheets in their order. Raises TableError as `workbook` does."""
    book = workbook(path)
    try:
        return [sheet.title for sheet in book.worksheets]
    finally:
        book.close()


def read_sheet(path: Path, name: str) -> Iterator[TableRow]:
    """Rows by their number in the sheet. The first row with anything in it names the columns."""
    book = workbook(path)
    try:
        sheets = {sheet.title: sheet for sheet in book.worksheets}
        if not sheets:
            raise TableError("The workbook has no sheet with cells.")
        if name and name not in sheets:
            raise TableError(f"The workbook has no sheet “{name}”.")
        sheet = sheets[name] if name else next(iter(sheets.values()))
        sheet.reset_dimensions()  # what a file says of its size need not be so
        yield from rows_of(sheet)
    except TableError:
        raise
    except _BROKEN as error:
        raise TableError(f"The sheet is damaged and cannot be read ({type(error).__name__}).") from error
    finally:
        book.close()


def rows_of(sheet: Any) -> Iterator[TableRow]:
    """The rows below the names, by their number in the sheet; blank ones are passed over. Raises TableError."""
    header: list[str] = []
    for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
        if not header:
            if any(cell not in (None, "") for cell in cells):
                header = header_of(cells)
            elif number > _HEADER_ROWS:
                raise TableError(f"The first {_HEADER_ROWS} rows of the sheet are empty.")
            continue
        values = {name: value_of(cell) for name, cell in zip(header, cells, strict=False) if name and cell is not None}
        beyond = any(cell not in (None, "") for cell in cells[len(header) :])
        if beyond:
            yield TableRow(number, {}, f"This row has cells beyond the {len(header)} named columns.")
        elif any(value != "" for value in values.values()):
            yield TableRow(number, {name: values.get(name, "") for name in header if name})


def value_of(cell: Any) -> Any:
    """A cell as JSON holds it, with control characters that the format writes out."""
    if isinstance(cell, str) and "_x00" in cell:
        return _CONTROL.sub(lambda found: chr(int(found.group(1), 16)), cell).replace("_x005F_", "_")
    return plain(cell)
