"""The first step of `make up`: what it does once, and what it says when a machine does not let it."""

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script over an empty folder in which no environment was made yet."""
    spec = importlib.util.spec_from_file_location("install", ROOT / "scripts" / "install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    return module


def test_a_disk_too_small_for_the_packages_is_told_before_anything_is_made(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1_000_000_000))
    with pytest.raises(SystemExit) as refused:
        install.main([])
    assert str(refused.value) == (f"The disk of {ROOT} has 1.0 GB free and 4 GB are needed for packages; free some.")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_write_rights_is_named_with_the_cure(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise PermissionError(13, "Permission denied", "/opt/apprentice/.venv")

    monkeypatch.setattr("venv.create", refuse)
    with pytest.raises(SystemExit) as refused:
        install.main([])
    assert str(refused.value) == (
        f"/opt/apprentice/.venv cannot be written (Permission denied); give this user write rights to {ROOT}."
    )


def test_a_failed_installation_ends_with_the_cure_and_pips_last_words(
    install: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "print('Downloading torch (200 MB)'); print('no such host'); raise SystemExit(1)"
    with pytest.raises(SystemExit, match=r"connect this machine to the package index .* no such host"):
        install.run_pip([sys.executable, "-c", code])
    assert "  Downloading torch (200 MB)" in capsys.readouterr().out


def test_what_is_installed_is_not_installed_again_until_a_pin_changes(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[list[str]] = []
    monkeypatch.setattr(install, "make_environment", lambda: install.PYTHON.parent.mkdir(parents=True, exist_ok=True))
    monkeypatch.setattr(install, "run_pip", done.append)
    install.install([])
    install.PYTHON.touch()
    install.install([])
    assert len(done) == 1
    install.install(["test"])
    install.install([])
    assert len(done) == 2, "the packages of the tests include all others"
    monkeypatch.setattr(install, "fingerprint", lambda wanted: "another pin")
    install.install([])
    assert len(done) == 3
