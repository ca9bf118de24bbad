"""From files to a frozen corpus, in two stages that each leave a whole file behind: a build that is cut off goes on."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

from ml.atomic import write_json
from ml.corpus.cleaning import judged, repair, shared_lines, without_lines
from ml.corpus.reading import read_pieces
from ml.corpus.shapes import (
    HELDOUT,
    REASONS,
    SETTINGS,
    TEXTS,
    TRAIN,
    CorpusError,
    CorpusSettings,
    Dropped,
    Piece,
    Report,
)
from ml.hashing import file_sha256, text_sha256
from ml.near_duplicates import near_duplicates
from ml.phrases import Phrase, gettext_noop
from ml.words import words

RAW = "raw.jsonl"
_FEW = 20  # documents; fewer are parted by their pieces, or the held-out part would be one document or none
_TELL = 500
_READING = gettext_noop("Reading %(file)s")
_CLEANING = gettext_noop("Cleaning")
_COMPARING = gettext_noop("Looking for texts that say nearly the same")

T = TypeVar("T")
Tell = Callable[[int, int, str], None]


def build_corpus(folder: Path, tell: Tell) -> dict[str, Any]:
    """Build the corpus that `folder`/corpus.json describes; returns its report with the fingerprint.

    corpus.json holds {"files": [{"path", "name"}], "settings": {…}}.
    1. Read and repair every file into raw.jsonl. 2. Drop shared lines, what is too short, noise, another language,
    copies and near copies. 3. Part by document. 4. Write texts.jsonl. Raises CorpusError if nothing is left.
    """
    asked = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    settings = CorpusSettings.from_json(asked["settings"])
    report = _read_all(folder, asked["files"], settings, tell)
    pieces = _cleaned(folder / RAW, settings, report, tell)
    if not pieces:
        raise _nothing_left(report)
    tell(len(pieces), len(pieces), Phrase(_COMPARING))
    pieces = _without_similar(pieces, settings, report)
    parts, by = parted(pieces, settings)
    counts = _write(folder / TEXTS, pieces, parts)
    sizes = sorted(len(piece.text) for piece in pieces)
    (folder / RAW).unlink(missing_ok=True)
    return {
        **report.to_json(),
        **counts,
        "parted_by": by,
        "lengths": {str(share): sizes[min(len(sizes) - 1, len(sizes) * share // 100)] for share in (0, 50, 95, 100)},
        "sha256": file_sha256(folder / TEXTS),
    }


def _read_all(folder: Path, files: list[dict[str, str]], settings: CorpusSettings, tell: Tell) -> Report:
    """raw.jsonl and what was told while it was written; both are there already if an earlier attempt came so far."""
    known = folder / "raw.json"
    report = Report()
    if (folder / RAW).is_file() and known.is_file():
        for name, value in json.loads(known.read_text(encoding="utf-8")).items():
            setattr(report, name, value)
        return report
    total = sum(Path(file["path"]).stat().st_size for file in files if Path(file["path"]).is_file())
    done = 0
    with _Whole(folder / RAW) as file:
        for one in files:
            path = Path(one["path"])
            reading = Phrase(_READING, file=one["name"])
            tell(done, total, reading)
            last = ""
            for found in read_pieces(path, one["name"], settings.column):
                if isinstance(found, CorpusError):
                    report.problem(found)
                    continue
                report.documents += found.document != last
                report.pieces += 1
                last = found.document
                file.write(_line(found.document, found.number, repair(found.text, report)))
                if report.pieces % _TELL == 0:
                    tell(done, total, reading)
            done += path.stat().st_size if path.is_file() else 0
        # Before raw.jsonl gets its name: where that one is, this one is.
        noted = ("documents", "pieces", "repaired", "repairs", "problems", "problem_count")
        write_json(known, {name: getattr(report, name) for name in noted})
    return report


class _Whole:
    """A text file that appears under its name when the block ends well."""

    def __init__(self, path: Path) -> None:
        self._path, self._part = path, path.with_suffix(".part")

    def __enter__(self) -> Any:
        self._file = self._part.open("w", encoding="utf-8")
        return self._file

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is None:
            self._file.flush()
            os.fsync(self._file.fileno())
        self._file.close()
        if kind is None:
            self._part.replace(self._path)


def _cleaned(raw: Path, settings: CorpusSettings, report: Report, tell: Tell) -> list[Piece]:
    report.boilerplate = shared_lines(_pieces(raw))
    kept: list[Piece] = []
    known: dict[str, str] = {}
    for number, piece in enumerate(_pieces(raw)):
        if number % _TELL == 0:
            tell(number, report.pieces, Phrase(_CLEANING))
        text = without_lines(piece.text, report.boilerplate)
        if not text and piece.text:
            report.drop("boilerplate", piece)
            continue
        piece = Piece(piece.document, piece.number, text)
        if reason := judged(piece, settings):
            report.drop(reason, piece)
            continue
        digest = text_sha256(" ".join(words(text)))
        if digest in known:
            report.drop("repeated", piece, known[digest])
            continue
        known[digest] = piece.id
        kept.append(piece)
    return kept


def _without_similar(pieces: list[Piece], settings: CorpusSettings, report: Report) -> list[Piece]:
    """Of texts that are nearly the same the first one stays."""
    if not settings.similar:
        return pieces
    gone: set[int] = set()
    for one, other in near_duplicates([piece.text for piece in pieces], threshold=settings.similar):
        if one not in gone and other not in gone:
            gone.add(other)
            report.drop("similar", pieces[other], pieces[one].id)
    return [piece for number, piece in enumerate(pieces) if number not in gone]


def parted(pieces: list[Piece], settings: CorpusSettings) -> tuple[list[str], str]:
    """The part of each piece, and what was parted: documents, or pieces where documents are few.

    Whatever comes first in the order of a salted hash is held out, until `share` of the characters is reached; of few
    documents it is the last pieces, so that what is held out is one stretch of text. Neither part is left empty.
    """
    names = dict.fromkeys(piece.document for piece in pieces)
    if len(names) >= _FEW:
        sizes: Counter[str] = Counter()
        for piece in pieces:
            sizes[piece.document] += len(piece.text)
        order = sorted(names, key=lambda name: text_sha256(f"{settings.seed}/{name}"))
        chosen = set(_until(order, [sizes[name] for name in order], settings.share))
        return [HELDOUT if piece.document in chosen else TRAIN for piece in pieces], "document"
    backwards = list(range(len(pieces)))[::-1]
    numbers = set(_until(backwards, [len(pieces[at].text) for at in backwards], settings.share))
    return [HELDOUT if at in numbers else TRAIN for at in range(len(pieces))], "piece"


def _until(order: list[T], sizes: list[int], share: float) -> Iterator[T]:
    """The first ones of an order, at least one, until they make up a share of all; never the last one."""
    most, taken = share * sum(sizes), 0
    for one, size in list(zip(order, sizes, strict=True))[:-1]:
        if taken and taken + size / 2 > most:
            return
        taken += size
        yield one


def _write(path: Path, pieces: Iterable[Piece], parts: list[str]) -> dict[str, Any]:
    texts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    characters = 0
    with _Whole(path) as file:
        for piece, part in zip(pieces, parts, strict=True):
            file.write(json.dumps({"id": piece.id, "text": piece.text, "part": part}, ensure_ascii=False) + "\n")
            texts[part] += 1
            sizes[part] += len(piece.text.encode("utf-8"))
            characters += len(piece.text)
    return {"texts": dict(texts), "bytes": dict(sizes), "characters": characters}


def _pieces(raw: Path) -> Iterator[Piece]:
    with raw.open(encoding="utf-8") as file:
        for line in file:
            yield Piece(*json.loads(line))


def _line(document: str, number: int, text: str) -> str:
    return json.dumps([document, number, text], ensure_ascii=False) + "\n"


def _nothing_left(report: Report) -> CorpusError:
    if not report.pieces and not report.problems:
        return CorpusError(gettext_noop("No text could be read: there were no files."))
    if not report.pieces:
        first = Phrase.from_json(report.problems[0]["said"])
        return CorpusError(gettext_noop("No text could be read. %(why)s"), why=first)
    left_out = gettext_noop("Texts left out: %(count)d. %(reason)s")
    told = [Phrase(left_out, count=found.count, reason=Phrase(REASONS[reason])) for reason, found in _most(report)]
    why = reduce(lambda one, more: Phrase(gettext_noop("%(one)s %(more)s"), one=one, more=more), told)
    text = gettext_noop("Nothing is left to learn from. %(why)s Loosen the cleaning, or bring other files.")
    return CorpusError(text, why=why)


def _most(report: Report) -> list[tuple[str, Dropped]]:
    return sorted(report.dropped.items(), key=lambda item: -item[1].count)
