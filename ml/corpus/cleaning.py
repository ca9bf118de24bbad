"""One text at a time: repaired, freed of lines that many documents share, and judged."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from ml.checks.base import CheckContext
from ml.checks.encoding import Encoding
from ml.checks.language import Language
from ml.corpus.shapes import CorpusSettings, Piece, Report
from ml.hashing import text_sha256

_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufdd0-\ufdef\ufffe\uffff]")
_ENDS = re.compile(r"\r\n?")
_BLANKS = re.compile(r"[ \t\u00a0]+\n")
_GAPS = re.compile(r"\n{3,}")
_LETTER = re.compile(r"[^\W\d_]")
_LEAST_LINE, _LONGEST_LINE = 3, 300
_SHARED_DOCUMENTS, _SHARED_SHARE = 5, 0.1
_LEAST_LETTERS = 0.3
_AROUND = 30

_ENCODING = Encoding()
_LANGUAGE = Language()
_CONTEXT = CheckContext()


def repair(text: str, report: Report) -> str:
    """Line ends and blanks in order, no control characters, and what was read with the wrong encoding put right."""
    if not text.isascii():
        text = _put_right(text, report)  # first: what looks like a control character may be part of a misread one
    text = _UNFIT.sub("", _ENDS.sub("\n", text))
    return _GAPS.sub("\n\n", _BLANKS.sub("\n", text)).strip()


def _put_right(text: str, report: Report) -> str:
    """Replace what the check of encodings knows the meaning of; of each text the first repair is shown."""
    while found := [one for one in _ENCODING.find(text, _CONTEXT) if one.suggestions and one.suggestions[0]]:
        before = text
        for one in sorted(found, key=lambda each: -each.start):
            text = text[: one.start] + one.suggestions[0] + text[one.end :]
        first = min(found, key=lambda each: each.start)
        at = max(0, first.start - _AROUND)
        report.repair(before[at : first.end + _AROUND], text[at : first.start + len(first.suggestions[0]) + _AROUND])
        if len(text) >= len(before):
            break
    return text


def lines_of(text: str) -> Iterator[str]:
    """The lines that could be boilerplate, as they are compared."""
    for line in text.split("\n"):
        bare = line.strip()
        if _LEAST_LINE <= len(bare) <= _LONGEST_LINE:
            yield bare


def shared_lines(pieces: Iterable[Piece]) -> Counter[str]:
    """Lines that stand in at least five documents and in a tenth of them: menus, footers, notices. -> documents.

    Counts digests, so that a large corpus needs little memory; the lines themselves are those of the last look.
    """
    counts: Counter[str] = Counter()
    documents: set[str] = set()
    seen: set[str] = set()
    last = ""
    names: dict[str, str] = {}
    for piece in pieces:
        if piece.document != last:
            last, seen = piece.document, set()
        documents.add(piece.document)
        for line in set(lines_of(piece.text)) - seen:
            seen.add(line)
            digest = text_sha256(line)[:16]
            counts[digest] += 1
            if counts[digest] == _SHARED_DOCUMENTS:
                names[digest] = line
    least = max(_SHARED_DOCUMENTS, _SHARED_SHARE * len(documents))
    return Counter({names[digest]: count for digest, count in counts.items() if count >= least and digest in names})


def without_lines(text: str, unwanted: Counter[str]) -> str:
    """The text without the lines that so many documents share."""
    if not unwanted:
        return text
    kept = [line for line in text.split("\n") if line.strip() not in unwanted]
    return _GAPS.sub("\n\n", "\n".join(kept)).strip()


def judged(piece: Piece, settings: CorpusSettings) -> str:
    """Why a piece is left out, or ""."""
    if len(piece.text) < settings.least:
        return "short"
    if len(_LETTER.findall(piece.text)) < _LEAST_LETTERS * len(piece.text):
        return "noise"
    if settings.language and _LANGUAGE.detect(piece.text, settings.language):
        return "language"
    return ""
