"""Findings as the part that marks them in a text takes them."""

from dataclasses import dataclass

from curation.selectors.findings import sentence_of
from ml.checks import Finding


@dataclass(frozen=True)
class Mark:
    start: int
    end: int
    message: str
    severity: str

    @classmethod
    def of(cls, found: Finding) -> "Mark":
        return cls(found.start, found.end, sentence_of(found), found.severity)
