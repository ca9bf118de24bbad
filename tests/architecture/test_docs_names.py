"""What the pages under docs/ and the README of ml call by name is there: files, tests, registries, commands."""

import re
from pathlib import Path

import pytest

from ml import cli
from tests.architecture.test_house_rules import ROOT, tracked

PAGES = [*(ROOT / "docs").rglob("*.md"), ROOT / "ml/README.md", ROOT / "CONTRIBUTING.md"]
FILE = re.compile(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|md|js|css|txt))`")


@pytest.fixture(scope="module")
def names() -> set[str]:
    return {path.name for path in tracked("*")}


@pytest.fixture(scope="module")
def tests() -> set[str]:
    files = tracked("tests/*.py")
    found = (re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE) for path in files)
    return {*(path.stem for path in files), *(name for names in found for name in names)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_and_tests_that_a_page_names_are_there(page: Path, names: set[str], tests: set[str]) -> None:
    text = page.read_text(encoding="utf-8")
    for name in FILE.findall(text):
        at = [folder / name for folder in (ROOT, page.parent, ROOT / "ml")]
        assert any(path.exists() for path in at) if "/" in name else name in names, name
    assert set(re.findall(r"`(test_\w+)`", text)) - tests == set()


def test_registries_that_are_named_are_there() -> None:
    known = set(re.findall(r"^(\w+): ", (ROOT / "core/registries.py").read_text(), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"`registries\.(\w+)`", page.read_text(encoding="utf-8"))}
    assert len(named) > 5
    assert named - known == set()


def test_the_readme_of_ml_lists_every_command_and_no_other() -> None:
    table = re.findall(r"^\| (`.+?) \|", (ROOT / "ml/README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {word.split()[0] for row in table for word in re.findall(r"`([a-z][^`]*)`", row)} == set(cli._MODULES)
