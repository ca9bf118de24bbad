"""A ZIP file with documents in it: a folder of reports, or a page saved together with its pictures."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ml.documents.shapes import Budget, Document, DocumentError, check_archive, one_line
from ml.phrases import gettext_noop

_MOST_ENTRIES = 5_000
_PIECE = 1024 * 1024
# What lies beside a saved page; nobody means it as a document.
_ASIDE = {".css", ".js", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".ico", ".webp", ".woff", ".woff2", ".ttf", ".map"}

ReadOne = Callable[[Path, str, Budget], Iterator[Document | DocumentError]]


def read_bundle(path: Path, budget: Budget, read: ReadOne) -> Iterator[Document | DocumentError]:
    """The documents of each entry in the order of their names; what gives none is yielded with the entry's name.

    `read` reads one file. Archives within the archive are not opened. Each entry has its own time.
    """
    check_archive(path, replace(budget.limits, expanded_bytes=16 * budget.limits.expanded_bytes))
    with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(prefix="apprentice-documents-") as folder:
        entries = sorted((entry for entry in archive.infolist() if wanted(entry)), key=lambda entry: entry.filename)
        if not entries:
            raise DocumentError(gettext_noop("The archive holds no documents."))
        if len(entries) > _MOST_ENTRIES:
            raise DocumentError(
                gettext_noop("The archive holds %(count)d files; at most %(most)d are read."),
                count=len(entries),
                most=_MOST_ENTRIES,
            )
        target = Path(folder) / "entry"
        for entry in entries:
            name = one_line(entry.filename, 200)
            try:
                unpack(archive, entry, target, budget.limits.file_bytes)
                yield from (named(found, name) for found in read(target, name, Budget(budget.limits)))
            except DocumentError as error:
                yield named(error, name)


def wanted(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry may be a document: no folder, nothing hidden, no part of a page's looks."""
    place = PurePosixPath(entry.filename)
    hidden = any((part.startswith(".") and part != "..") or part == "__MACOSX" for part in place.parts)
    return not (entry.is_dir() or hidden or place.suffix.lower() in _ASIDE)


def unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, most: int) -> None:
    """One entry into a file of ours; never to a path that the archive names."""
    size = 0
    try:
        with archive.open(entry) as source, target.open("wb") as file:
            while piece := source.read(_PIECE):
                size += len(piece)
                if size > most:
                    raise DocumentError(gettext_noop("The file unpacks to more than %(size)d MB."), size=most // 2**20)
                file.write(piece)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise DocumentError(gettext_noop("It is damaged and cannot be unpacked; pack it again.")) from error


def named(found: Document | DocumentError, name: str) -> Document | DocumentError:
    """An error gets the entry's name in front; a document stays as it is."""
    return found.at(name) if isinstance(found, DocumentError) else found
