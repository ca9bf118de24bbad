"""Large public data sets that lie outside the repository: a test that uses one is skipped where it is missing."""

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("APPRENTICE_DATA") or Path(__file__).parents[2].parent / "shared" / "data")


def shared_data(relative: str) -> Path:
    """The path of a file of the shared data; skips the test, with the reason, if it is not there."""
    path = FOLDER / relative
    if not path.exists():
        pytest.skip(f"{relative} is not in {FOLDER}; set APPRENTICE_DATA to the folder of the public data sets")
    return path
