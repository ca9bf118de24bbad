"""docs/walkthrough.md calls buttons and pages what the pages call them."""

import re

import pytest

from tests.architecture.test_house_rules import ROOT, tracked

NAMED = re.findall(r"(?<!\*)\*([A-Z][^*]+)\*(?!\*)", (ROOT / "docs" / "walkthrough.md").read_text())


@pytest.fixture(scope="module")
def written() -> set[str]:
    """What templates and code write, quoted, for people to read."""
    texts = [path.read_text() for path in tracked("templates/*.html", "*/wiring.py", "core/templatetags/*.py")]
    return {found for text in texts for found in re.findall(r'"([^"\n]+)"', text)}


@pytest.mark.parametrize("name", sorted({part for named in NAMED for part in named.split(" → ")}))
def test_each_name_is_on_a_page(name: str, written: set[str]) -> None:
    assert name in written
