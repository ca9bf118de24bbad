"""A model out of an archive that anybody may have made: ZIP, wheel or tar, looked through before a byte is written.

Nothing in it is installed or run. Only the folder that holds the model comes out; names that lead elsewhere, links,
devices and what unpacks to far more than it promises are refused.
"""

from __future__ import annotations

import argparse
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from ml.atomic import new_folder
from ml.cli import fail, print_json
from ml.isolation import IsolationError, isolate
from ml.lifeline import watch_lifeline
from ml.phrases import Phrase, gettext_noop, sentence_of
from ml.store import UnsafeModelError

_MOST_ENTRIES = 20_000
_MOST_RATIO, _RATIO_FROM = 60, 16 << 20  # weights hardly shrink; below 16 MB nothing is a bomb
_SPARE = 512 << 20
_PIECE = 1 << 20


class ArchiveError(UnsafeModelError):
    """An archive that cannot or must not be unpacked; the message names the entry."""

    code = "archive"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of an archive: its `name` as it stands there, its promised `size`, and the library's own object."""

    name: PurePosixPath
    size: int
    member: Any


def unpack_model(archive: Path, out: Path) -> dict[str, Any]:
    """Write the model folder of an archive into `out` in one step; returns {"folder", "files", "bytes"}.

    1. Look at every entry. 2. Find the one folder with config.json and safetensors weights. 3. Write its files,
    counting what really comes out. Raises ArchiveError and leaves nothing then.
    """
    try:
        with _opened(archive) as (entries, read):
            _check_size(archive, entries, out)
            root = _model_folder(entries)
            wanted = [entry for entry in entries if entry.name.is_relative_to(root)]
            with new_folder(out) as folder:
                for entry in wanted:
                    target = folder / Path(*entry.name.relative_to(root).parts)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    _copy(read, entry, target)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        text = gettext_noop("The archive is damaged or of an unknown kind: %(reason)s.")
        raise ArchiveError(Phrase(text, reason=str(error).rstrip("."))) from error
    return {"folder": str(root), "files": len(wanted), "bytes": sum(entry.size for entry in wanted)}


@contextmanager
def _opened(archive: Path) -> Iterator[tuple[list[Entry], Any]]:
    """The entries, and how to open one; a member of the library's archive never decides where it is written."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            yield [_zip_entry(info) for info in packed.infolist() if not info.is_dir()], packed.open
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tape:
            entries = [_tar_entry(member) for member, _ in zip(tape, range(_MOST_ENTRIES + 1), strict=False)
                       if not member.isdir()]  # fmt: skip
            yield entries, tape.extractfile
    else:
        text = gettext_noop("This is no archive of a kind that is opened: bring a .zip, .whl, .tar or .tar.gz file.")
        raise ArchiveError(Phrase(text))


def _zip_entry(info: zipfile.ZipInfo) -> Entry:
    if stat.S_ISLNK(info.external_attr >> 16):
        raise ArchiveError(Phrase(gettext_noop("%(file)s is a link. Pack the file itself."), file=info.filename))
    if info.flag_bits & 0x1:
        raise ArchiveError(Phrase(gettext_noop("%(file)s is locked with a password."), file=info.filename))
    return Entry(_inside(info.filename), info.file_size, info)


def _tar_entry(member: tarfile.TarInfo) -> Entry:
    if not member.isreg():
        text = gettext_noop("%(file)s is a link or a device. Pack the file itself.")
        raise ArchiveError(Phrase(text, file=member.name))
    return Entry(_inside(member.name), member.size, member)


def _inside(name: str) -> PurePosixPath:
    """The name of an entry, if it stays in the folder. Raises ArchiveError."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\x00" in name or not path.parts:
        text = gettext_noop("%(file)s leads out of the archive; such an archive is not unpacked.")
        raise ArchiveError(Phrase(text, file=repr(name[:200])))
    return path


def _check_size(archive: Path, entries: list[Entry], out: Path) -> None:
    if len(entries) > _MOST_ENTRIES:
        text = gettext_noop("The archive holds more than %(most)d files, as no model does.")
        raise ArchiveError(Phrase(text, most=_MOST_ENTRIES))
    size = sum(entry.size for entry in entries)
    if size > _RATIO_FROM and size > _MOST_RATIO * archive.stat().st_size:
        text = gettext_noop("The archive unpacks to more than %(most)d times its size, as no model does.")
        raise ArchiveError(Phrase(text, most=_MOST_RATIO))
    place = next(parent for parent in out.parents if parent.exists())
    if size + _SPARE > shutil.disk_usage(place).free:
        text = gettext_noop("It unpacks to %(size)d MB, and there is not enough free space at %(place)s.")
        raise ArchiveError(Phrase(text, size=size >> 20, place=str(place)))


def _model_folder(entries: list[Entry]) -> PurePosixPath:
    weights = {entry.name.parent for entry in entries if entry.name.suffix == ".safetensors"}
    found = sorted({entry.name.parent for entry in entries if entry.name.name == "config.json"} & weights)
    if not found:
        raise ArchiveError(
            Phrase(gettext_noop("The archive holds no folder with config.json and safetensors weights."))
        )
    if len(found) > 1:
        listed = ", ".join(map(str, found[:5]))
        text = gettext_noop("The archive holds %(count)d models (%(listed)s). Pack the one that is meant.")
        raise ArchiveError(Phrase(text, count=len(found), listed=listed))
    return found[0]


def _copy(read: Any, entry: Entry, target: Path) -> None:
    source: IO[bytes] | None = read(entry.member)
    if source is None:
        raise ArchiveError(Phrase(gettext_noop("%(file)s cannot be read."), file=entry.name))
    written = 0
    with source, target.open("xb") as file:
        while piece := source.read(_PIECE):
            written += len(piece)
            if written > entry.size:
                raise ArchiveError(Phrase(gettext_noop("%(file)s is larger than the archive says."), file=entry.name))
            file.write(piece)


def _unpack_command(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m ml unpack", description="Take a model out of an archive.")
    parser.add_argument("archive", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args(arguments)
    try:
        isolate("forbidden")
        watch_lifeline()
        print_json(unpack_model(options.archive, options.out.resolve()))
    except (ArchiveError, IsolationError) as error:
        return fail(sentence_of(error))
    return 0


COMMANDS = {"unpack": _unpack_command}
