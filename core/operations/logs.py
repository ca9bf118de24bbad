"""Logs that cannot fill the disk. Children append to their file themselves, so it is copied aside and emptied."""

import shutil
from pathlib import Path

LARGEST_BYTES = 10_000_000
KEPT = 3


def rotate(folder: Path, largest: int = LARGEST_BYTES) -> None:
    """NAME.log becomes NAME.log.1, that .2, that .3. A line written in the moment of copying can be lost."""
    for log in folder.glob("*.log"):
        if log.stat().st_size <= largest:
            continue
        for number in range(KEPT, 1, -1):
            older = log.with_name(f"{log.name}.{number - 1}")
            if older.exists():
                older.replace(log.with_name(f"{log.name}.{number}"))
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        with log.open("r+b") as file:
            file.truncate()
