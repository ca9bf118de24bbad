"""DOCX: paragraphs, headings by their style, lists and tables in the order in which they stand."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import docx
from docx.table import Table
from docx.text.paragraph import Paragraph
from lxml.etree import LxmlError

from ml.documents.shapes import Budget, Document, DocumentError, check_archive, one_line, tidy
from ml.phrases import gettext_noop

_HEADING = re.compile(r"(?:Heading|heading|Überschrift|Rubrik|Titre)\s*([1-6])")
_MOST_CELLS = 200_000


def read_docx(path: Path, name: str, budget: Budget) -> Iterator[Document]:
    """The one document of a Word file. Raises DocumentError when it is none, damaged, too large or without text."""
    check_archive(path, budget.limits)
    try:
        with zipfile.ZipFile(path) as archive:
            if "word/document.xml" not in archive.namelist():
                raise DocumentError(gettext_noop("The file is not a Word document (.docx), whatever its name says."))
        document = docx.Document(str(path))
        parts = [text for block in document.iter_inner_content() if (text := block_text(block, budget))]
        facts = document.core_properties
        title = one_line(facts.title)
    except (KeyError, ValueError, LxmlError, AttributeError, zipfile.BadZipFile, OSError) as error:
        if isinstance(error, DocumentError):
            raise
        raise DocumentError(
            gettext_noop("The document is damaged and cannot be read; open it in Word and save it again.")
        ) from error
    text = tidy("\n\n".join(parts), budget.limits)
    if not text:
        raise DocumentError(gettext_noop("The document holds no text."))
    heading = next((line.lstrip("# ") for line in text.split("\n") if line.startswith("#")), "")
    yield Document(title or one_line(heading) or one_line(Path(name).stem), text, "docx",
                   language=one_line(facts.language, 12))  # fmt: skip


def block_text(block: Paragraph | Table, budget: Budget) -> str:
    """A paragraph or a table as Markdown, "" for a blank one."""
    budget.tick()
    if isinstance(block, Table):
        return table_text(block)
    text = block.text.strip()
    style = str(block.style.name if block.style is not None else "")
    if not text:
        return ""
    if found := _HEADING.match(style):
        return f"{'#' * int(found.group(1))} {one_line(text)}"
    if style == "Title":
        return f"# {one_line(text)}"
    return f"- {text}" if style.startswith("List") else text


def table_text(table: Table) -> str:
    """A Markdown table; a cell that spans several columns stands once."""
    rows: list[list[str]] = []
    for row in table.rows:
        cells: list[str] = []
        seen: set[int] = set()
        for cell in row.cells:
            if id(cell._tc) not in seen:
                seen.add(id(cell._tc))
                cells.append(one_line(cell.text, 2000).replace("|", "\\|"))
        rows.append(cells)
        if sum(map(len, rows)) > _MOST_CELLS:
            raise DocumentError(gettext_noop("A table has more than %(most)d cells."), most=_MOST_CELLS)
    if not rows:
        return ""
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    return "\n".join([lines[0], f"|{' --- |' * len(rows[0])}", *lines[1:]])
