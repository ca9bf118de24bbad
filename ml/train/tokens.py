"""Many pairs into tokens: by several processes, and only once for the same pairs, prompt, tokenizer and limit."""

from __future__ import annotations

import json
import multiprocessing
import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import accumulate, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ml.hashing import json_sha256
from ml.prompting import Example, Template, Tokenizer, encode_pair
from ml.prompting.encoding import IGNORED
from ml.sample import Sample

CACHE_VARIABLE = "APPRENTICE_TOKEN_CACHE"
_CHUNK = 1000
_ALONE = 4000  # up to so many pairs, starting more processes takes longer than it saves
_KEPT = 8
# Changes when the same pairs would become other tokens than before.
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Encoded:
    """Pairs of one part as one long row of tokens, and where each begins and its response begins."""

    ids: array[int] = field(default_factory=lambda: array("i"))
    lengths: array[int] = field(default_factory=lambda: array("i"))
    prompts: array[int] = field(default_factory=lambda: array("i"))

    def add(self, ids: Sequence[int], prompt: int) -> None:
        self.ids.extend(ids)
        self.lengths.append(len(ids))
        self.prompts.append(prompt)

    def extend(self, other: Encoded) -> None:
        for mine, theirs in zip(self.columns(), other.columns(), strict=True):
            mine.extend(theirs)

    def columns(self) -> tuple[array[int], array[int], array[int]]:
        return self.ids, self.lengths, self.prompts

    def samples(self) -> list[Sample]:
        ids = self.ids.tolist()
        starts = pairwise([0, *accumulate(self.lengths)])
        return [
            Sample(ids[start:end], [IGNORED] * prompt + ids[start + prompt : end])
            for (start, end), prompt in zip(starts, self.prompts, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Tokens:
    """The usable pairs by part, and the ids of those left out, by problem code."""

    train: Encoded = field(default_factory=Encoded)
    develop: Encoded = field(default_factory=Encoded)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def add(self, other: Tokens) -> None:
        self.train.extend(other.train)
        self.develop.extend(other.develop)
        for code, ids in other.left_out.items():
            self.left_out.setdefault(code, []).extend(ids)


class Encoder:
    """Encodes examples one way; can be sent to another process."""

    def __init__(self, template: Template, tokenizer: Tokenizer, max_tokens: int) -> None:
        self.template, self.tokenizer, self.max_tokens = template, tokenizer, max_tokens

    def __call__(self, examples: Sequence[Example]) -> Tokens:
        found = Tokens()
        for example in examples:
            pair = encode_pair(example, self.template, self.tokenizer, self.max_tokens)
            if pair.usable:
                (found.train if example.part == "train" else found.develop).add(pair.ids, pair.n_prompt)
            else:
                for code in pair.problems:
                    found.left_out.setdefault(code, []).append(example.id)
        return found


def encode_all(examples: Iterator[Example], encode: Encoder) -> Tokens:
    """Encode in order. Beyond _ALONE pairs, by one process for each core."""
    found = encode(list(islice(examples, _ALONE)))
    chunks = iter(lambda: list(islice(examples, _CHUNK)), [])
    workers = len(os.sched_getaffinity(0))
    if workers < 2:
        for chunk in chunks:
            found.add(encode(chunk))
        return found
    if first := next(chunks, None):
        # Fresh processes: a fork of one that has computing threads may hang.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, context, _begin, (encode,)) as pool:
            for part in pool.map(_work, _and_rest(first, chunks)):
                found.add(part)
    return found


def cached(key: Any, make: Callable[[], Tokens]) -> Tokens:
    """What `make` gives, from the folder in APPRENTICE_TOKEN_CACHE if it was made before for an equal key."""
    folder = os.environ.get(CACHE_VARIABLE, "")
    if not folder:
        return make()
    path = Path(folder) / f"{json_sha256([_FORMAT, key])}.npz"
    found = _read(path)
    if found is None:
        found = make()
        _write(path, found)
    return found


def _read(path: Path) -> Tokens | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            columns = [array("i", stored[name].astype("i").tobytes()) for name in ("0", "1", "2", "3", "4", "5")]
            left_out = json.loads(bytes(stored["left_out"]).decode())
        path.touch()
        return Tokens(Encoded(*columns[:3]), Encoded(*columns[3:]), left_out)
    except (OSError, ValueError, KeyError):
        return None


def _write(path: Path, tokens: Tokens) -> None:
    """Keep the tokens, and of all that are kept only the newest few. A full disk is no reason not to train."""
    columns: dict[str, Any] = {
        str(n): np.array(c, "i") for n, c in enumerate((*tokens.train.columns(), *tokens.develop.columns()))
    }
    left_out = np.frombuffer(json.dumps(tokens.left_out).encode(), "u1")
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.savez(file, **columns, left_out=left_out)
        part.replace(path)
        for old in sorted(path.parent.glob("*.npz"), key=lambda each: -each.stat().st_mtime)[_KEPT:]:
            old.unlink(missing_ok=True)
    except OSError:
        part.unlink(missing_ok=True)


def _and_rest(first: list[Example], rest: Iterator[list[Example]]) -> Iterator[list[Example]]:
    yield first
    yield from rest


_encoder: Encoder | None = None


def _begin(encoder: Encoder) -> None:
    global _encoder
    _encoder = encoder


def _work(examples: list[Example]) -> Tokens:
    assert _encoder is not None, "the process was begun"
    return _encoder(examples)
