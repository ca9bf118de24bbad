"""How far people agree when they grade the same things: raw share, Cohen's, Fleiss' and Krippendorff's coefficients.

Each coefficient is agreement beyond what chance would give: 1 is full agreement, 0 is chance. Where it is undefined
(all grades alike: chance agreement is full already) it is None and a note says why, never 0 or 1.
"""

from __future__ import annotations

import csv
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_COLUMNS = ("item", "rater", "value")


class GradeError(ValueError):
    """Grades that cannot be read; the sentence says where and what to do."""


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Cohen's kappa of two raters over the `items` that both graded; None where chance agreement is full."""

    raters: tuple[str, str]
    items: int
    raw: float
    kappa: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """All coefficients for one set of grades, with notes on what could not be computed or was left out.

    `raw` is the share of agreeing pairs among all pairs of grades of the same item. `krippendorff` has the keys
    nominal, ordinal and interval.
    """

    items: int
    raters: int
    grades: int
    raw: float | None
    cohen: tuple[PairAgreement, ...]
    fleiss: float | None
    krippendorff: dict[str, float | None]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The JSON object of `python -m ml agree`."""
        return asdict(self)


class Grades:
    """The grades of items by raters, at most one by each rater for each item. 4 and 4.0 are the same grade."""

    def __init__(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """From (item, rater, value). Raises GradeError if a rater graded an item twice."""
        self.by_item: dict[str, dict[str, str]] = defaultdict(dict)
        for item, rater, value in rows:
            if rater in self.by_item[item]:
                raise GradeError(f"{rater!r} graded {item!r} twice; keep one grade for each rater and item.")
            self.by_item[item][rater] = _canonical(value)
        if not self.by_item:
            raise GradeError("There are no grades.")

    def units(self) -> list[list[str]]:
        """The values of each item that at least two raters graded: only these say something about agreement."""
        return [list(values.values()) for values in self.by_item.values() if len(values) >= 2]


def read_grades(path: Path | str) -> Grades:
    """Grades from a CSV file with the columns item, rater, value; rows with an empty value are missing grades.

    Raises GradeError with the row (the heading is row 1), OSError if the file cannot be read.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            return Grades(_rows(csv.reader(file, strict=True)))
    except UnicodeDecodeError as error:
        raise GradeError(f"{path} is not UTF-8 text; save it as CSV UTF-8.") from error
    except csv.Error as error:
        raise GradeError(f"{path} is not a CSV file: {error}.") from error


def agree(grades: Grades) -> Agreement:
    """Every coefficient for these grades."""
    units = grades.units()
    notes: list[str] = []
    if not units:
        notes.append("No item was graded by two people, so there is no agreement to measure.")
    single = len(grades.by_item) - len(units)
    if single and units:
        notes.append(f"{single} of {len(grades.by_item)} items were graded by one person and do not count.")
    if len({len(unit) for unit in units}) > 1:
        notes.append("Items have different numbers of grades: Fleiss' kappa is the form for unequal numbers.")
    raters = {rater for values in grades.by_item.values() for rater in values}
    return Agreement(
        items=len(grades.by_item),
        raters=len(raters),
        grades=sum(map(len, grades.by_item.values())),
        raw=_raw(units),
        cohen=tuple(_cohen_pairs(grades.by_item.values())),
        fleiss=fleiss_kappa(units),
        krippendorff=_krippendorff_all(units, notes),
        notes=tuple(notes),
    )


def cohen_kappa(pairs: Iterable[tuple[str, str]]) -> float | None:
    """Agreement of two raters beyond chance (Cohen 1960): (p_o - p_e) / (1 - p_e). None if p_e is 1 or pairs lack."""
    counts = Counter(pairs)
    total = counts.total()
    if not total:
        return None
    first: Counter[str] = Counter()
    second: Counter[str] = Counter()
    for (one, other), count in counts.items():
        first[one] += count
        second[other] += count
    agreeing = sum(count for (one, other), count in counts.items() if one == other)
    by_chance = sum(first[value] * second[value] for value in first)  # in units of 1/total²
    if by_chance == total * total:
        return None
    return (agreeing * total - by_chance) / (total * total - by_chance)


def fleiss_kappa(units: Iterable[list[str]]) -> float | None:
    """Agreement of many raters beyond chance (Fleiss 1971), over items with at least two grades.

    With unequal numbers of grades each item counts once in the observed agreement and each grade once in the chance
    agreement (Fleiss, Levin & Paik 2003, section 18.3); with equal numbers this is the classic form. None if undefined.
    """
    counts = [Counter(unit) for unit in units if len(unit) >= 2]
    if not counts:
        return None
    observed = math.fsum(_agreeing_pairs(count) / math.comb(count.total(), 2) for count in counts) / len(counts)
    totals = sum(counts, Counter())
    if len(totals) == 1:
        return None
    by_chance = math.fsum((count / totals.total()) ** 2 for count in totals.values())
    return (observed - by_chance) / (1 - by_chance)


