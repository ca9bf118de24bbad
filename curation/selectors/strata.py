"""How evenly the parts of a split are spread over topics, languages, lengths and origins."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from django.utils.translation import gettext_lazy as _

from curation.choices import Origin, Part

MOST = 30  # kinds shown of one sort; the rest is one row
LENGTHS = (100, 300, 1_000, 3_000)  # characters of a response
NOTABLE = 2.0  # standard errors
LABELS = {"topic": _("Topic"), "language": _("Language"), "length": _("Length of the response"), "origin": _("Origin")}
Strata = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Share:
    """A part's share of one stratum. `deviation` from its share of the whole, in percentage points."""

    part: str
    count: int
    share: float
    deviation: float
    notable: bool  # by more than chance makes of so few pairs


@dataclass(frozen=True)
class StratumRow:
    name: str
    pairs: int
    shares: list[Share]


@dataclass(frozen=True)
class Stratification:
    key: str
    label: Any
    rows: list[StratumRow]


def strata_of(rows: Iterable[tuple[str, str, int, str]], parts: Sequence[str]) -> Strata:
    """Counts by (topic, language, characters of the response, origin) and part, as a version keeps them."""
    counted: dict[str, dict[str, Counter[str]]] = {key: defaultdict(Counter) for key in LABELS}
    for (topic, language, characters, origin), part in zip(rows, parts, strict=True):
        values = {"topic": topic, "language": language, "length": length_name(characters), "origin": origin}
        for key, value in values.items():
            counted[key][value][part] += 1
    return {key: listed(key, found) for key, found in counted.items()}


def length_name(characters: int) -> str:
    return next((f"≤ {most}" for most in LENGTHS if characters <= most), f"> {LENGTHS[-1]}")


def listed(key: str, found: Mapping[str, Counter[str]]) -> list[dict[str, Any]]:
    names = [length_name(most) for most in (*LENGTHS, LENGTHS[-1] + 1)]
    by_size = sorted(found, key=lambda name: (-found[name].total(), name))
    order = [name for name in names if name in found] if key == "length" else by_size
    rows = [{"name": name, **{part: found[name][part] for part in Part.values}} for name in order[:MOST]]
    rest: Counter[str] = sum((found[name] for name in order[MOST:]), Counter())
    return [*rows, {"name": "…", **{part: rest[part] for part in Part.values}}] if rest else rows


def stratified(strata: Strata, whole: Mapping[str, int]) -> list[Stratification]:
    """What the report shows; a sort with one kind only tells nothing and is left out."""
    total = sum(whole.values()) or 1
    overall = {part: whole.get(part, 0) / total for part in Part.values}
    return [
        Stratification(key, LABELS[key], [stratum_row(key, row, overall) for row in rows])
        for key, rows in strata.items()
        if len(rows) > 1
    ]


def stratum_row(key: str, row: Mapping[str, Any], overall: Mapping[str, float]) -> StratumRow:
    pairs = sum(row[part] for part in Part.values)
    shares = [share_of(part, row[part], pairs, overall[part]) for part in Part.values]
    name = str(Origin(row["name"]).label) if key == "origin" and row["name"] in Origin.values else row["name"]
    return StratumRow(name, pairs, shares)


def share_of(part: str, count: int, pairs: int, expected: float) -> Share:
    share = count / pairs
    error = sqrt(expected * (1 - expected) / pairs)
    return Share(part, count, share, 100 * (share - expected), abs(share - expected) > NOTABLE * error + 1e-12)
