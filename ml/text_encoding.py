"""Which encoding a text file is in, told from its bytes: UTF-8, UTF-16, UTF-32 by mark, and Windows' western code page.

Nothing is guessed from word statistics: a file is UTF-8 if all of it decodes, UTF-16 if it has a mark or every second
byte of its beginning is zero, and cp1252 if no byte of it is a control character there and it is not UTF-8 with a few
broken places. Everything else is refused, with the place where the reading broke off.
"""

from __future__ import annotations

import codecs
from pathlib import Path

from ml.phrases import PhraseError, gettext_noop

CHUNK = 1024 * 1024
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNREADABLE = gettext_noop("The file is not %(encoding)s: byte %(byte)d in line %(line)d cannot be read.")
_OUTWEIGHED = 20  # broken places for each character that is UTF-8 by chance
# Bytes that cp1252 leaves undefined, and controls that no text holds. Tab, line feed, form feed and return are text.
_NO_CP1252 = bytes(sorted({*range(0x20), 0x7F, 0x81, 0x8D, 0x8F, 0x90, 0x9D} - {0x09, 0x0A, 0x0C, 0x0D}))


class EncodingError(PhraseError):
    """The file is in no encoding that can be told; the message says where. `cut`: it ends within a character."""

    def __init__(self, name: str, place: int, lines: int, *, cut: bool = False) -> None:
        shown = name.removesuffix("-sig").upper()
        super().__init__(_UNREADABLE, encoding=shown, byte=place + 1, line=lines + 1)
        self.cut = cut


def encoding_of(path: Path) -> str:
    """The name of the file's encoding for `open`. Reads the whole file as a stream. Raises EncodingError, OSError."""
    with path.open("rb") as file:
        start = file.read(4096)
    if marked := next((name for mark, name in _MARKS if start.startswith(mark)), ""):
        _refuse(path, marked)
        return marked
    if wide := _wide(start):
        _refuse(path, wide)
        return wide
    try:
        _refuse(path, "utf-8")
    except EncodingError as error:
        if not error.cut and _is_cp1252(path):
            return "cp1252"
        raise
    return "utf-8"


def decode(data: bytes) -> str:
    """The text of some bytes in memory, by the same rules. Raises EncodingError."""
    name = next((name for mark, name in _MARKS if data.startswith(mark)), "") or _wide(data[:4096])
    try:
        return data.decode(name or "utf-8")
    except UnicodeDecodeError as error:
        if not name and data.translate(None, _NO_CP1252) == data:
            return data.decode("cp1252")
        raise EncodingError(name or "utf-8", error.start, data[: error.start].count(b"\n")) from error


def _wide(start: bytes) -> str:
    """UTF-16 without a mark: western text has a zero in every second byte."""
    even, odd = start[0::2], start[1::2]
    if len(start) < 4:
        return ""
    if odd.count(0) > len(odd) * 0.4 and even.count(0) < len(even) * 0.05:
        return "utf-16-le"
    return "utf-16-be" if even.count(0) > len(even) * 0.4 and odd.count(0) < len(odd) * 0.05 else ""


def _refuse(path: Path, name: str) -> None:
    """Decode the whole file piece by piece; raises EncodingError naming byte and line."""
    decoder = codecs.getincrementaldecoder(name)()
    done = lines = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            held = decoder.getstate()[0]
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                place = done - len(held) + error.start
                raise EncodingError(name, place, lines + (held + chunk)[: error.start].count(b"\n")) from error
            done += len(chunk)
            lines += chunk.count(b"\n")
    if held := decoder.getstate()[0]:
        raise EncodingError(name, done - len(held), lines, cut=True)


def _is_cp1252(path: Path) -> bool:
    """No byte is undefined there, and what does not decode as UTF-8 outweighs by far what happens to."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    good = bad = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if chunk.translate(None, _NO_CP1252) != chunk:
                return False
            if not chunk.isascii():
                text = decoder.decode(chunk)
                broken = text.count("\ufffd")
                bad += broken
                good += len(text) - len(text.encode("ascii", "ignore")) - broken
    return good * _OUTWEIGHED < bad
