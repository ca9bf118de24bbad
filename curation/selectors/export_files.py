"""The kinds of file that rows are sent as while they are read: JSON lines, CSV, spreadsheet."""

import csv
import io
import json
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from django.utils.translation import gettext_lazy, ngettext

from core.denied import ApplicationError
from curation.models import DatasetVersion
from curation.selectors.exports import columns_of, version_lines, version_parts
from curation.selectors.spreadsheets import LONGEST_CELL, xlsx_pieces

PIECE = 65_536  # bytes, about, of each piece of an answer
STREAMED = {
    "jsonl": gettext_lazy("JSON lines"),
    "csv": gettext_lazy("CSV, safe for spreadsheets"),
    "xlsx": gettext_lazy("Excel workbook (XLSX)"),
}
PACKED = {
    "parquet": gettext_lazy("Parquet files with a dataset card, as a hub keeps them (ZIP)"),
    "datasets": gettext_lazy("Folder of the datasets library with a dataset card (ZIP)"),
}
KINDS = {**STREAMED, **PACKED}
TYPES = {
    "jsonl": "application/jsonl",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
NAMED = 10  # pairs in a refusal
FORMULA = ("=", "+", "-", "@", "\t", "\r")
Parts = Collection[str] | None


def version_chunks(version: DatasetVersion, format: str, parts: Parts = None, kind: str = "jsonl") -> Iterator[bytes]:
    """The file in pieces, as a response sends them."""
    if kind == "jsonl":
        return gathered(version_lines(version, format, parts))
    header = list(columns_of(version, format))
    rows = (cells(row, header) for _pair, _part, row in version_parts(version, format, parts))
    return gathered(csv_lines(header, rows) if kind == "csv" else xlsx_pieces(header, rows))


def gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size > PIECE:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def cells(row: dict[str, Any], columns: list[str]) -> list[str]:
    """A row's values in the order of the columns; what is no text stands as JSON, an empty list as nothing."""
    return [cell(row.get(name, "")) for name in columns]


def cell(value: Any) -> str:
    return value if isinstance(value, str) else "" if value in ([], {}, None) else json.dumps(value, ensure_ascii=False)


def csv_lines(header: list[str], rows: Iterable[list[str]]) -> Iterator[bytes]:
    """With a byte order mark, so that spreadsheets read UTF-8; a cell that they would run gets an apostrophe first."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow([unformula(name) for name in header])
    for row in rows:
        writer.writerow([unformula(value) for value in row])
        yield taken(buffer)
    yield taken(buffer)


def taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def unformula(text: str) -> str:
    """A cell that a spreadsheet would run as a formula gets an apostrophe before it, and so does one that looks as if
    it had got one: whoever reads the file takes one away (import_reading.py)."""
    return f"'{text}" if text.lstrip("'").startswith(FORMULA) else text


def refuse_long_cells(version: DatasetVersion, format: str, parts: Parts = None) -> None:
    """Raises ApplicationError naming the pairs with a text that does not fit a spreadsheet's cell: nothing is cut.

    Only rows that can come to so much are made into cells: a character takes up to six in JSON, and the template and
    the system prompt stand beside.
    """
    beside = len(json.dumps([version.template, version.system_prompt]))
    header = list(columns_of(version, format))
    rows = version_parts(version, format, parts, longer=max(0, LONGEST_CELL // 6 - beside))
    long = [pair for pair, _part, row in rows if max(map(len, cells(row, header))) > LONGEST_CELL]
    if long:
        sentence = ngettext(
            "The text of %(count)d pair does not fit a spreadsheet's cell, which holds %(most)d characters: %(pairs)s. "
            "Shorten it, or take CSV or JSON lines.",
            "The texts of %(count)d pairs do not fit a spreadsheet's cell, which holds %(most)d characters: %(pairs)s. "
            "Shorten them, or take CSV or JSON lines.",
            len(long),
        )
        named = ", ".join(f"#{pair}" for pair in long[:NAMED]) + (" …" if len(long) > NAMED else "")
        raise ApplicationError(sentence % {"count": len(long), "most": LONGEST_CELL, "pairs": named}, field="kind")