def krippendorff_alpha(units: Iterable[list[str]] | Iterable[list[float]], distance: str = "nominal") -> float | None:
    """1 - observed / expected disagreement (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability").

    `distance`: nominal (equal or not), ordinal (by ranks) or interval (squared difference); the last two need numbers.
    Grades may be missing: each item counts by the pairs of grades that it has. None if all grades are alike.
    """
    rated: list[Counter[Any]] = [Counter(unit) for unit in units if len(unit) >= 2]
    values: list[Any] = sorted({value for count in rated for value in count})
    if len(values) < 2:
        return None
    index = {value: number for number, value in enumerate(values)}
    coincidences = np.zeros((len(values), len(values)))
    for count in rated:
        weight = 1 / (count.total() - 1)
        for one, times in count.items():
            for other, other_times in count.items():
                pairs = times * (other_times - (one == other))
                coincidences[index[one], index[other]] += weight * pairs
    totals = coincidences.sum(axis=1)
    squared = _DISTANCES[distance](values, totals)
    expected = float((np.outer(totals, totals) * squared).sum() / (totals.sum() - 1))
    return 1 - float((coincidences * squared).sum()) / expected


def _nominal(values: list[Any], totals: Floats) -> Floats:
    return 1 - np.eye(len(values))


def _ordinal(values: list[Any], totals: Floats) -> Floats:
    """(Σ totals from one value to the other, the ends counted half)²."""
    rank = np.cumsum(totals) - totals / 2
    return (rank[:, None] - rank[None, :]) ** 2


def _interval(values: list[Any], totals: Floats) -> Floats:
    numbers = np.array(values, dtype=np.float64)
    return (numbers[:, None] - numbers[None, :]) ** 2


_DISTANCES: Mapping[str, Callable[[list[Any], Floats], Floats]] = {
    "nominal": _nominal,
    "ordinal": _ordinal,
    "interval": _interval,
}


def _krippendorff_all(units: list[list[str]], notes: list[str]) -> dict[str, float | None]:
    """All three alphas; the reasons of those that are undefined go into `notes`."""
    numbers = _as_numbers(units)
    if units and numbers is None:
        notes.append("Some grades are not numbers: ordinal and interval agreement are not defined.")
    alphas = {
        "nominal": krippendorff_alpha(units),
        "ordinal": krippendorff_alpha(numbers, "ordinal") if numbers else None,
        "interval": krippendorff_alpha(numbers, "interval") if numbers else None,
    }
    if units and alphas["nominal"] is None:
        notes.append("All grades are alike, so agreement beyond chance is undefined; read the raw share.")
    return alphas


def _as_numbers(units: list[list[str]]) -> list[list[float]] | None:
    try:
        numbers = [[float(value) for value in unit] for unit in units]
    except ValueError:
        return None
    return numbers if all(math.isfinite(value) for unit in numbers for value in unit) else None


def _canonical(value: str) -> str:
    try:
        return repr(float(value))
    except ValueError:
        return value


def _raw(units: list[list[str]]) -> float | None:
    pairs = sum(math.comb(len(unit), 2) for unit in units)
    return sum(_agreeing_pairs(Counter(unit)) for unit in units) / pairs if pairs else None


def _agreeing_pairs(count: Counter[Any]) -> int:
    return sum(math.comb(times, 2) for times in count.values())


def _cohen_pairs(items: Iterable[Mapping[str, str]]) -> Iterator[PairAgreement]:
    """Every two raters who share an item, in order of their names."""
    shared: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for values in items:
        for one, other in combinations(sorted(values), 2):
            shared[one, other].append((values[one], values[other]))
    for raters, pairs in sorted(shared.items()):
        agreeing = sum(one == other for one, other in pairs)
        yield PairAgreement(raters, len(pairs), agreeing / len(pairs), cohen_kappa(pairs))


def _rows(reader: Iterator[list[str]]) -> Iterator[tuple[str, str, str]]:
    heading = [name.strip().lower() for name in next(reader, [])]
    missing = [name for name in _COLUMNS if name not in heading]
    if missing:
        raise GradeError(f"Row 1: the column {missing[0]!r} is missing; the heading must name item, rater and value.")
    places = [heading.index(name) for name in _COLUMNS]
    seen: dict[tuple[str, str], int] = {}
    for number, row in enumerate(reader, start=2):
        if not row:
            continue
        if len(row) != len(heading):
            raise GradeError(f"Row {number} has {len(row)} columns; the heading has {len(heading)}.")
        item, rater, value = (row[place].strip() for place in places)
        if not item or not rater:
            raise GradeError(f"Row {number} has no {'item' if not item else 'rater'}.")
        earlier = seen.setdefault((item, rater), number)
        if earlier != number:
            raise GradeError(f"Row {number}: {rater!r} graded {item!r} in row {earlier} already; keep one of the two.")
        if value:
            yield item, rater, value
