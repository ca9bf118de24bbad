"""The words of a project's approved texts in one language, and which of them a new word resembles."""

from __future__ import annotations

from collections.abc import Mapping

from ml.checks.slips import slips
from ml.hashing import json_sha256


class ProjectWords:
    """In how many approved texts each word (in plain form) stands; `texts` is the number of those texts."""

    def __init__(self, counts: Mapping[str, int], texts: int) -> None:
        self.counts = dict(counts)
        self.texts = texts
        self.digest = json_sha256({"counts": self.counts, "texts": texts})
        self._letters = sorted({letter for word in self.counts for letter in word if letter.isalpha()})[:80]

    def common(self, least: int) -> frozenset[str]:
        """The words that stand in at least `least` texts."""
        return frozenset(word for word, count in self.counts.items() if count >= least)

    def meant(self, word: str, least: int, ending: int) -> str | None:
        """The commonest word of at least `least` texts that is one slip away from `word`; None if there is none.

        A slip: a letter too many, one missing, a wrong one, two swapped; never the first letter, which people seldom
        miss. The last `ending` letters must be right: words of one stem differ in them.
        """
        close = {
            near
            for near in slips(word, self._letters, first=1)
            if near[-ending:] == word[-ending:] and self.counts.get(near, 0) >= least
        }
        return max(close, key=lambda near: (self.counts[near], near)) if close else None
