"""A run directory: everything that a training or a generation reads and writes, with files as the only contract.

    spec.json                 what is to be done; written once, never changed
    pairs.jsonl, items.jsonl  the data
    attempt-N/                one execution: events.jsonl, output.log, outputs.jsonl
    checkpoints/checkpoint-S/ complete only with its manifest.json, which is written last
    DONE                      the result, written last of all

One process at a time works in a run directory: `start_attempt` holds a file lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ml.atomic import write_json
from ml.hashing import folder_manifest
from ml.phrases import beside
from ml.runspec import DataRef, GenerateSettings, RunSpec, SpecError

__all__ = [
    "Attempt",
    "Checkpoint",
    "DataRef",
    "EventReader",
    "EventWriter",
    "GenerateSettings",
    "RunBusyError",
    "RunDir",
    "RunSpec",
    "SpecError",
    "verify_manifest",
    "write_manifest",
]

MANIFEST = "manifest.json"
_ATTEMPT = re.compile(r"attempt-(\d+)")
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")


class RunBusyError(RuntimeError):
    """Another process is working in this run directory."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A complete checkpoint: its optimizer step, its folder, and what its manifest says besides the files."""

    step: int
    path: Path
    facts: dict[str, Any]


class EventWriter:
    """Appends events to a file, one JSON object a line, with a rising `seq` from 1 and the `time` in Unix seconds."""

    def __init__(self, path: Path) -> None:
        self._seq = max((event["seq"] for event in EventReader(path).read()), default=0)
        _end_last_line(path)
        self._file: IO[str] = path.open("a", encoding="utf-8", buffering=1)

    def write(self, kind: str, **values: Any) -> None:
        """Write one event of type `kind`. Numbers that are not finite are written as null. Where `message` is a phrase,
        what it was made of is written as `said`."""
        self._seq += 1
        event = {
            "seq": self._seq,
            "time": round(time.time(), 3),
            "type": kind,
            **values,
            **beside(values.get("message")),
        }
        self._file.write(json.dumps(_finite(event), ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._file.close()


class EventReader:
    """Follows an events file: each `read` returns the events that were completed since the last one."""

    def __init__(self, path: Path, after_seq: int = 0) -> None:
        self._path = path
        self._after = after_seq
        self._offset = 0

    def read(self) -> list[dict[str, Any]]:
        """New events in order. A line still being written is left for the next call; a broken one is skipped."""
        if not self._path.is_file():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            found = file.read()
        complete = found[: found.rfind(b"\n") + 1]
        self._offset += len(complete)
        return [event for event in map(_event, complete.splitlines()) if event and event["seq"] > self._after]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of a run, in its own folder."""

    number: int
    path: Path
    events: EventWriter

    @property
    def outputs_path(self) -> Path:
        return self.path / "outputs.jsonl"


@dataclass(frozen=True, slots=True)
class RunDir:
    """A run directory at `path`."""

    path: Path

    @property
    def pairs_path(self) -> Path:
        return self.path / "pairs.jsonl"

    @property
    def items_path(self) -> Path:
        return self.path / "items.jsonl"

    @property
    def checkpoints_path(self) -> Path:
        return self.path / "checkpoints"

    def write_spec(self, spec: RunSpec) -> None:
        """Write spec.json once. Raises SpecError if a different one is there already."""
        self.path.mkdir(parents=True, exist_ok=True)
        target = self.path / "spec.json"
        if target.exists() and self.read_spec() != spec:
            raise SpecError(f"{target} exists already and says something else; a run's specification never changes.")
        write_json(target, spec.to_json())

    def read_spec(self) -> RunSpec:
        """Read and validate spec.json. Raises SpecError."""
        target = self.path / "spec.json"
        try:
            return RunSpec.from_json(json.loads(target.read_text(encoding="utf-8")))
        except OSError as error:
            raise SpecError(f"{target} cannot be read: {error.strerror}.") from error
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise SpecError(f"{target} is not valid JSON: {error}.") from error

    def attempt_path(self, number: int) -> Path:
        return self.path / f"attempt-{number}"

    def attempts(self) -> list[int]:
        """Numbers of the attempts made so far, in order."""
        return sorted(int(found.group(1)) for found in map(_ATTEMPT.fullmatch, _names(self.path)) if found)

    @contextmanager
    def start_attempt(self, number: int) -> Iterator[Attempt]:
        """Open attempt `number` (from 1) under the directory's lock. Raises RunBusyError if somebody works here."""
        folder = self.attempt_path(number)
        folder.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("a+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunBusyError(f"Another process is working in {self.path}.") from error
            attempt = Attempt(number, folder, EventWriter(folder / "events.jsonl"))
            try:
                yield attempt
            finally:
                attempt.events.close()

    def read_events(self, attempt: int, after_seq: int = 0) -> list[dict[str, Any]]:
        """Events of one attempt with a `seq` above `after_seq`."""
        return EventReader(self.attempt_path(attempt) / "events.jsonl", after_seq).read()

    def checkpoint_path(self, step: int) -> Path:
        return self.checkpoints_path / f"checkpoint-{step}"

    def complete_checkpoints(self) -> list[Checkpoint]:
        """Complete checkpoints, newest first, each verified against its manifest when it is reached."""
        return list(self._verified())

    def damaged_checkpoints(self, newer_than: int) -> list[int]:
        """Steps above `newer_than` (that of the newest whole one) whose files are not what the manifest promises."""
        steps = (int(found.group(1)) for found in map(_CHECKPOINT.fullmatch, _names(self.checkpoints_path)) if found)
        return [step for step in steps if step > newer_than and (self.checkpoint_path(step) / MANIFEST).exists()]

    def latest_complete_checkpoint(self) -> Checkpoint | None:
        """The newest checkpoint whose files all have the size and digest that its manifest promises."""
        return next(self._verified(), None)

    def rotate_checkpoints(self, keep: int, *, protected: int | None = None) -> None:
        """Delete all but the newest `keep` complete checkpoints and the `protected` step's, and leftovers of
        interrupted saves."""
        kept = {checkpoint.path for checkpoint in list(self._verified(deep=False))[: max(1, keep)]}
        kept |= {self.checkpoint_path(protected)} if protected is not None else set()
        for name in _names(self.checkpoints_path):
            path = self.checkpoints_path / name
            if path not in kept and path.is_dir():
                # The manifest goes first: a half-deleted checkpoint must not look complete.
                (path / MANIFEST).unlink(missing_ok=True)
                shutil.rmtree(path)

    def write_done(self, result: dict[str, Any]) -> None:
        write_json(self.path / "DONE", _finite(result))

    def read_done(self) -> dict[str, Any] | None:
        """The result, or None while there is none."""
        target = self.path / "DONE"
        return json.loads(target.read_text(encoding="utf-8")) if target.is_file() else None

    def _verified(self, *, deep: bool = True) -> Iterator[Checkpoint]:
        steps = (int(found.group(1)) for found in map(_CHECKPOINT.fullmatch, _names(self.checkpoints_path)) if found)
        for step in sorted(steps, reverse=True):
            facts = verify_manifest(self.checkpoint_path(step), deep=deep)
            if facts is not None:
                yield Checkpoint(step, self.checkpoint_path(step), facts)


def write_manifest(folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """Write `folder`/manifest.json with sizes and sha256 of all its files, and `facts` beside them; return it."""
    files = folder_manifest(folder, keep=lambda name: name != MANIFEST)
    manifest = {"format": 1, **facts, "files": files}
    write_json(folder / MANIFEST, manifest)
    return manifest


def verify_manifest(folder: Path, *, deep: bool = True) -> dict[str, Any] | None:
    """The manifest of a folder if every file in it is there unchanged, else None. Not `deep`: compares sizes only."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = manifest["files"]
        if any((folder / name).stat().st_size != entry["size"] for name, entry in files.items()):
            return None
        if not deep:
            return manifest
        found = folder_manifest(folder, keep=lambda name: name in files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return manifest if found == files else None


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("seq"), int) else None


def _end_last_line(path: Path) -> None:
    """Close a line that a killed process left half-written, so that it cannot swallow the next event."""
    if path.is_file() and path.stat().st_size:
        with path.open("rb+") as file:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return value
