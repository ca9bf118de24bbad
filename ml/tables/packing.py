"""Rows into a ZIP file with Parquet files, or with the folder that the `datasets` library saves, and their card.

`python -m ml pack OUT --kind KIND` reads JSON lines: first {"columns": {name: kind}, "card": "…", "fingerprint": "…"},
then [split, row] for each row. Memory does not grow with the rows, and the same rows give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from ml.cli import fail
from ml.lifeline import watch_lifeline
from ml.tables.command import MEMORY_BYTES

KINDS = ("parquet", "datasets")
_BATCH = 2_000  # rows written at once
_BATCH_BYTES = 16 * 1024 * 1024
_MOMENT = (1980, 1, 1, 0, 0, 0)
_TEXT = {"dtype": "string", "_type": "Value"}
# Column kind → Arrow type, and how the `datasets` library calls it.
_TYPES: dict[str, tuple[Any, Any]] = {
    "text": (pyarrow.string(), _TEXT),
    "turns": (
        pyarrow.list_(pyarrow.struct([("role", pyarrow.string()), ("content", pyarrow.string())])),
        [{"role": _TEXT, "content": _TEXT}],
    ),
    "said": (
        pyarrow.list_(pyarrow.struct([("from", pyarrow.string()), ("value", pyarrow.string())])),
        [{"from": _TEXT, "value": _TEXT}],
    ),
    "history": (pyarrow.list_(pyarrow.list_(pyarrow.string())), [[_TEXT]]),
}
_EMPTY: dict[str, Any] = {"text": "", "turns": [], "said": [], "history": []}


def pack(lines: Iterable[str], out: Path, kind: str) -> dict[str, int]:
    """Write the ZIP file; returns the rows of each split. Raises ValueError for lines that are not as promised."""
    waiting = iter(lines)
    facts = json.loads(next(waiting))
    columns: dict[str, str] = facts["columns"]
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as name:
        folder = Path(name)
        counts = write_splits(waiting, folder, kind, columns)
        (folder / "README.md").write_text(facts["card"], encoding="utf-8")
        if kind == "datasets":
            describe(folder, columns, list(counts), str(facts["fingerprint"]))
        zip_folder(folder, out)
    return counts


def write_splits(lines: Iterator[str], folder: Path, kind: str, columns: dict[str, str]) -> dict[str, int]:
    """Write each row to the file of its split, batch by batch; returns the rows of each split."""
    schema = pyarrow.schema([(name, _TYPES[each][0]) for name, each in columns.items()])
    writers: dict[str, Any] = {}
    held: dict[str, list[dict[str, Any]]] = {}
    sizes: dict[str, int] = {}
    counts: dict[str, int] = {}
    try:
        for line in lines:
            split, row = json.loads(line)
            rows = held.setdefault(split, [])
            rows.append({name: row.get(name, _EMPTY[each]) for name, each in columns.items()})
            counts[split] = counts.get(split, 0) + 1
            sizes[split] = sizes.get(split, 0) + len(line)
            if len(rows) == _BATCH or sizes[split] > _BATCH_BYTES:
                flush(writers, split, rows, folder, kind, schema)
                sizes[split] = 0
        for split, rows in held.items():
            flush(writers, split, rows, folder, kind, schema)
    finally:
        for writer in writers.values():
            writer.close()
    return counts


def flush(
    writers: dict[str, Any], split: str, rows: list[dict[str, Any]], folder: Path, kind: str, schema: Any
) -> None:
    """Write the rows that are held to their split's file, made with the first of them, and let go of them."""
    if split not in writers:
        path = folder / ("data" if kind == "parquet" else split)
        path.mkdir(exist_ok=True)
        if kind == "parquet":
            writers[split] = pyarrow.parquet.ParquetWriter(path / f"{split}.parquet", schema, compression="zstd")
        else:
            writers[split] = pyarrow.ipc.new_stream(str(path / "data-00000-of-00001.arrow"), schema)
    if rows:
        writers[split].write_table(pyarrow.Table.from_pylist(rows, schema=schema))
        rows.clear()


def describe(folder: Path, columns: dict[str, str], splits: list[str], fingerprint: str) -> None:
    """The small files beside the rows by which the library knows its own folder."""
    features = {name: _TYPES[each][1] for name, each in columns.items()}
    info = {"citation": "", "description": "", "features": features, "homepage": "", "license": ""}
    write_json(folder / "dataset_dict.json", {"splits": splits})
    for split in splits:
        write_json(folder / split / "dataset_info.json", info)
        state: dict[str, Any] = {
            "_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_fingerprint": fingerprint[:16],
            "_format_columns": None, "_format_kwargs": {}, "_format_type": None, "_output_all_columns": False,
            "_split": split,
        }  # fmt: skip
        write_json(folder / split / "state.json", state)


def write_json(path: Path, value: Any) -> None:
    """JSON as the library itself writes it."""
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")


def zip_folder(folder: Path, out: Path) -> None:
    """Names in order and one moment for all, so that equal folders give equal bytes; complete or not there."""
    beside = out.with_name(out.name + ".part")
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), _MOMENT)
            entry.external_attr = 0o644 << 16
            with file.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target, 2**20)
    beside.replace(out)


def pack_command(arguments: list[str]) -> int:
    """Write rows from standard input into a ZIP file."""
    parser = argparse.ArgumentParser(prog="python -m ml pack", description="JSON lines into a ZIP of tables.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--kind", choices=KINDS, required=True)
    options = parser.parse_args(arguments)
    watch_lifeline()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        counts = pack(sys.stdin, options.out, options.kind)
    except (OSError, ValueError, KeyError, StopIteration, pyarrow.ArrowException) as error:
        return fail(f"The rows could not be packed: {error}.")
    sys.stdout.write(json.dumps(counts) + "\n")
    return 0


COMMANDS = {"pack": pack_command}
