"""The pairs of a run: read, verified against the specification, and turned into audited tokens."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.hashing import file_sha256
from ml.phrases import Phrase, gettext_noop
from ml.prompting import Example, Template, TemplateError, Tokenizer
from ml.train.tokens import Encoder, cached, encode_all


class DataError(ValueError):
    """The pairs cannot be trained on; the message says where and why."""

    code = "data"


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Samples (or preferences) by part, and the ids of pairs left out, by problem code.

    For a pretraining the samples are blocks of text, and `heldout_bytes` and `heldout_tokens` are the size of the text
    in `develop`; for pairs both are 0.
    """

    train: Sequence[Any]
    develop: Sequence[Any]
    left_out: dict[str, list[str]]
    heldout_bytes: int = 0
    heldout_tokens: int = 0

    def text_measures(self, loss: float) -> dict[str, float]:
        """Perplexity a token, and bits per byte of text: the one number that compares models of any vocabulary.

        `loss` is in nats a token. All tokens of the held-out text count, their end-of-text tokens included. Empty for
        pairs.
        """
        if not self.heldout_bytes:
            return {}
        bits = loss * self.heldout_tokens / self.heldout_bytes / math.log(2)
        return {"perplexity": math.exp(min(loss, 700.0)), "bits_per_byte": bits}


def unreadable(path: Path, error: OSError) -> DataError:
    text = gettext_noop("%(file)s cannot be read: %(reason)s.")
    return DataError(Phrase(text, file=path.name, reason=error.strerror or str(error)))


def not_json(path: Path, number: int, error: json.JSONDecodeError) -> DataError:
    text = gettext_noop("%(file)s, line %(line)d: not valid JSON (%(reason)s).")
    return DataError(Phrase(text, file=path.name, line=number, reason=error.msg))


def read_examples(path: Path) -> Iterator[Example]:
    """Examples of a JSONL file. Raises DataError with the line number."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield example_of(line, path, number)
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise DataError(Phrase(gettext_noop("%(file)s is not UTF-8 text."), file=path.name)) from error


def load_data(path: Path, sha256: str, template: Template, tokenizer: Tokenizer, max_tokens: int) -> TrainingData:
    """Read pairs.jsonl and encode the parts train and develop; the test part is never looked at.

    Pairs with a blocking problem are left out and listed. Raises DataError if the file is not the promised one or
    nothing is left to train on.
    """
    check_unchanged(path, sha256)
    encode = Encoder(template, tokenizer, max_tokens)
    key = [sha256, template.fingerprint, tokenizer.fingerprint, max_tokens]
    wanted = (example for example in read_examples(path) if example.part != "test")
    found = cached(key, lambda: encode_all(wanted, encode)) if sha256 else encode_all(wanted, encode)
    data = TrainingData(found.train.samples(), found.develop.samples(), found.left_out)
    if not data.train:
        reasons = Counter({code: len(ids) for code, ids in data.left_out.items()})
        listed = ", ".join(f"{code}: {count}" for code, count in reasons.most_common())
        if not listed:
            raise DataError(Phrase(gettext_noop("There is nothing to train on: no pair is in the part train.")))
        text = gettext_noop("There is nothing to train on; what keeps the pairs out: %(reasons)s.")
        raise DataError(Phrase(text, reasons=listed))
    return data


def check_unchanged(path: Path, sha256: str) -> None:
    """Raise DataError if the file is not the one with this digest."""
    if sha256 and path.is_file() and file_sha256(path) != sha256:
        text = gettext_noop("%(file)s has changed since the run was made. Start the run again.")
        raise DataError(Phrase(text, file=path.name))


def example_of(line: str, path: Path, number: int) -> Example:
    """One line of a JSONL file. Raises DataError with its number."""
    try:
        return Example.from_json(json.loads(line))
    except json.JSONDecodeError as error:
        raise not_json(path, number, error) from error
    except TemplateError as error:
        raise DataError(f"{path.name}, line {number}: {error}") from error
