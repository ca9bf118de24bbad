"""What is trained on and scored. Without torch: the processes that make tokens of pairs start with this alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """Token ids and labels of one pair, equally long; -100 labels are not scored."""

    ids: list[int]
    labels: list[int]
