"""Made-up pairs, as many as asked for: English words by how often they occur, the same in every run.

One pair in twenty is nearly an earlier one, one in thirty has a misspelt word, three in ten have an input. A pair has
about 70 words, as the questions and answers that people write for a help desk.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from spellchecker import SpellChecker

VOCABULARY = 20_000
TOPICS = ("permits", "invoices", "materials", "safety", "contracts", "heating", "windows", "")
_CHUNK = 5_000
_NEAR_SHARE, _MISSPELT_SHARE, _INPUT_SHARE = 0.05, 1 / 30, 0.3


@dataclass(frozen=True, slots=True)
class Sample:
    instruction: str
    input: str
    response: str
    topic: str

    @property
    def text(self) -> str:
        return f"{self.instruction} {self.input} {self.response}"


@lru_cache(maxsize=1)
def vocabulary() -> tuple[list[str], np.ndarray]:
    """The most frequent English words, and the cumulated chance of each."""
    counts = SpellChecker(language="en").word_frequency.dictionary
    words = sorted((word for word in counts if word.isalpha()), key=lambda word: (-counts[word], word))[:VOCABULARY]
    chances = np.cumsum([counts[word] for word in words], dtype=np.float64)
    return words, chances / chances[-1]


def samples(count: int, seed: int = 1) -> Iterator[Sample]:
    """`count` pairs; the same ones for the same seed, whatever the count."""
    random = np.random.default_rng(seed)
    for start in range(0, count, _CHUNK):
        yield from _chunk(random)[: count - start]


def write(path: Path, count: int, seed: int = 1) -> Path:
    """The pairs as the lines of a JSONL file that a person would import."""
    with path.open("w", encoding="utf-8") as file:
        for sample in samples(count, seed):
            row = {name: getattr(sample, name) for name in ("instruction", "input", "response", "topic")}
            file.write(json.dumps(row) + "\n")
    return path


def _chunk(random: np.random.Generator) -> list[Sample]:
    words, chances = vocabulary()
    sizes = np.stack(
        [random.integers(8, 15, _CHUNK), random.integers(20, 50, _CHUNK), random.integers(30, 80, _CHUNK)], axis=1
    )
    sizes[random.random(_CHUNK) > _INPUT_SHARE, 1] = 0
    drawn = iter([words[place] for place in np.searchsorted(chances, random.random(int(sizes.sum())))])
    found: list[Sample] = []
    luck = random.random((_CHUNK, 2))
    for (question, given, answer), (near, misspelt) in zip(sizes.tolist(), luck.tolist(), strict=True):
        texts = [[next(drawn) for _ in range(size)] for size in (question, given, answer)]
        if near < _NEAR_SHARE and found:
            earlier = found[int(near / _NEAR_SHARE * len(found))]
            found.append(Sample(earlier.instruction, earlier.input, _sentences([*texts[2][:2]], earlier.response), ""))
            continue
        if misspelt < _MISSPELT_SHARE:
            texts[2][0] = f"{texts[2][0]}qz"
        topic = TOPICS[int(misspelt * 1e6) % len(TOPICS)]
        found.append(Sample(_sentences(texts[0]), _sentences(texts[1]), _sentences(texts[2]), topic))
    return found


def _sentences(words: Sequence[str], before: str = "") -> str:
    """The words as sentences of a dozen, after what stands before."""
    parts = [" ".join(words[start : start + 12]).capitalize() + "." for start in range(0, len(words), 12)]
    return " ".join([before, *parts] if before else parts)
