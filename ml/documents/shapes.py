"""What reading gives and what bounds it."""

from __future__ import annotations

import re
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from ml.phrases import PhraseError, gettext_noop


class DocumentError(PhraseError):
    """This file, or this record of it, gives no text; the message says why and what to do."""


SAVE_AS_UTF8 = gettext_noop("%(reason)s Save it as UTF-8 and bring it again.")


@dataclass(frozen=True)
class Limits:
    """How much one file may ask for. What goes beyond ends the reading with a DocumentError."""

    file_bytes: int = 64 * 1024 * 1024
    """Size of the file as it lies there."""
    expanded_bytes: int = 256 * 1024 * 1024
    """Size of everything unpacked from it."""
    ratio: int = 200
    """Unpacked size over packed size, for archives above a megabyte unpacked."""
    pages: int = 3_000
    records: int = 20_000
    """Records of a web archive."""
    characters: int = 5_000_000
    """Of one document's text."""
    seconds: float = 60.0
    """For one file."""


@dataclass(frozen=True, slots=True)
class Document:
    """One text with where it came from. Headings are Markdown lines (`## …`); paragraphs are parted by blank lines."""

    title: str
    text: str
    kind: str
    address: str = ""
    """Where it was published, as the file itself tells."""
    license: str = ""
    """The licence note found in the file, word for word."""
    language: str = ""
    date: str = ""
    pages: tuple[int, ...] = ()
    """For each page but the first, the character of `text` at which it begins."""


@dataclass
class Budget:
    """What is left of the limits while one file is read."""

    limits: Limits
    started: float = field(default_factory=time.monotonic)
    expanded: int = 0

    def tick(self) -> None:
        """Raises DocumentError when the time is over."""
        if time.monotonic() - self.started > self.limits.seconds:
            raise DocumentError(
                gettext_noop("Reading took longer than %(seconds)g seconds and was given up."),
                seconds=self.limits.seconds,
            )

    def unpack(self, count: int) -> None:
        self.tick()
        self.expanded += count
        if self.expanded > self.limits.expanded_bytes:
            raise DocumentError(
                gettext_noop("It unpacks to more than %(size)d MB."), size=self.limits.expanded_bytes // 2**20
            )


def check_archive(path: Path, limits: Limits) -> None:
    """Refuse a ZIP file whose table of contents promises too much. Raises DocumentError."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise DocumentError(gettext_noop("The file is damaged: it cannot be unpacked.")) from error
    packed, unpacked = sum(entry.compress_size for entry in entries), sum(entry.file_size for entry in entries)
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise DocumentError(gettext_noop("The file is locked with a password; save it without one."))
    if unpacked > limits.expanded_bytes:
        raise DocumentError(
            gettext_noop("It unpacks to %(size)d MB; at most %(most)d MB fit."),
            size=unpacked // 2**20,
            most=limits.expanded_bytes // 2**20,
        )
    if unpacked > 2**20 and unpacked > limits.ratio * max(1, packed):
        raise DocumentError(
            gettext_noop("It unpacks to more than %(ratio)d times its size, as no document does."), ratio=limits.ratio
        )


_BLANKS = re.compile(r"[ \t\u00a0]+\n")
_GAPS = re.compile(r"\n{3,}")
# Controls that no text holds, and halves of characters; tab and line feed stay.
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff\ufeff\u00ad]")


def tidy(text: str, limits: Limits) -> str:
    """Line feeds as line ends, no trailing blanks, one blank line between paragraphs. Raises DocumentError."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n")
    text = _GAPS.sub("\n\n", _BLANKS.sub("\n", _UNFIT.sub("", text))).strip()
    if len(text) > limits.characters:
        raise DocumentError(
            gettext_noop("The text has %(count)d characters; at most %(most)d fit."),
            count=len(text),
            most=limits.characters,
        )
    return text


def one_line(text: object, most: int = 300) -> str:
    """A title, an address or a note, fit for one line; "" for None."""
    return " ".join(_UNFIT.sub("", str(text or "")).split())[:most]
