"""The corpus of a pretraining: its texts become one stream of tokens, and the stream is cut into blocks."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from ml.phrases import Phrase, gettext_noop
from ml.prompting import Tokenizer
from ml.prompting.encoding import IGNORED
from ml.recipe import Recipe
from ml.sample import Sample
from ml.train.data import DataError, TrainingData, check_unchanged, not_json, unreadable

TRAIN, HELDOUT = "train", "heldout"
TOKENS = "tokens.npy"  # the training part, kept beside the texts
_BATCH = 256
NO_TEXT = Phrase(gettext_noop("There is nothing to train on: the corpus has no text in its part train."))

Stream = NDArray[np.int32]


class Blocks(Sequence[Sample]):
    """A stream of tokens as samples of `size` predictions each: every token but the first is predicted once.

    A block begins with the last token of the one before it, which is context there and not predicted again.
    """

    def __init__(self, stream: Stream, size: int) -> None:
        self._stream = stream
        self._size = size

    def __len__(self) -> int:
        return math.ceil(max(0, len(self._stream) - 1) / self._size)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        start = index * self._size
        ids = self._stream[start : start + self._size + 1].tolist()
        return Sample(ids, [IGNORED, *ids[1:]])


def load_texts(path: Path, sha256: str, tokenizer: Tokenizer, recipe: Recipe) -> TrainingData:
    """Read a corpus (a line is {"id", "text", "part"}, the part train or heldout) into blocks.

    Each text ends with the end-of-text token, and the stream begins with one. Of the held-out texts the first
    `heldout_bytes` bytes are taken. The tokens of the training part are kept beside the file, so that a run that goes
    on later does not encode again. Raises DataError if the file is not the promised one or holds nothing to train on.
    """
    check_unchanged(path, sha256)
    kept = path.with_name(TOKENS)
    if not kept.is_file():
        _keep(kept, _encode(tokenizer, read_texts(path, TRAIN)))
    stream: Stream = np.load(kept, mmap_mode="r")
    texts = list(_first_bytes(read_texts(path, HELDOUT), recipe.heldout_bytes))
    heldout = _encode(tokenizer, iter(texts)) if texts else np.zeros(0, dtype=np.int32)
    train = Blocks(stream, recipe.block_tokens)
    if not len(train):
        raise DataError(NO_TEXT)
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    return TrainingData(
        train, Blocks(heldout, recipe.block_tokens), {}, heldout_bytes=size, heldout_tokens=len(heldout) - 1
    )


def read_texts(path: Path, part: str) -> Iterator[str]:
    """The texts of one part of a corpus file, in order; erased ones are empty and left out. Raises DataError with the
    line number."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    row = _row(line, path, number)
                    if row["part"] == part and row["text"]:
                        yield row["text"]
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise DataError(Phrase(gettext_noop("%(file)s is not UTF-8 text."), file=path.name)) from error


def _row(line: str, path: Path, number: int) -> dict[str, str]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise not_json(path, number, error) from error
    if not isinstance(row, dict) or not isinstance(row.get("text"), str) or row.get("part") not in (TRAIN, HELDOUT):
        text = gettext_noop("%(file)s, line %(line)d: a text needs the fields text and part (train or heldout).")
        raise DataError(Phrase(text, file=path.name, line=number))
    return row


def _encode(tokenizer: Tokenizer, texts: Iterator[str]) -> Stream:
    os.environ["TOKENIZERS_PARALLELISM"] = "true"  # off for children in general; this one never forks
    parts: list[Stream] = [np.array([tokenizer.eos_id], dtype=np.int32)]
    while batch := list(islice(texts, _BATCH)):
        ids = (chain(found, [tokenizer.eos_id]) for found in tokenizer.encode_texts(batch))
        parts.append(np.fromiter(chain.from_iterable(ids), dtype=np.int32))
    return np.concatenate(parts)


def _keep(path: Path, stream: Stream) -> None:
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.save(file, stream)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _first_bytes(texts: Iterator[str], most: int) -> Iterator[str]:
    """Texts of at most `most` bytes together; the last one may be cut, which held-out text bears."""
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        if len(raw) > most:
            shortened = raw[:most].decode("utf-8", "ignore")
            if shortened:
                yield shortened
            return
        most -= len(raw)
        yield text
