"""Every measurement runs, on very little, and says what a line of the table needs: figures are no matter here."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks import curation, people, samples
from benchmarks.__main__ import TOPICS, main
from benchmarks.installation import Installation
from benchmarks.rows import Row, printed, quantile
from ml.tiny import make_tiny_model

if TYPE_CHECKING:
    from tests.conftest import Servers

LITTLE = {
    "BENCH_CHECKED": "20", "BENCH_METERED": "5", "BENCH_EMBEDDED": "2", "BENCH_COMPARED": "200", "BENCH_VOTES": "2000",
    "BENCH_INDEXED": "10", "BENCH_FROZEN": "40", "BENCH_PEOPLE": "3", "BENCH_SECONDS": "3", "BENCH_LOOKS": "4",
    "BENCH_ANSWERED": "2", "BENCH_CHOSEN": "2", "BENCH_PRESSES": "2",
}  # fmt: skip


@pytest.fixture(autouse=True)
def little(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Small sizes, and no models but those that a test makes."""
    for name, value in LITTLE.items():
        monkeypatch.setenv(name, value)
    for name in ("MODEL", "EMBEDDER", "PAIRS"):
        monkeypatch.setenv(f"APPRENTICE_BENCH_{name}", str(tmp_path / "none"))


def assert_well_formed(rows: list[Row]) -> None:
    for row in rows:
        assert all(text.strip() for text in (row.what, row.measured, row.budget)), row
        if "not measured" in row.measured:
            assert row.held is None, row
            assert re.search(r"not measured: \w+", row.measured), row
        elif row.held is not None:
            assert all(re.search(r"\d", text) for text in (row.measured, row.budget)), row
    assert len({row.what for row in rows}) == len(rows)


@pytest.mark.parametrize("topic", TOPICS)
def test_each_topic_loads_and_yields_rows(topic: str) -> None:
    assert callable(importlib.import_module(f"benchmarks.{topic}").rows)


@pytest.mark.parametrize("topic", ["text", "ratings", "training", "generation"])
def test_topics_without_models_measure_the_rest_and_say_what_they_lack(topic: str) -> None:
    rows = list(importlib.import_module(f"benchmarks.{topic}").rows())
    assert_well_formed(rows)
    lacking = {"text": 2, "ratings": 0, "training": 1, "generation": 1}[topic]
    assert sum("not measured" in row.measured for row in rows) == lacking


@pytest.mark.slow
def test_generation_is_measured_with_a_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("APPRENTICE_BENCH_MODEL", str(make_tiny_model(tmp_path / "tiny")))
    rows = list(importlib.import_module("benchmarks.generation").rows())
    assert_well_formed(rows)
    assert [row.measured.split()[1] for row in rows] == ["new", "four-choice"]


@pytest.mark.slow(seconds=50)
@pytest.mark.browser
def test_people_work_on_a_real_installation_without_an_error(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "EVERY", 1.0)
    made = Installation(fast=True)
    servers.put_migrated(made.home)
    with made as own:
        rows = list(curation.measure(own, [30, 60]))
        home = own.home
    assert_well_formed(rows)
    assert not home.exists()
    named = {row.what: row for row in rows}
    assert re.match(r"0 errors in \d\d", named["3 people, each acting every 5 s, 60 pairs"].measured)
    kinds = [kind for kind, *_ in curation.KINDS]
    assert all(" n 0" not in named[f"{kind}, 60 pairs"].measured for kind in kinds)
    assert not [kind for kind in kinds if "not measured" in named[f"{kind}, 60 pairs"].measured]
    assert re.match(r"p95 \d+ ms", named["list page with filter and search, 60 pairs"].measured)
    assert re.match(r"p95 \d+ ms", named["key pressed to next item painted, 60 pairs"].measured)
    assert "growth of: submit a written pair" in named


def test_made_up_pairs_are_the_same_in_every_run_and_mostly_different() -> None:
    first = list(samples.samples(300))
    assert first == list(samples.samples(400))[:300]
    assert len({pair.text for pair in first}) > 280
    assert list(samples.samples(5, seed=2)) != first[:5]


def test_a_missed_budget_and_an_unknown_topic_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    list(printed(iter([Row("a", "2 s", "≤ 1 s", held=False), Row("b", "1 s", "≤ 1 s", held=True)])))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["MISSED", "ok"]
    assert main(["nonsense"]) == 2
    assert "There is no benchmark nonsense" in capsys.readouterr().out


def test_a_quantile_is_a_value_that_occurred() -> None:
    assert quantile([float(n) for n in range(100)], 0.95) == 95.0
    assert quantile([3.0], 0.95) == 3.0
