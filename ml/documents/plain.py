"""Plain texts, whatever their encoding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ml.documents.shapes import SAVE_AS_UTF8, Budget, Document, DocumentError, one_line, tidy
from ml.phrases import gettext_noop, sentence_of
from ml.text_encoding import EncodingError, decode


def read_text(path: Path, name: str, budget: Budget) -> Iterator[Document]:
    """The one document of a text file. Raises as `plain_document` does."""
    yield plain_document(path.read_bytes(), name, budget)


def plain_document(data: bytes, name: str, budget: Budget, address: str = "") -> Document:
    """The text of a plain file's bytes. Raises DocumentError when its encoding cannot be told, or it holds no text."""
    try:
        text = tidy(decode(data), budget.limits)
    except EncodingError as error:
        raise DocumentError(SAVE_AS_UTF8, reason=sentence_of(error)) from error
    if not text:
        raise DocumentError(gettext_noop("The file holds no text."))
    return Document(one_line(Path(name).stem), text, "text", address=address)
