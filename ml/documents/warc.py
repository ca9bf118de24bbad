"""Web archives: every answer that is a page or a plain text becomes a document, with its address and its date."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from ml.documents.plain import plain_document
from ml.documents.shapes import Budget, Document, DocumentError, one_line
from ml.documents.web import page_document, web_address
from ml.phrases import gettext_noop

_LARGEST = 8 * 1024 * 1024  # bytes of one page
_BEGINNINGS = (b"WARC/", b"\x1f\x8b", b"filedesc:")  # plain, packed, and the older form
_PAGES = ("text/html", "application/xhtml+xml")


def read_warc(path: Path, name: str, budget: Budget) -> Iterator[Document | DocumentError]:
    """Records that give no text are yielded as errors with their address; redirects, pictures and scripts are not."""
    count = 0
    try:
        with path.open("rb") as file:
            if not file.peek(16).startswith(_BEGINNINGS):
                raise DocumentError(gettext_noop("The file is not a web archive, whatever its name says."))
            for record in ArchiveIterator(file, arc2warc=True):
                count += 1
                if count > budget.limits.records:
                    raise DocumentError(
                        gettext_noop("The archive has more than %(most)d records."), most=budget.limits.records
                    )
                if (found := document_of(record, budget)) is not None:
                    yield found
    except (ArchiveLoadFailed, OSError, EOFError, ValueError) as error:
        if isinstance(error, DocumentError):
            raise
        raise DocumentError(
            gettext_noop("The archive is damaged after record %(count)d and cannot be read further."), count=count
        ) from error
    if not count:
        raise DocumentError(gettext_noop("The archive holds no record that can be read."))


def document_of(record: Any, budget: Budget) -> Document | DocumentError | None:
    """The document of one record, why it gives none, or None for what is no page: a redirect, a picture."""
    budget.tick()
    if record.rec_type not in ("response", "resource"):
        return None
    headers = record.http_headers
    status = headers.get_statuscode() if headers else "200"
    stated = (headers or record.rec_headers).get_header("Content-Type") or ""
    kind = stated.split(";")[0].strip().lower()
    address = web_address(record.rec_headers.get_header("WARC-Target-URI"))
    if status != "200" or kind not in (*_PAGES, "text/plain"):
        return None
    data = record.content_stream().read(_LARGEST + 1)
    budget.unpack(len(data))
    try:
        if len(data) > _LARGEST:
            raise DocumentError(gettext_noop("The page is larger than %(size)d MB."), size=_LARGEST // 2**20)
        name = address.rstrip("/").rsplit("/", 1)[-1] or address
        if kind == "text/plain":
            return plain_document(data, name, budget, address)
        return page_document(data, name, budget, address)
    except DocumentError as error:
        return error.at(one_line(address, 200))
