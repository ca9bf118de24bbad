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

from ml.phrases import Phrase, gettext_noop
from ml.tables.shapes import TableError, TableRow, check_archive, header_of, plain

_BROKEN = (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError, IndexError, AttributeError,
           ParseError, LxmlError, OSError, EOFError)  # fmt: skip
# A character that XML cannot hold, as spreadsheets write it; an underscore that only looks like the beginning of one.
_CONTROL = re.compile("_x00(0[0-8BCDEF]|1[0-9A-F])_")
_DAMAGED = gettext_noop(
    "The sheet “%(name)s” is damaged after row %(row)d. Save the workbook again with the program that made it."
)
_BEYOND = gettext_noop("This row has cells beyond the %(count)d named columns.")
_HEADER_ROWS = 50  # rows looked at for the names of the columns


def workbook(path: Path) -> Any:
    """The workbook, to be read as a stream. Raises TableError when it is none, damaged or far too large unpacked."""
    check_archive(path).close()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions that no value depends on
            return openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except _BROKEN as error:
        raise TableError(gettext_noop("The file is not an XLSX workbook, or it is damaged.")) from error


def sheet_names(path: Path) -> list[str]:
    """The sheets in their order. Raises TableError as `workbook` does."""
    book = workbook(path)
    try:
        return [sheet.title for sheet in book.worksheets]
    finally:
        book.close()


def read_sheet(path: Path, name: str) -> Iterator[TableRow]:
    """Rows by their number in the sheet. The first row with anything in it names the columns."""
    book, title, last = workbook(path), name, 0
    try:
        sheets = {sheet.title: sheet for sheet in book.worksheets}
        if not sheets:
            raise TableError(gettext_noop("The workbook has no sheet with cells."))
        if name and name not in sheets:
            raise TableError(gettext_noop("The workbook has no sheet “%(name)s”."), name=name)
        title = name or next(iter(sheets))
        sheets[title].reset_dimensions()  # what a file says of its size need not be so
        for row in rows_of(sheets[title]):
            last = row.number
            yield row
    except TableError:
        raise
    except _BROKEN as error:
        raise TableError(_DAMAGED, name=title, row=last) from error
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
                raise TableError(gettext_noop("The first %(count)d rows of the sheet are empty."), count=_HEADER_ROWS)
            continue
        values = {name: value_of(cell) for name, cell in zip(header, cells, strict=False) if name and cell is not None}
        beyond = any(cell not in (None, "") for cell in cells[len(header) :])
        if beyond:
            yield TableRow(number, {}, Phrase(_BEYOND, count=len(header)))
        elif any(value != "" for value in values.values()):
            yield TableRow(number, {name: values.get(name, "") for name in header if name})


def value_of(cell: Any) -> Any:
    """A cell as JSON holds it, with control characters that the format writes out."""
    if isinstance(cell, str) and "_x00" in cell:
        return _CONTROL.sub(lambda found: chr(int(found.group(1), 16)), cell).replace("_x005F_", "_")
    return plain(cell)
