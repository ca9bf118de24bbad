"""The objects of a .json file, one at a time: a list of them, or an object whose only list of objects holds them.

However large the file is, no more of it is in memory than the object that is read, and a look at the first rows reads
the beginning alone.
"""

import json
import re
from collections import deque
from collections.abc import Generator, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

from django.utils.translation import gettext as _

from core.denied import ApplicationError

CHUNK = 1024 * 1024  # characters read at once
LONGEST_VALUE = 16 * CHUNK  # characters of an object; a longer one is no pair
BLANK = re.compile(r"[ \t\n\r]*")


def refuse_constant(name: str) -> None:
    raise ValueError(_("%s is not a JSON value") % name)


DECODER = json.JSONDecoder(parse_constant=refuse_constant)  # made once: making it costs more than most rows


class JsonText:
    """A JSON file that is read value by value. Raises ApplicationError, naming the line, where it is no JSON."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.read, self.place = "", 0  # what was read last, and how far it was taken
        self.lines, self.ended = 1, False

    def next(self) -> str:
        """The next character that is no blank, "" at the end."""
        while True:
            blank = BLANK.match(self.read, self.place)
            self.place = blank.end() if blank else self.place
            if self.place < len(self.read) or self.ended:
                return self.read[self.place : self.place + 1]
            self.more(CHUNK)

    def take(self, expected: str) -> None:
        """Go past the next character, which must be this one."""
        if self.next() != expected:
            self.refuse(_("“%s” is missing") % expected, self.place)
        self.place += 1

    def value(self) -> Any:
        self.next()
        size = CHUNK
        while True:
            try:
                value, end = DECODER.raw_decode(self.read, self.place)
                if len(self.read) - end > 2 or self.ended:  # else a number may go on: 1.5, 1.5e-7
                    self.place = end
                    return value
            except json.JSONDecodeError as error:
                if self.ended:
                    self.refuse(error.msg.removesuffix(" at"), error.pos)
                if len(self.read) - self.place > LONGEST_VALUE:
                    self.refuse(
                        _("an entry is longer than %d MB, or not closed") % (LONGEST_VALUE // 2**20), self.place
                    )
            except RecursionError as error:
                raise ApplicationError(_("The file nests its lists too deeply to be read."), field="file") from error
            except ValueError as error:
                sentence = _("The file cannot be read as JSON: %s.") % (str(error) or "…")
                raise ApplicationError(sentence, field="file") from error
            self.more(size)
            size *= 2

    def more(self, size: int) -> None:
        """Read on, and forget what was taken."""
        piece = self.file.read(size)
        self.lines += self.read.count("\n", 0, self.place)
        self.read, self.place, self.ended = self.read[self.place :] + piece, 0, not piece

    def refuse(self, reason: str, place: int) -> None:
        sentence = _("The file is not valid JSON: %(reason)s in line %(line)d.")
        values = {"reason": reason, "line": self.lines + self.read.count("\n", 0, place)}
        raise ApplicationError(sentence % values, field="file")

    def end(self) -> None:
        if self.next():
            self.refuse(_("something follows after the end"), self.place)


def json_values(path: Path) -> Generator[Any, None, None]:
    """The entries of the list. Raises ApplicationError for a file that holds none, or several."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        text = JsonText(file)
        if text.next() == "[":
            yield from entries(text)
        else:
            count = 0
            for count, inner in enumerate(lists_in(text), 1):
                if count > 1:
                    raise ApplicationError(_("The file holds several lists of objects; bring one."), field="file")
                yield from inner
            if not count:
                raise ApplicationError(_("The file holds no list of objects; bring one, or JSONL."), field="file")
        text.end()


def entries(text: JsonText) -> Iterator[Any]:
    text.take("[")
    if text.next() == "]":
        return text.take("]")
    while True:
        yield text.value()
        if text.next() != ",":
            return text.take("]")
        text.take(",")


def lists_in(text: JsonText) -> Iterator[Iterator[Any]]:
    """Of the file's one object: each list of objects that it names."""
    if text.next() != "{":
        text.value()
        return
    text.take("{")
    if text.next() == "}":
        return text.take("}")
    while True:
        if text.next() != '"':
            text.refuse(_("a name is missing"), text.place)
        text.value()
        text.take(":")
        if text.next() == "[":
            inner = entries(text)
            begun = list(islice(inner, 1))
            if begun and isinstance(begun[0], dict):
                yield chain(begun, inner)
            deque(inner, maxlen=0)
        else:
            text.value()
        if text.next() != ",":
            return text.take("}")
        text.take(",")
