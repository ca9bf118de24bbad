"""Rows out of an uploaded file, one at a time, each with its number. Nothing here knows the database.

Text files are turned into UTF-8 when they are kept. What is wrong with one row is reported with the row and the reading
goes on. Spreadsheets and the like are read by a child process (import_tables.py).
"""

import codecs
import csv
import json
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.sentences import explained
from curation.import_json import DECODER, json_values
from curation.import_tables import LOOK_SECONDS, Numbered, table_beginnings, table_rows
from curation.selectors.exports import COLUMNS
from ml.documents.reading import ENDINGS
from ml.tables.shapes import KINDS
from ml.text_encoding import EncodingError, encoding_of

LONGEST_LINE = 16 * 1024 * 1024  # bytes; a longer line is a row that cannot be a pair
CHUNK = 1024 * 1024
BOM = codecs.BOM_UTF8
TEXTS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".tsv": "csv"}
FORMATS = {**TEXTS, **KINDS}
MOST_COLUMNS = 200
MOST_INSTANCES = 1_000
UNFORMULA = re.compile(r"'+[=+\-@\t\r]")
MARK_FIRST = re.compile(r'(?:^|\t)"')
QUOTED = re.compile(r'"[^"]*"?')
csv.field_size_limit(LONGEST_LINE)


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was read: its number as an editor or a spreadsheet shows it, and its values or what is wrong."""

    number: int
    values: dict[str, Any]
    problem: str = ""
    excerpt: str = ""


Rows = Generator[Row, None, None]


def format_of(name: str) -> str:
    """The format by the file's ending. Raises ApplicationError for others."""
    ending = Path(name).suffix.lower()
    if ending not in FORMATS and name.lower().endswith(tuple(ENDINGS)):
        sentence = _(
            "“%(name)s” is a document, no file of pairs: bring it under Documents, where its passages become work."
        )
        raise ApplicationError(sentence % {"name": name}, field="file")
    if ending not in FORMATS:
        sentence = _(
            "“%(name)s” is not a file of pairs: bring a .jsonl, .json, .csv, .tsv, .xlsx, .parquet or .arrow file, or "
            "a saved dataset's folder as .zip."
        )
        raise ApplicationError(sentence % {"name": name}, field="file")
    return FORMATS[ending]


def text_encoding(path: Path) -> str:
    """The encoding of a text file that was just kept, which is UTF-8 afterwards whatever it was before.

    Raises ApplicationError, naming byte and line, when it cannot be told.
    """
    try:
        encoding = encoding_of(path)
    except EncodingError as error:
        sentence = _("%(reason)s Nothing was taken; save the file as UTF-8 and bring it again.")
        raise ApplicationError(sentence % {"reason": explained(error)}, field="file") from error
    if encoding not in ("utf-8", "utf-8-sig"):
        beside = path.with_suffix(".recoded")
        try:
            with path.open(encoding=encoding, newline="") as old, beside.open("w", encoding="utf-8", newline="") as new:
                while piece := old.read(CHUNK):
                    new.write(piece)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    return encoding.removesuffix("-sig")


def format_found(path: Path, format: str) -> str:
    """A .json file with an object on each line is JSONL, whatever it is called."""
    if format != "json":
        return format
    with path.open("rb") as file:
        first, second = file.readline(LONGEST_LINE).removeprefix(BOM).strip(), file.readline(LONGEST_LINE).strip()
    if not first.startswith(b"{") or not second.startswith(b"{"):
        return format
    return format if json_row(1, first).problem else "jsonl"


def read_rows(path: Path, format: str, table: str = "", seconds: float | None = None) -> Rows:
    """Every row of the file in order; text files must have passed `text_encoding`. `table`: a sheet or a split, which
    is read for so many seconds at most."""
    if format == "csv":
        return read_csv(path)
    if format in KINDS.values():
        return table_parts(table_rows(path, format, table, seconds))
    return unfolded(read_json(path) if format == "json" else read_jsonl(path))


def table_parts(rows: Iterable[Numbered]) -> Rows:
    return unfolded(Row(number, values, problem) for number, values, problem in rows)


def first_rows(path: Path, format: str, count: int, table: str = "") -> list[Row]:
    with closing(read_rows(path, format, table, LOOK_SECONDS)) as rows:
        return list(islice(rows, count))


