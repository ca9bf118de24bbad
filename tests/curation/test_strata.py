"""Shares and deviations of the parts by kind, with what chance explains left alone."""

import numpy as np
import pytest

from curation.selectors.splitting import NONE, PARTS, parts_at
from curation.selectors.strata import strata_of, stratified
from ml.split import Placement, part_of


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_columns_of_places_are_split_as_single_places_are(share: float) -> None:
    positions = np.linspace(0, 1, 101)[:-1]
    pinned = np.where(np.arange(100) % 7 == 0, PARTS.index("train"), NONE).astype(np.int8)
    places = [
        Placement("", float(at), None if pin == NONE else "train") for at, pin in zip(positions, pinned, strict=True)
    ]
    found = [PARTS[part] for part in parts_at(positions, pinned, share)]
    assert found == [part_of(place, train_share=share) for place in places]


def rows(count: int, topic: str, part: str, characters: int = 50, origin: str = "human") -> list[tuple[tuple, str]]:
    return [((topic, "en", characters, origin), part)] * count


def report(found: list[tuple[tuple, str]]) -> dict[str, dict[str, dict[str, tuple]]]:
    parts = [part for _row, part in found]
    whole = {part: parts.count(part) for part in ("train", "develop", "test")}
    shown = stratified(strata_of([row for row, _part in found], parts), whole)
    return {
        sort.key: {
            row.name: {share.part: (share.count, round(share.deviation, 1), share.notable) for share in row.shares}
            for row in sort.rows
        }
        for sort in shown
    }


def test_deviations_are_in_percentage_points_and_marked_beyond_two_standard_errors() -> None:
    found = report(
        [*rows(70, "roof", "train"), *rows(30, "roof", "test"), *rows(98, "wall", "train"), *rows(2, "wall", "test")]
    )
    assert found["topic"]["roof"] == {
        "train": (70, -14.0, True), "develop": (0, 0.0, False), "test": (30, 14.0, True),
    }  # fmt: skip
    few = report(
        [*rows(2, "roof", "train"), *rows(1, "roof", "test"), *rows(8, "wall", "train"), *rows(2, "wall", "test")]
    )
    assert few["topic"]["roof"]["test"] == (1, 10.3, False)


def test_a_sort_with_one_kind_is_left_out_and_lengths_stand_in_their_order() -> None:
    found = report([*rows(1, "", "train", 5_000), *rows(1, "", "test", 20), *rows(1, "", "train", 400)])
    assert list(found) == ["length"]
    assert list(found["length"]) == ["≤ 100", "≤ 1000", "> 3000"]


def test_many_topics_end_in_one_row_for_the_rest() -> None:
    found = report([row for n in range(40) for row in rows(40 - n, f"topic {n}", "train")])
    assert len(found["topic"]) == 31
    assert found["topic"]["…"]["train"][0] == sum(range(1, 11))


def test_origins_have_their_labels() -> None:
    found = report([*rows(1, "", "train"), *rows(1, "", "train", origin="imported")])
    assert set(found["origin"]) == {"Human", "Imported"}
