"""Parquet, Arrow, and ZIP files of a folder that the `datasets` library saved or that a hub holds."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow
import pyarrow.parquet

from ml.phrases import gettext_noop
from ml.tables.shapes import MOST_COLUMNS, TableError, TableRow, check_archive, plain

_BATCH = 500
_SPLIT = re.compile(r"(?:^|/)(train|test|validation|valid|dev|develop)[^/]*$")
Names = dict[str, list[str]]


def read_parquet(path: Path, first: int = 1) -> Iterator[TableRow]:
    """The rows of a Parquet file, numbered from `first`. Raises TableError when it is none, or damaged."""
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            names = label_names(file.schema_arrow)
            batches = file.iter_batches(batch_size=_BATCH)
            yield from rows_of(batches, names, first)
    except (pyarrow.ArrowException, OSError) as error:
        raise TableError(gettext_noop("The file is not a Parquet file, or it is damaged.")) from error


def read_arrow(path: Path, first: int = 1) -> Iterator[TableRow]:
    """Both Arrow formats: the stream, which `datasets` writes, and the file."""
    try:
        with pyarrow.OSFile(str(path)) as source:
            try:
                stream: Any = pyarrow.ipc.open_stream(source)
                batches: Iterator[Any] = iter(stream)
            except pyarrow.ArrowInvalid:
                source.seek(0)
                stream = pyarrow.ipc.open_file(source)
                batches = (stream.get_batch(number) for number in range(stream.num_record_batches))
            yield from rows_of(batches, label_names(stream.schema), first)
    except (pyarrow.ArrowException, OSError) as error:
        raise TableError(gettext_noop("The file is not an Arrow file, or it is damaged.")) from error


def rows_of(batches: Iterator[Any], names: Names, first: int) -> Iterator[TableRow]:
    """The rows of batches, numbered from `first`. Raises TableError when there are too many columns."""
    number = first
    for batch in batches:
        if batch.num_columns > MOST_COLUMNS:
            raise TableError(
                gettext_noop("The table has %(count)d columns; at most %(most)d are read."),
                count=batch.num_columns,
                most=MOST_COLUMNS,
            )
        for start in range(0, batch.num_rows, _BATCH):
            for row in batch.slice(start, _BATCH).to_pylist():
                yield TableRow(number, {str(key): value_of(value, names.get(key)) for key, value in row.items()})
                number += 1


def value_of(value: Any, names: list[str] | None) -> Any:
    """A cell as JSON holds it: labels by their names, columns of turns as a list of turns."""
    if names and isinstance(value, int) and 0 <= value < len(names):
        return names[value]
    if isinstance(value, dict) and ({"role", "content"} <= set(value) or {"from", "value"} <= set(value)):
        # A list of turns is kept as lists of roles and contents by older versions of the library.
        columns = list(value.values())
        if all(isinstance(column, list) and len(column) == len(columns[0]) for column in columns):
            return [dict(zip(value, map(plain, parts), strict=True)) for parts in zip(*columns, strict=True)]
    return plain(value)


def label_names(schema: Any) -> Names:
    """Columns that hold the number of a label, and what the labels are called."""
    try:
        facts = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = facts.get("info", {}).get("features", {})
        return {
            name: [str(label) for label in feature["names"]]
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and feature.get("names")
        }
    except (ValueError, AttributeError, TypeError):
        return {}


def split_names(path: Path) -> list[str]:
    """The splits of a saved dataset in a ZIP. Raises TableError when it holds none."""
    with check_archive(path) as archive:
        return list(splits_of(archive))


def read_saved(path: Path, split: str) -> Iterator[TableRow]:
    """The rows of one split, of the first if none is named, of all for "*", counted on from file to file."""
    with check_archive(path) as archive:
        splits = splits_of(archive)
        if split not in ("", "*", *splits):
            raise TableError(gettext_noop("The folder has no split “%(split)s”."), split=split)
        chosen = splits.values() if split == "*" else [splits[split or next(iter(splits))]]
        number = 0
        for name in (name for names in chosen for name in names):
            with entry_file(archive, name) as file:
                read = read_parquet if name.endswith(".parquet") else read_arrow
                try:
                    for row in read(file, number + 1):
                        number = row.number
                        yield row
                except TableError as error:
                    raise error.at(name) from error


def splits_of(archive: zipfile.ZipFile) -> dict[str, list[str]]:
    """Split → the archive's entries that hold its rows, in order. Raises TableError when there are none."""
    names = [name for name in archive.namelist() if not PurePosixPath(name).name.startswith(".")]
    found: dict[str, list[str]] = {}
    for state in sorted(name for name in names if PurePosixPath(name).name == "state.json"):
        folder = str(PurePosixPath(state).parent)
        prefix = "" if folder == "." else folder + "/"
        files = [f"{prefix}{part}" for part in state_files(archive, state)]
        if files and set(files) <= set(names):
            found[PurePosixPath(folder).name or "data"] = files
    if not found:
        for name in sorted(name for name in names if name.endswith((".parquet", ".arrow"))):
            split = _SPLIT.search(name)
            found.setdefault(split.group(1) if split else "data", []).append(name)
    if not found:
        raise TableError(
            gettext_noop("The archive holds no saved dataset: neither a state.json nor a Parquet or Arrow file.")
        )
    order = sorted(found, key=lambda name: (name != "train", name))
    return {name: found[name] for name in order}


def state_files(archive: zipfile.ZipFile, state: str) -> list[str]:
    """The files of a split as its state.json names them; none when it cannot be read."""
    if archive.getinfo(state).file_size > 1_000_000:
        raise TableError(gettext_noop("%(file)s is far too large."), file=state)
    try:
        files = json.loads(archive.read(state))["_data_files"]
        return [str(file["filename"]) for file in files]
    except (ValueError, KeyError, TypeError):
        return []


@contextmanager
def entry_file(archive: zipfile.ZipFile, name: str) -> Iterator[Path]:
    """An entry as a file of ours, gone afterwards: Arrow wants to seek."""
    with tempfile.NamedTemporaryFile(prefix="apprentice-table-") as file:
        try:
            with archive.open(name) as source:
                shutil.copyfileobj(source, file, 2**20)
        except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError) as error:
            raise TableError(
                gettext_noop("%(file)s is damaged and cannot be unpacked; pack the folder again."), file=name
            ) from error
        file.flush()
        yield Path(file.name)
