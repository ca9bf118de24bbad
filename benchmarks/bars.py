"""What the text checks reach on public data, each figure beside its bar: those that tests/reference holds."""

from collections.abc import Callable, Iterator

import pytest

from benchmarks.rows import Row
from tests.reference import bars
from tests.reference.bars import GOOD, Bar


def rows() -> Iterator[Row]:
    for name in GOOD:
        yield from bar_rows(f"misspelling, {name}", lambda name=name: bars.misspelling(name))  # type: ignore[misc]
    for measure in (
        bars.common_misspellings, bars.repetition, bars.personal_data, bars.unsupported, bars.near_pairs,
        bars.near_questions,
    ):  # fmt: skip
        yield from bar_rows(measure.__name__.replace("_", " "), measure)


def bar_rows(what: str, measure: Callable[[], list[Bar]]) -> Iterator[Row]:
    try:
        for bar in measure():
            yield Row(bar.what, f"{bar.share:.1%} of {bar.total:,}", bar.promise, held=bar.held)
    except pytest.skip.Exception as missing:
        yield Row(what, f"not measured: {missing}", "measured")
