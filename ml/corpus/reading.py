"""Files of any kind that is read here become pieces of text, one file at a time and as a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from ml.corpus.shapes import PIECE, CorpusError, Piece
from ml.documents import DocumentError, read_documents
from ml.phrases import PLACED, Phrase, gettext_noop, sentence_of
from ml.text_encoding import EncodingError, encoding_of

_PLAIN = (".txt", ".text", ".md", ".markdown")
_LINES = (".jsonl", ".ndjson")
_MOST_LINE = 64 * 1024 * 1024
_ROWS = 256
_LINE = gettext_noop("%(file)s, line %(number)d")
_PLACE = gettext_noop("%(file)s, row %(number)d")


def read_pieces(path: Path, name: str, column: str) -> Iterator[Piece | CorpusError]:
    """The pieces of one file in order; what cannot be read of it is yielded as an error with its place.

    `name` is what its owner calls the file; it names the documents. Never raises for what the file holds.
    """
    lower = name.lower()
    try:
        if path.stat().st_size == 0:
            yield CorpusError(gettext_noop("The file is empty.")).at(name)
        elif lower.endswith(_PLAIN):
            yield from _numbered(name, _paragraphs(path))
        elif lower.endswith(_LINES):
            yield from _read_lines(path, name, column)
        elif lower.endswith(".parquet"):
            yield from _read_parquet(path, name, column)
        else:
            yield from _read_documents(path, name)
    except (DocumentError, EncodingError, OSError, pyarrow.ArrowException) as error:
        yield CorpusError(PLACED, place=name, reason=sentence_of(error))


def cut(text: str) -> Iterator[str]:
    """A text in pieces of at most PIECE characters, cut between paragraphs, else between lines, words, anywhere."""
    while len(text) > PIECE:
        at = next(
            (found + len(mark) for mark in ("\n\n", "\n", " ") if (found := text.rfind(mark, 1, PIECE)) > 0), PIECE
        )
        yield text[:at]
        text = text[at:]
    if text:
        yield text


def _numbered(document: str, pieces: Iterator[str]) -> Iterator[Piece]:
    number = 0
    for text in pieces:
        if text.strip():
            yield Piece(document, number, text.strip())
            number += 1


def _paragraphs(path: Path) -> Iterator[str]:
    """Plain text of any length as a stream of pieces."""
    waiting = ""
    with path.open(encoding=encoding_of(path), newline=None) as file:
        while block := file.read(PIECE):
            *whole, waiting = cut(waiting + block)
            yield from whole
    yield waiting


def _read_lines(path: Path, name: str, column: str) -> Iterator[Piece | CorpusError]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(_MOST_LINE):
            number += 1
            if line.strip():
                row = _json(line)
                found = row.get(column) if isinstance(row, dict) else row if isinstance(row, str) else None
                place = Phrase(_LINE, file=name, number=number)
                yield from _row(found, place, f"{name}:{_title(row, number)}", column)


def _read_parquet(path: Path, name: str, column: str) -> Iterator[Piece | CorpusError]:
    with pyarrow.parquet.ParquetFile(path) as file:
        if column not in file.schema_arrow.names:
            known = ", ".join(file.schema_arrow.names[:10])
            yield CorpusError(
                gettext_noop("There is no column “%(column)s”; it has %(known)s."), column=column, known=known
            ).at(name)
            return
        number = 0
        for batch in file.iter_batches(batch_size=_ROWS, columns=[column]):
            for found in batch.column(0).to_pylist():
                number += 1
                yield from _row(found, Phrase(_PLACE, file=name, number=number), f"{name}:{number}", column)


def _read_documents(path: Path, name: str) -> Iterator[Piece | CorpusError]:
    for number, found in enumerate(read_documents(path, name=name)):
        if isinstance(found, DocumentError):
            yield CorpusError(PLACED, place=name, reason=sentence_of(found))
        else:
            yield from _numbered(f"{name}:{number + 1} {found.title}".strip(), cut(found.text))


def _row(found: Any, place: str, document: str, column: str) -> Iterator[Piece | CorpusError]:
    if isinstance(found, str):
        yield from _numbered(document, cut(found))
    else:
        yield CorpusError(gettext_noop("There is no text in “%(column)s”."), column=column).at(place)


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _title(row: Any, number: int) -> str:
    """What a row calls itself, else its number."""
    if isinstance(row, dict):
        for key in ("id", "document", "title", "url"):
            if isinstance(row.get(key), str | int) and str(row[key]).strip():
                return f"{number} {str(row[key])[:120]}"
    return str(number)
