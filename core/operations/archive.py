"""The backup's file: a tar of database.dump and files/…, then manifest.json with every sha256, then the manifest's own.

What is written last proves that all before it is there.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from core.operations.errors import OperatorError

FORMAT = 1
DATABASE = "database.dump"
MANIFEST = "manifest.json"
SEAL = "manifest.sha256"
FILES = "files/"
# These are read whole before they are written: they may still grow or shrink. Weights never change under their name.
SMALL_BYTES = 16_000_000
CHUNK = 1 << 20


@dataclass
class Manifest:
    """What a backup holds. `files` maps each name in the tar to its sha256 and size in bytes."""

    made_at: str
    migrations: list[list[str]]
    format: int = FORMAT
    files: dict[str, dict[str, Any]] = field(default_factory=dict)


class Writer:
    """Adds files to a tar and to its manifest."""

    def __init__(self, tar: tarfile.TarFile, manifest: Manifest) -> None:
        self.tar = tar
        self.manifest = manifest

    def add(self, name: str, path: Path) -> None:
        """Store the file under `name`. One that is gone by now is left out: nothing of the dump refers to it."""
        try:
            source = path.open("rb")
        except FileNotFoundError:
            return
        with source:
            size = os.fstat(source.fileno()).st_size
            if size <= SMALL_BYTES:
                content = source.read()
                self._store(name, io.BytesIO(content), len(content))
            else:
                self._store(name, source, size)

    def _store(self, name: str, source: IO[bytes], size: int) -> None:
        counted = Hashing(source)
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, 0o600
        self.tar.addfile(entry, cast(IO[bytes], counted))
        self.manifest.files[name] = {"sha256": counted.digest.hexdigest(), "size": size}


class Hashing:
    """A file that computes the sha256 of what is read from it."""

    def __init__(self, source: IO[bytes]) -> None:
        self.source = source
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self.source.read(size)
        self.digest.update(data)
        return data


@contextmanager
def written(target: Path, manifest: Manifest) -> Iterator[Writer]:
    """Write an archive: readable by its owner alone, since it holds keys; under its name only when complete."""
    partial = target.with_name(target.name + ".partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar:
                yield Writer(tar, manifest)
                text = json.dumps(asdict(manifest), indent=1, sort_keys=True).encode()
                for name, content in ((MANIFEST, text), (SEAL, hashlib.sha256(text).hexdigest().encode())):
                    entry = tarfile.TarInfo(name)
                    entry.size, entry.mode = len(content), 0o600
                    tar.addfile(entry, io.BytesIO(content))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        raise OperatorError(
            f"The backup {target} cannot be written ({error.strerror or error}); choose a folder with room and rights."
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def verify(path: Path, take: Callable[[str, IO[bytes]], None] | None = None) -> Manifest:
    """Read the whole archive and compare every file with the manifest; `take` gets each one while it is read.

    Raises OperatorError that names the damaged or missing file.
    """
    seen: dict[str, tuple[str, int]] = {}
    last = "the beginning"
    content: dict[str, bytes] = {}
    try:
        with tarfile.open(path, mode="r:") as tar:
            for entry in tar:
                name = checked_name(entry, path)
                source = tar.extractfile(entry)
                assert source is not None
                if name in (MANIFEST, SEAL):
                    content[name] = source.read()
                    continue
                seen[name] = _read(name, source, take)
                last = name
    except FileNotFoundError as error:
        raise OperatorError(f"There is no backup {path}; give the path of a file that `backup` made.") from error
    except (tarfile.TarError, EOFError) as error:
        raise OperatorError(f"{path} is damaged after {last} ({error}); use another backup.") from error
    except OSError as error:
        raise OperatorError(f"{path} cannot be read after {last} ({error}); use another backup.") from error
    return _compared(path, seen, content, last)


def _read(name: str, source: IO[bytes], take: Callable[[str, IO[bytes]], None] | None) -> tuple[str, int]:
    counted = Hashing(source)
    if take is not None:
        take(name, cast(IO[bytes], counted))
    size = source.tell()
    while data := counted.read(CHUNK):
        size += len(data)
    return counted.digest.hexdigest(), size


def _compared(path: Path, seen: dict[str, tuple[str, int]], content: dict[str, bytes], last: str) -> Manifest:
    text = content.get(MANIFEST)
    if text is None or SEAL not in content:
        raise OperatorError(f"{path} is incomplete: it ends after {last}; use another backup.")
    if hashlib.sha256(text).hexdigest().encode() != content[SEAL]:
        raise OperatorError(f"{path} is damaged: {MANIFEST} is not what was written; use another backup.")
    manifest = Manifest(**json.loads(text))
    if manifest.format != FORMAT:
        raise OperatorError(
            f"{path} has format {manifest.format} and this version reads {FORMAT}; use a newer version."
        )
    for name, facts in manifest.files.items():
        if name not in seen:
            raise OperatorError(f"{path} is damaged: {name} is missing; use another backup.")
        if seen[name] != (facts["sha256"], facts["size"]):
            raise OperatorError(f"{path} is damaged: {name} is not what was written; use another backup.")
    if more := set(seen) - set(manifest.files):
        raise OperatorError(f"{path} is damaged: {min(more)} does not belong to it; use another backup.")
    return manifest


def checked_name(entry: tarfile.TarInfo, path: Path) -> str:
    """Only plain files below files/ and our own three: an archive from elsewhere must not write anywhere else."""
    parts = PurePosixPath(entry.name).parts
    inside = entry.name.startswith(FILES) and len(parts) >= 2 and ".." not in parts
    if not entry.isreg() or not (inside or entry.name in (DATABASE, MANIFEST, SEAL)):
        raise OperatorError(f"{path} is no backup of Apprentice: it contains {entry.name!r}.")
    return entry.name