def first_tables(path: Path, format: str, count: int) -> tuple[list[str], dict[str, tuple[list[Row], str]]]:
    """The names of the sheets or splits, and of some of them the first rows, or why they cannot be read."""
    names, begun = table_beginnings(path, format, count)
    return names, {name: (list(islice(table_parts(found.rows), count)), found.problem) for name, found in begun.items()}


def unfolded(rows: Iterable[Row]) -> Rows:
    """A row with several `instances` of input and output is as many rows, under its one number."""
    for row in rows:
        instances = row.values.get("instances")
        if not isinstance(instances, list) or not all(isinstance(one, dict) for one in instances) or not instances:
            yield row
        elif len(instances) > MOST_INSTANCES:
            yield Row(row.number, {}, _("This row has more than %d instances.") % MOST_INSTANCES)
        else:
            shared = {name: value for name, value in row.values.items() if name != "instances"}
            for one in instances:
                yield Row(row.number, {**shared, **one})


def read_jsonl(path: Path) -> Rows:
    with path.open("rb") as file:
        if file.read(3) != BOM:
            file.seek(0)
        number = 0
        while line := file.readline(LONGEST_LINE):
            number += 1
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                skip_line(file)
                yield Row(number, {}, _("This line is longer than %d MB.") % (LONGEST_LINE // 2**20), shown(line[:200]))
            elif not line.isspace():
                yield json_row(number, line)


def skip_line(file: BinaryIO) -> None:
    while (rest := file.readline(CHUNK)) and not rest.endswith(b"\n"):
        pass


def json_row(number: int, line: bytes) -> Row:
    try:
        value = DECODER.decode(line.decode().rstrip("\r\n"))
    except json.JSONDecodeError as error:
        sentence = _("This line is not valid JSON: %(reason)s at character %(place)d.")
        return Row(
            number, {}, sentence % {"reason": error.msg.removesuffix(" at"), "place": error.pos + 1}, shown(line[:300])
        )
    except RecursionError:
        return Row(number, {}, _("This line is nested too deeply."), shown(line[:300]))
    except ValueError as error:
        return Row(number, {}, _("This line cannot be read: %s.") % error, shown(line[:300]))
    if not isinstance(value, dict):
        return Row(number, {}, _("This line is not a JSON object with named fields."), shown(line[:300]))
    return Row(number, value)


def read_json(path: Path) -> Rows:
    """A list of objects, or an object whose only list holds them; rows are counted from 1."""
    with closing(json_values(path)) as values:
        for number, item in enumerate(values, 1):
            if isinstance(item, dict):
                yield Row(number, item)
            else:
                yield Row(number, {}, _("This entry is not an object with named fields."), str(item)[:300])


def read_csv(path: Path) -> Rows:
    """Rows by their spreadsheet number: the heading is row 1. Raises ApplicationError for a quotation mark that is
    never closed, after which rows could no more be told from a cell's own lines.

    Where tabs stand between the cells, a mark may mean itself (Lines.literal): few programs put marks around them.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline(CHUNK)
    # Where rows end with a line feed, a lone carriage return is no end of a row but a part of a cell.
    with path.open(encoding="utf-8-sig", newline="\n" if first.endswith("\n") else "") as file:
        lines, delimiter = Lines(file), delimiter_of(first)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        header = csv_header(reader)
        ours = is_exported(path, header)
        number, broken = 1, False
        while True:
            number, begins = number + 1, lines.begin()
            literal = lines.literal(len(header)) if delimiter == "\t" else None
            try:
                cells = literal or next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                lines.skip_row(delimiter)
                if lines.ended or (lines.number > begins and "field limit" in str(error)):
                    raise ApplicationError(endless_cell(begins), field="file") from error
                sentence, broken = _("This row is not valid CSV: %(reason)s (line %(line)d)."), True
                yield Row(number, {}, sentence % {"reason": error, "line": begins}, lines.excerpt)
                continue
            if any(cells):
                row = csv_row(number, header, list(map(with_formula, cells)) if ours else cells)
                if broken and not literal and not row.problem and lines.marks % 2:
                    row = Row(number, {}, _("A quotation mark is missing in this row, or before it."), lines.excerpt)
                broken = bool(row.problem)
                yield row


class Lines:
    """The lines of a CSV file, with those of the row that is being read: a broken row takes its own lines along."""

    def __init__(self, file: Iterable[str]) -> None:
        self.file, self.held, self.number, self.ended = iter(file), list[str](), 0, False
        self.ahead: list[str] = []  # lines that were looked at before their turn

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.ahead.pop(0) if self.ahead else next(self.file, "")
        if not line:
            self.ended = True
            raise StopIteration
        self.held.append(line)
        self.number += 1
        return line

    def begin(self) -> int:
        """A row begins; returns the number of its first line."""
        self.held.clear()
        return self.number + 1

    def peek(self, place: int) -> str:
        """The next line, or the one after it; "" behind the end."""
        while len(self.ahead) <= place:
            self.ahead.append(next(self.file, ""))
        return self.ahead[place]

    def literal(self, columns: int) -> list[str] | None:
        """The cells of the next line as they stand, between tabs, if it is a whole row whose quotation marks pair as
        no program writes them; None where they may be read as in any CSV file.

        A mark that only stays open could begin a cell of several lines: not if the line after it is a whole row too.
        """
        line = self.peek(0)
        if not MARK_FIRST.search(line) or line.count("\t") != columns - 1:
            return None
        try:
            next(csv.reader([line], delimiter="\t", strict=True))
            return None
        except csv.Error as error:
            opened, after = "unexpected end" in str(error), self.peek(1)
        if opened and after and after.count("\t") != columns - 1:
            return None
        return next(self).rstrip("\r\n").split("\t")

    def skip_row(self, delimiter: str) -> None:
        """Read to the end of a broken row, as a reader finds it that takes quotation marks as they come. It is the
        end of the file (`ended`) if a mark is never closed."""
        whole = (line.replace("\r\n", "\n").replace("\r", " ") for line in chain(list(self.held), self))
        with suppress(csv.Error):
            next(csv.reader(whole, delimiter=delimiter))

    @property
    def marks(self) -> int:
        """Quotation marks in the row; an odd number of them makes no whole cells."""
        return sum(line.count('"') for line in self.held)

    @property
    def excerpt(self) -> str:
        return "".join(self.held[:5]).strip()[:300]


def endless_cell(line: int) -> str:
    sentence = _(
        "A quotation mark in the row that begins in line %(line)d is never closed, so the rows after it cannot be told "
        "apart. Close it, or bring the file as XLSX. Nothing was taken."
    )
    return sentence % {"line": line}


def is_exported(path: Path, header: list[str]) -> bool:
    """Whether the file is one of our own exports, which keep spreadsheets from running its cells."""
    with path.open("rb") as file:
        marked = file.read(len(BOM)) == BOM
    return marked and any(header[: len(columns)] == list(columns) for columns in COLUMNS.values())


def with_formula(cell: str) -> str:
    """A cell as it was before an export put an apostrophe before what a spreadsheet would run."""
    return cell[1:] if UNFORMULA.match(cell) else cell


def csv_header(reader: Any) -> list[str]:
    try:
        header = [with_formula(name.strip()) for name in next(reader, [])]
    except csv.Error as error:
        raise ApplicationError(_("The first line holds no column names: %s.") % error, field="file") from error
    if not any(header) or len(header) > MOST_COLUMNS:
        sentence = _("The first line must hold the names of the columns, %d at most.")
        raise ApplicationError(sentence % MOST_COLUMNS, field="file")
    doubled = sorted({name for name in header if name and header.count(name) > 1})
    if doubled:
        raise ApplicationError(_("Two columns are called “%s”; rename one.") % doubled[0], field="file")
    return header


def csv_row(number: int, header: list[str], cells: list[str]) -> Row:
    """A row with more or fewer cells than there are columns is none: its values would stand under wrong names."""
    named = len(header)
    while not header[named - 1]:
        named -= 1
    if len(cells) < named:
        sentence = _(
            "Cells in this row: %(found)d; columns: %(named)d. A line break may stand in a cell without quotation "
            "marks."
        )
        return Row(number, {}, sentence % {"found": len(cells), "named": named}, " | ".join(cells)[:300])
    if any(cells[len(header) :]):
        sentence = _("Cells in this row: %(found)d; columns: %(named)d. A quotation mark may be missing.")
        return Row(number, {}, sentence % {"found": len(cells), "named": named}, " | ".join(cells)[:300])
    return Row(number, {name: cell for name, cell in zip(header, cells, strict=False) if name})


def delimiter_of(line: str) -> str:
    """A tab, if the first line has one outside quotation marks: names of columns have none. Else of comma, semicolon
    and bar the one that it has most of."""
    names = QUOTED.sub("", line)
    return "\t" if "\t" in names else max(",;|", key=names.count)


def shown(line: bytes) -> str:
    """A piece of the file for a list of problems."""
    return line.decode("utf-8", "replace").strip()
