"""PDF: the text of each page in reading order, without the lines that repeat from page to page."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pypdf
from pypdf.errors import PdfReadError, PyPdfError

from ml.documents.shapes import Budget, Document, DocumentError, one_line, tidy
from ml.phrases import gettext_noop

_EDGE = 2  # lines at the top and at the bottom of a page that may be a running head
_NUMBER = re.compile(r"\d+")
_BULLET = re.compile(r"^\s*(?:[•●▪◦‣*–-]|\d{1,2}[.)]|[a-z][.)])\s")
_NAMELESS = re.compile(r"(about|file|https?):|untitled\b|microsoft \w+ - ", re.IGNORECASE)  # titles that programs give
_BROKEN = re.compile(r"(\w)[-\u2010]\n(?=[a-zà-öø-ÿ])")


def read_pdf(path: Path, name: str, budget: Budget) -> Iterator[Document]:
    """The one document of a PDF. Raises DocumentError when it is none, locked, damaged, too large or without text."""
    logging.getLogger("pypdf").setLevel(logging.ERROR)
    with path.open("rb") as file:
        if b"%PDF-" not in file.read(1024):
            raise DocumentError(gettext_noop("The file is not a PDF, whatever its name says."))
    try:
        reader = pypdf.PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise DocumentError(gettext_noop("The PDF is locked with a password; save it without one."))
        pages = page_texts(reader, budget)
        facts = reader.metadata
        title = one_line(facts.title) if facts and facts.title else ""
        title = "" if _NAMELESS.match(title) else title
        rights = licence_of(reader)
    except DocumentError:
        raise
    except (PyPdfError, PdfReadError, OSError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise DocumentError(gettext_noop("The PDF is damaged and cannot be read; print it into a new PDF.")) from error
    except RecursionError as error:
        raise DocumentError(gettext_noop("The PDF refers to itself without end and cannot be read.")) from error
    bodies = [tidy(paragraphs(page), budget.limits) for page in without_running_heads(pages)]
    text = "\n\n".join(filter(None, bodies))
    if not text:
        raise DocumentError(gettext_noop("The PDF holds no text; a scanned page must be recognised (OCR) first."))
    starts, place = [], 0
    for body in bodies:
        starts.append(place)
        place += len(body) + 2 if body else 0
    yield Document(title or one_line(Path(name).stem), tidy(text, budget.limits), "pdf", license=rights,
                   pages=tuple(starts[1:]))  # fmt: skip


def page_texts(reader: pypdf.PdfReader, budget: Budget) -> list[list[str]]:
    """The lines of each page. Raises DocumentError when there are too many pages, or too much text."""
    count = len(reader.pages)
    if count > budget.limits.pages:
        raise DocumentError(
            gettext_noop("The PDF has %(count)d pages; at most %(most)d are read."),
            count=count,
            most=budget.limits.pages,
        )
    pages = []
    for page in reader.pages:
        text = page.extract_text() or ""
        budget.unpack(len(text))
        pages.append([line.rstrip() for line in text.split("\n")])
    return pages


def licence_of(reader: pypdf.PdfReader) -> str:
    """The rights statement of the file's own metadata, if it has one."""
    xmp = reader.xmp_metadata
    rights = xmp.dc_rights if xmp else None
    return one_line(next(iter(rights.values()), "")) if rights else ""


def without_running_heads(pages: list[list[str]]) -> list[list[str]]:
    """Drop edge lines that stand on most pages, whatever page number is in them."""
    if len(pages) < 3:
        return pages
    seen = Counter(key for page in pages for key in {running(page[place]) for place in edges(page)})
    often = {key for key, count in seen.items() if key and count >= max(3, 0.6 * len(pages))}
    bare = {running("1")}  # a page number alone
    return [
        [line for place, line in enumerate(page) if place not in edges(page) or running(line) not in often | bare]
        for page in pages
    ]


def edges(page: list[str]) -> set[int]:
    """Places of the first and the last lines of a page that are not blank."""
    filled = [place for place, line in enumerate(page) if line.strip()]
    return {*filled[:_EDGE], *filled[-_EDGE:]}


def running(line: str) -> str:
    """A line with its numbers made alike, so that “Page 3” and “Page 4” are the same."""
    return _NUMBER.sub("#", " ".join(line.split()))


def paragraphs(lines: list[str]) -> str:
    """Lines of a paragraph put together: a line goes on where it fills its column and no bullet or blank follows."""
    widest = max(map(len, lines), default=0)
    text = ""
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        goes_on = len(line) > 0.6 * widest and following.strip() and not _BULLET.match(following)
        ended = line.endswith((".", "!", "?", ":")) and len(line) < 0.85 * widest
        text += line.strip() + ("\n" if line.endswith("-") else " " if goes_on and not ended else "\n\n")
    return _BROKEN.sub(r"\1", text)
