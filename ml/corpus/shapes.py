"""What a corpus is made of and what is told about its making."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ml.phrases import PhraseError, beside, gettext_noop

TRAIN, HELDOUT = "train", "heldout"
SETTINGS, TEXTS = "corpus.json", "texts.jsonl"  # what a folder is told, and what it comes to hold
PIECE = 20_000  # characters; a longer text is cut between paragraphs
ENDINGS = (
    ".txt", ".text", ".md", ".markdown", ".jsonl", ".ndjson", ".parquet", ".html", ".htm", ".xhtml", ".mhtml", ".mht",
    ".pdf", ".docx", ".warc", ".warc.gz", ".zip",
)  # fmt: skip
SAMPLES, SAMPLE_CHARACTERS = 5, 300

REASONS = {
    "short": gettext_noop("Too short to learn from."),
    "language": gettext_noop("In another language than the corpus is to be."),
    "repeated": gettext_noop("The same text stands in the corpus already."),
    "similar": gettext_noop("Nearly the same text stands in the corpus already."),
    "boilerplate": gettext_noop("Nothing but lines that many of the documents share."),
    "noise": gettext_noop("Hardly any letters: tables of numbers, codes, remains of a layout."),
}


class CorpusError(PhraseError):
    """No corpus can be made of this; the message says why and what to do."""

    code = "corpus"


@dataclass(frozen=True, slots=True)
class CorpusSettings:
    """How a corpus is cleaned and parted.

    `language` is a code, or "" for any; texts under `least` characters go; two texts whose words and word pairs have a
    Jaccard similarity of `similar` are the same (0: only exact copies are); `share` of the text is held out, chosen by
    `seed`; `column` is the field or column of JSONL and Parquet files that holds the text.
    """

    language: str = ""
    least: int = 40
    similar: float = 0.8
    share: float = 0.1
    seed: int = 0
    column: str = "text"

    def __post_init__(self) -> None:
        for name, low, high in (("least", 0, 100_000), ("similar", 0, 1), ("share", 0.01, 0.5), ("seed", 0, 2**31)):
            if not low <= getattr(self, name) <= high:
                raise CorpusError(
                    gettext_noop("The setting %(name)s must lie between %(low)g and %(high)g."),
                    name=name,
                    low=low,
                    high=high,
                )

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> CorpusSettings:
        return cls(**{name: value[name] for name in cls.__dataclass_fields__ if name in value})

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Piece:
    """A text, or a part of a long one: `document` names what it is from, `number` its place there, from 0."""

    document: str
    number: int
    text: str

    @property
    def id(self) -> str:
        return f"{self.document}#{self.number}"


@dataclass(slots=True)
class Dropped:
    """Texts that were left out for one reason."""

    count: int = 0
    characters: int = 0
    samples: list[dict[str, str]] = field(default_factory=list)

    def add(self, piece: Piece, like: str = "") -> None:
        self.count += 1
        self.characters += len(piece.text)
        if len(self.samples) < SAMPLES:
            self.samples.append({"id": piece.id, "text": piece.text[:SAMPLE_CHARACTERS], "like": like})

    def to_json(self) -> dict[str, Any]:
        return {"count": self.count, "characters": self.characters, "samples": self.samples}


@dataclass(slots=True)
class Report:
    """What happened to the texts on their way."""

    documents: int = 0
    pieces: int = 0
    repaired: int = 0
    repairs: list[list[str]] = field(default_factory=list)  # [before, after]
    boilerplate: Counter[str] = field(default_factory=Counter)  # line -> documents that hold it
    dropped: dict[str, Dropped] = field(default_factory=dict)
    problems: list[dict[str, Any]] = field(default_factory=list)  # files or rows that could not be read, in words
    problem_count: int = 0

    def drop(self, reason: str, piece: Piece, like: str = "") -> None:
        self.dropped.setdefault(reason, Dropped()).add(piece, like)

    def problem(self, error: CorpusError) -> None:
        self.problem_count += 1
        if len(self.problems) < 50:
            self.problems.append({"sentence": error.args[0], **beside(error.args[0])})

    def repair(self, before: str, after: str) -> None:
        self.repaired += 1
        if len(self.repairs) < SAMPLES:
            self.repairs.append([before, after])

    def to_json(self) -> dict[str, Any]:
        return {
            "documents": self.documents,
            "pieces": self.pieces,
            "repaired": self.repaired,
            "repairs": self.repairs,
            "boilerplate": [[line, count] for line, count in self.boilerplate.most_common(20)],
            "boilerplate_lines": len(self.boilerplate),
            "dropped": {reason: found.to_json() for reason, found in sorted(self.dropped.items())},
            "problems": self.problems,
            "problem_count": self.problem_count,
        }
