import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.operations import preflight
from core.operations.errors import OperatorError

ROOT = Path(__file__).resolve().parents[3]


def test_a_small_disk_is_refused_with_what_is_free_and_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1_000_000_000))
    preflight.check_disk(tmp_path, first=False)
    with pytest.raises(OperatorError) as caught:
        preflight.check_disk(tmp_path, first=True)
    assert str(caught.value) == (
        f"The disk of {tmp_path} has 1.0 GB free and 2.5 GB are needed; free some, or set APPRENTICE_HOME to a folder "
        "on a larger disk."
    )


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("")
    with pytest.raises(OperatorError, match=rf"{place} cannot be written .*set APPRENTICE_HOME"):
        preflight.check_home(place)


@pytest.mark.parametrize("version", ["(2, 7, 18)", "(3, 6, 15)", "(3, 10, 13)", "(3, 13, 0)"])
def test_a_python_that_does_not_fit_is_told_which_one_does(version: str) -> None:
    code = f"import sys; sys.version_info = {version}; exec(open('scripts/bootstrap.py').read())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    found = ".".join(version.strip("()").split(", ")[:2])
    assert done.stderr == (
        f"Python {found} does not fit; install Python 3.11 or 3.12, or name one: make up PYTHON=/path/to/python3.12.\n"
    )


def test_the_first_file_is_readable_to_an_old_python() -> None:
    """No syntax younger than Python 2.6: an old interpreter must get as far as the sentence."""
    text = (ROOT / "scripts" / "bootstrap.py").read_text()
    text.encode("ascii")  # Python 2 refuses anything else without a declaration
    for young in ('f"', "f'", ":=", "->", "import annotations", "print("):
        assert young not in text


def test_an_answering_database_and_redis_pass(servers: SimpleNamespace) -> None:
    preflight.check_database(servers.database_url)
    preflight.check_redis(servers.redis_url)
