"""An XLSX workbook written while its rows are read. Every cell is a text, so that nothing in it is ever a formula."""

import re
import zipfile
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from xml.sax.saxutils import escape

LONGEST_CELL = 32_767  # characters
MOST_ROWS = 1_048_575  # of a sheet, beside its header
MOMENT = (1980, 1, 1, 0, 0, 0)  # the same in every file: the same rows give the same bytes
EVERY = 500  # rows between pieces
# What XML cannot hold is written as _xHHHH_, and what looks like that already gets its underscore written so.
UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


class Sink:
    """Where the archive is written to, and taken from."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """There is nothing to flush; the archive asks."""

    def take(self) -> bytes:
        found = b"".join(self.pieces)
        self.pieces.clear()
        return found


def xlsx_pieces(header: list[str], rows: Iterable[list[str]]) -> Iterator[bytes]:
    """The workbook's bytes. Rows beyond what a sheet holds go to further sheets with the same header."""
    sink = Sink()
    waiting = iter(rows)
    sheets = 0
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:  # type: ignore[call-overload]
        first = next(waiting, None)
        while first is not None or sheets == 0:
            sheets += 1
            head = [] if first is None else [first]
            yield from sheet(archive, sink, sheets, header, chain(head, islice(waiting, MOST_ROWS - 1)))
            first = next(waiting, None)
        for name, text in frame(sheets):
            archive.writestr(entry(name), text)
        yield sink.take()
    yield sink.take()


def sheet(
    archive: zipfile.ZipFile, sink: Sink, number: int, header: list[str], rows: Iterable[list[str]]
) -> Iterator[bytes]:
    with archive.open(entry(f"xl/worksheets/sheet{number}.xml"), "w", force_zip64=True) as file:
        file.write(f'{HEAD}<worksheet xmlns="{SPREADSHEET}"><sheetData>{line(header)}'.encode())
        held: list[str] = []
        for row in rows:
            held.append(line(row))
            if len(held) == EVERY:
                file.write("".join(held).encode())
                held.clear()
                yield sink.take()
        file.write("".join(held).encode())
        file.write(b"</sheetData></worksheet>")
    yield sink.take()


def line(cells: list[str]) -> str:
    parts = [
        f'<c t="inlineStr"><is><t xml:space="preserve">{text_of(cell)}</t></is></c>' if cell else "<c/>"
        for cell in cells
    ]
    return f"<row>{''.join(parts)}</row>"


def text_of(cell: str) -> str:
    return escape(UNFIT.sub(lambda found: f"_x{ord(found.group()):04X}_", cell))


def entry(name: str) -> zipfile.ZipInfo:
    found = zipfile.ZipInfo(name, MOMENT)
    found.compress_type = zipfile.ZIP_DEFLATED
    return found


def frame(sheets: int) -> Iterator[tuple[str, str]]:
    """What a workbook needs beside its sheets."""
    numbers = range(1, sheets + 1)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{kind}.worksheet+xml"/>'
        for number in numbers
    )
    yield (
        "[Content_Types].xml",
        (
            f'{HEAD}<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>{overrides}</Types>'
        ),
    )
    yield "_rels/.rels", relations([("officeDocument", "xl/workbook.xml")])
    named = "".join(f'<sheet name="Pairs {number}" sheetId="{number}" r:id="rId{number}"/>' for number in numbers)
    yield (
        "xl/workbook.xml",
        (f'{HEAD}<workbook xmlns="{SPREADSHEET}" xmlns:r="{OFFICE}"><sheets>{named}</sheets></workbook>'),
    )
    yield (
        "xl/_rels/workbook.xml.rels",
        relations([("worksheet", f"worksheets/sheet{number}.xml") for number in numbers]),
    )


def relations(targets: list[tuple[str, str]]) -> str:
    inner = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{inner}</Relationships>'
