"""SHA-256 of texts, files, folders and JSON values: the only way anything in the project gets its fingerprint.

All digests are lower-case hexadecimal, 64 characters.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypedDict


class FileEntry(TypedDict):
    """One file of a folder: `size` in bytes, `sha256` in hexadecimal."""

    size: int
    sha256: str


def text_sha256(text: str) -> str:
    """Digest of the text's UTF-8 bytes, exactly as it stands: no trimming, no Unicode normalisation.

    Lone surrogates, which JSON can smuggle in, are encoded as they are instead of raising.
    """
    return hashlib.sha256(_encode(text)).hexdigest()


def texts_sha256(texts: Iterable[str]) -> str:
    """Digest of texts that stand one after the other, without holding them all."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(_encode(text))
    return digest.hexdigest()


def file_sha256(path: Path | str) -> str:
    """Digest of a file's bytes, read as a stream. Raises OSError if it cannot be read."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical_json(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no blanks, no escapes beyond those JSON requires.

    Raises ValueError for NaN and infinities, TypeError for what JSON cannot hold. An int and an equal float
    (1 and 1.0) are different values here, as they are different JSON texts.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def json_sha256(value: Any) -> str:
    """Digest of `canonical_json(value)`: equal for equal values, whatever the order of their keys."""
    return text_sha256(canonical_json(value))


def folder_manifest(folder: Path | str, *, keep: Callable[[str], bool] | None = None) -> dict[str, FileEntry]:
    """Size and digest of every file below `folder`, by its relative POSIX path, in sorted order.

    `keep` receives the relative path and may leave files out. Symbolic links are refused with ValueError: what they
    point to could change without the folder changing. Raises NotADirectoryError if there is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise NotADirectoryError(f"There is no folder {root}.")
    manifest: dict[str, FileEntry] = {}
    for relative, path in sorted(_files_below(root)):
        if keep is None or keep(relative):
            manifest[relative] = {"size": path.stat().st_size, "sha256": file_sha256(path)}
    return manifest


def salted_digest(text: str, salt: str) -> str:
    """Digest of a text that cannot be guessed back once the salt is gone.

    HMAC-SHA-256 with the salt as key (RFC 2104): no pair of text and salt runs into another by concatenation.
    Raises ValueError for an empty salt, which would protect nothing.
    """
    if not salt:
        raise ValueError("A salted digest needs a salt that is not empty.")
    return hmac.new(_encode(salt), _encode(text), hashlib.sha256).hexdigest()


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _files_below(root: Path) -> Iterator[tuple[str, Path]]:
    for path in root.rglob("*"):
        relative = path.relative_to(root).as_posix()
        if path.is_symlink():
            raise ValueError(f"{relative} is a symbolic link; replace it by the file that it points to.")
        if path.is_file():
            yield relative, path
