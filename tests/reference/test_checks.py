"""The text checks reach on public data what was promised. `python -m benchmarks bars` prints each figure."""

from collections.abc import Callable

import pytest

from tests.reference import bars
from tests.reference.bars import GOOD, Bar


def assert_held(found: list[Bar], fewest: int) -> None:
    """Each bar is held, by a figure of so many texts at least."""
    for bar in found:
        assert bar.total >= fewest, bar
        assert bar.held, f"{bar}: {bar.share:.1%} is not {bar.promise}"


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.slow
def test_misspelling_leaves_good_texts_alone_and_finds_slips(name: str) -> None:
    assert_held(bars.misspelling(name), 100)


@pytest.mark.parametrize(
    ("measure", "fewest"),
    [
        pytest.param(bars.common_misspellings, 4_000, marks=pytest.mark.slow),
        (bars.repetition, 252),
        (bars.personal_data, 25),
        (bars.unsupported, 100),
        (bars.near_pairs, 100),
        pytest.param(bars.near_questions, 500, marks=pytest.mark.slow),
    ],
)
def test_what_was_promised_of_a_check_holds(measure: Callable[[], list[Bar]], fewest: int) -> None:
    assert_held(measure(), fewest)
