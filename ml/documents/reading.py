"""One file in, its documents out: the kind is told by the ending and by the first bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ml.documents.shapes import Budget, Document, DocumentError, Limits
from ml.phrases import gettext_noop

Read = Callable[[Path, str, Budget], Iterator[Document | DocumentError]]
ENDINGS = {
    ".md": "markdown", ".markdown": "markdown", ".txt": "text", ".text": "text",
    ".html": "html", ".htm": "html", ".xhtml": "html", ".mhtml": "mhtml", ".mht": "mhtml",
    ".pdf": "pdf", ".docx": "docx", ".warc": "warc", ".warc.gz": "warc", ".zip": "zip",
}  # fmt: skip


def kind_of(name: str) -> str:
    """The kind of a file by its ending. Raises DocumentError for others."""
    lower = name.lower()
    found = next((kind for ending, kind in ENDINGS.items() if lower.endswith(ending)), "")
    if not found:
        raise DocumentError(
            gettext_noop(
                "This is none of the kinds that are read: .md, .txt, .html, .mhtml, .pdf, .docx, .warc, .warc.gz, "
                "or a .zip of these."
            )
        )
    return found


def read_documents(path: Path, *, name: str = "", limits: Limits | None = None) -> Iterator[Document | DocumentError]:
    """The documents of a file, one at a time; a record that gives no text is yielded as its error.

    `name` is what its owner calls the file. Raises DocumentError when the file as a whole cannot be read, OSError when
    it is not there. A web archive or a ZIP file holds many documents, every other file one.
    """
    name, limits = name or path.name, limits or Limits()
    kind = kind_of(name)
    if kind == "zip":
        from ml.documents.bundle import read_bundle

        yield from read_bundle(path, Budget(limits), _read_one)
    else:
        yield from _read_one(path, name, Budget(limits))


def _read_one(path: Path, name: str, budget: Budget) -> Iterator[Document | DocumentError]:
    kind, size, most = kind_of(name), path.stat().st_size, budget.limits.file_bytes
    if size == 0:
        raise DocumentError(gettext_noop("The file is empty."))
    if kind == "zip":
        raise DocumentError(gettext_noop("An archive within an archive is not opened."))
    if kind != "warc" and size > most:
        raise DocumentError(
            gettext_noop("The file has %(size)d MB; at most %(most)d MB are read."),
            size=size // 2**20,
            most=most // 2**20,
        )
    yield from _reader(kind)(path, name, budget)


def _reader(kind: str) -> Read:
    """Each kind's library is imported when a file of that kind comes."""
    if kind == "pdf":
        from ml.documents.pdf import read_pdf

        return read_pdf
    if kind == "docx":
        from ml.documents.docx import read_docx

        return read_docx
    if kind == "warc":
        from ml.documents.warc import read_warc

        return read_warc
    if kind in ("html", "mhtml"):
        from ml.documents import web

        return web.read_html if kind == "html" else web.read_mhtml
    if kind == "markdown":
        from ml.documents.markdown import read_markdown

        return read_markdown
    from ml.documents.plain import read_text

    return read_text
