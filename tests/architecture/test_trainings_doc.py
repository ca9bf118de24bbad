"""docs/trainings.md promises a test for each trouble; every name in it is one of a test that is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_that_is_promised_is_there() -> None:
    rows = [line for line in (ROOT / "docs/trainings.md").read_text().splitlines() if line.startswith("| ")][1:]
    promised = [re.findall(r"`(test_\w+)`", row) for row in rows]
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert [row for row, names in zip(rows, promised, strict=True) if not names] == []
    assert {name for names in promised for name in names} - there == set()
