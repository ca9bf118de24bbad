"""What one slip of a finger makes of a word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def slips(word: str, letters: Iterable[str], first: int = 0) -> Iterator[str]:
    """The word with a letter too few, two swapped, one changed or one too many; the first `first` letters stay right.

    A slip may come more than once, and the word itself among them.
    """
    letters = tuple(letters)
    for index in range(first, len(word) + 1):
        before, after = word[:index], word[index:]
        if after:
            yield before + after[1:]
            if len(after) > 1:
                yield before + after[1] + after[0] + after[2:]
            for letter in letters:
                yield before + letter + after[1:]
        for letter in letters:
            yield before + letter + after
