"""Taking lines out of a file of JSON lines that somebody else may be reading: a new file, then the name."""

import json
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

SHORTEST = 12  # characters: a shorter text ("Yes.") stands in lines that have nothing to do with it


def lines_drop(path: Path, gone: Callable[[Any], bool]) -> int:
    """Leave out every line whose value is `gone`; one that is no JSON goes too. Returns how many went."""
    if not path.is_file():
        return 0
    part = path.with_name(f".{path.name}.erasing")
    dropped = 0
    with path.open("rb") as source, part.open("wb") as file:
        for line in source:
            if gone(parsed(line)):
                dropped += 1
            else:
                file.write(line)
        file.flush()
        os.fsync(file.fileno())
    if dropped:
        part.replace(path)
    else:
        part.unlink()
    return dropped


def parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return line.decode("utf-8", "replace")


def holds(value: Any, texts: Collection[str]) -> bool:
    """Whether one of the texts stands in some string of a JSON value."""
    if isinstance(value, str):
        return any(text in value for text in texts if len(text) >= SHORTEST)
    if isinstance(value, dict):
        return any(holds(each, texts) for each in value.values())
    return isinstance(value, list) and any(holds(each, texts) for each in value)


def without(value: Any, texts: Collection[str]) -> Any:
    """The value with every string that holds one of the texts made empty."""
    if isinstance(value, str):
        return "" if holds(value, texts) else value
    if isinstance(value, dict):
        return {key: without(each, texts) for key, each in value.items()}
    return [without(each, texts) for each in value] if isinstance(value, list) else value
