"""The pairs of a run: read, verified against the specification, and turned into audited tokens."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ml.hashing import file_sha256
from ml.prompting import Example, Template, TemplateError, Tokenizer, encode_pair
from ml.score import Sample


class DataError(ValueError):
    """The pairs cannot be trained on; the message says where and why."""

    code = "data"


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Samples by part, and the ids of pairs left out, by problem code."""

    train: list[Sample]
    develop: list[Sample]
    left_out: dict[str, list[str]]

    @property
    def trained_tokens(self) -> int:
        return sum(label >= 0 for sample in self.train for label in sample.labels)


def read_examples(path: Path) -> Iterator[Example]:
    """Examples of a JSONL file. Raises DataError with the line number."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _example(line, path, number)
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not UTF-8 text.") from error


def load_data(path: Path, sha256: str, template: Template, tokenizer: Tokenizer, max_tokens: int) -> TrainingData:
    """Read pairs.jsonl and encode the parts train and develop; the test part is never looked at.

    Pairs with a blocking problem are left out and listed. Raises DataError if the file is not the promised one or
    nothing is left to train on.
    """
    if sha256 and path.is_file() and file_sha256(path) != sha256:
        raise DataError(f"{path.name} has changed since the run was made. Start the run again.")
    data = TrainingData([], [], {})
    for example in read_examples(path):
        if example.part == "test":
            continue
        encoded = encode_pair(example, template, tokenizer, max_tokens)
        if encoded.usable:
            part = data.train if example.part == "train" else data.develop
            part.append(Sample(encoded.ids, encoded.labels))
        else:
            for code in encoded.problems:
                data.left_out.setdefault(code, []).append(example.id)
    if not data.train:
        reasons = Counter({code: len(ids) for code, ids in data.left_out.items()})
        listed = ", ".join(f"{code}: {count}" for code, count in reasons.most_common()) or "no pair in the part train"
        raise DataError(f"There is nothing to train on ({listed}).")
    return data


def _example(line: str, path: Path, number: int) -> Example:
    try:
        return Example.from_json(json.loads(line))
    except json.JSONDecodeError as error:
        raise DataError(f"{path.name}, line {number}: not valid JSON ({error.msg}).") from error
    except TemplateError as error:
        raise DataError(f"{path.name}, line {number}: {error}") from error
