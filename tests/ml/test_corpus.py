"""A corpus: what is read, repaired, dropped and why; how it is parted; and that a build that is cut off goes on."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from ml.corpus.building import build_corpus, parted
from ml.corpus.cleaning import repair
from ml.corpus.reading import cut, read_pieces
from ml.corpus.shapes import PIECE, CorpusError, CorpusSettings, Piece, Report
from ml.rundir import RunDir
from tests.ml.runs import finish, kill, start
from tests.reference.shared_data import shared_data

WORDS = (
    "roof", "wall", "floor", "window", "door", "order", "deliver", "measure", "cut", "board", "plank", "nail", "gravel",
    "mortar", "lintel", "sill", "joist",
)  # fmt: skip


def told(done: int, total: int, message: str) -> None:
    """Nobody listens."""


def prose(number: int, sentences: int = 6) -> str:
    """Different text for every number."""
    pairs = ((WORDS[(number * 7 + n) % 17], WORDS[(number + n * 5) % 17], number * n) for n in range(sentences))
    return " ".join(f"The {one} of house {number} stands by the {other} {count}." for one, other, count in pairs)


def folder_of(path: Path, files: dict[str, str | bytes], **settings: Any) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    listed = []
    for number, (name, text) in enumerate(files.items()):
        place = path / f"source-{number}"
        place.write_bytes(text if isinstance(text, bytes) else text.encode())
        listed.append({"path": str(place), "name": name})
    (path / "corpus.json").write_text(json.dumps({"files": listed, "settings": settings}))
    return path


def texts_in(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / "texts.jsonl").read_text(encoding="utf-8").splitlines()]


def test_every_reason_to_leave_a_text_out_is_told_with_samples(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {f"{n}.txt": prose(n) for n in range(8)}
    files |= {
        "short.txt": "Too short.",
        "copy.txt": prose(3).upper(),
        "near.txt": prose(4, 20).replace("house 4 stands by the wall", "house 4 is at the wall", 1),
        "original.txt": prose(4, 20),
        "numbers.txt": "1 2 3 4 5 6 7 8 9 | 10 11 12 | 13 14 15 ; 16 17 18 -- 19 20",
        "svenska.txt": "Det är en bra dag för att bygga ett hus, och det är inte så svårt som man kan tro, sade han.",
        "empty.txt": "",
        "notes.xyz": "unknown",
    }
    report = build_corpus(folder_of(tmp_path / "c", files, language="en"), told)
    dropped = {reason: found["count"] for reason, found in report["dropped"].items()}
    assert dropped == {"short": 1, "repeated": 1, "similar": 1, "noise": 1, "language": 1}
    assert report["dropped"]["repeated"]["samples"][0]["like"] == "3.txt#0"
    assert report["documents"] == 14
    assert report["problem_count"] == 2
    assert report["problems"][0]["sentence"] == "empty.txt: The file is empty."
    assert "none of the kinds" in report["problems"][1]["sentence"]
    assert report["texts"] == {"train": 8, "heldout": 1}
    assert {row["part"] for row in texts_in(tmp_path / "c")} == {"train", "heldout"}
    assert report["sha256"] == build_corpus(folder_of(tmp_path / "again", files, language="en"), told)["sha256"]


def test_lines_that_documents_share_are_taken_out_of_each(tmp_path: Path) -> None:
    files = {f"{n}.md": f"Home | About | Contact\n\n{prose(n)}\n\n© The company" for n in range(12)}
    report = build_corpus(folder_of(tmp_path / "c", {**files, "menu.md": "Home | About | Contact"}), told)
    assert dict(report["boilerplate"]) == {"Home | About | Contact": 13, "© The company": 12}
    assert all("About" not in row["text"] and "©" not in row["text"] for row in texts_in(tmp_path / "c"))
    assert report["dropped"]["boilerplate"]["count"] == 1


def test_text_that_was_read_with_the_wrong_encoding_is_put_right(tmp_path: Path) -> None:
    report = Report()
    assert repair("The cafÃ© was â€œopenâ€\x9d.\r\nA\x00 line\x07 \t\r\n\n\n\nMore", report) == (
        "The café was “open”.\nA line\n\nMore"
    )
    assert report.repaired == 1
    assert [("Ã©" in text, "é" in text) for text in report.repairs[0]] == [(True, False), (False, True)]
    assert repair("Ångström, naïve, 屋根, مرحبا", report) == "Ångström, naïve, 屋根, مرحبا"
    assert report.repaired == 1


def test_jsonl_and_parquet_give_a_text_a_row_and_say_which_row_has_none(tmp_path: Path) -> None:
    rows = [{"text": prose(1), "id": "first"}, {"txt": "no"}, {"text": 5}]
    lines = "\n".join([*map(json.dumps, rows), "{broken", json.dumps(prose(2))])
    table = pyarrow.table({"text": [prose(3), None], "n": [1, 2]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    (tmp_path / "a.jsonl").write_text(lines)
    found = list(read_pieces(tmp_path / "a.jsonl", "a.jsonl", "text"))
    assert [one.id for one in found if isinstance(one, Piece)] == ["a.jsonl:1 first#0", "a.jsonl:5#0"]
    assert [str(one) for one in found if isinstance(one, CorpusError)] == [
        f"a.jsonl, line {number}: There is no text in “text”." for number in (2, 3, 4)
    ]
    found = list(read_pieces(tmp_path / "a.parquet", "a.parquet", "text"))
    assert [one.id if isinstance(one, Piece) else str(one) for one in found] == [
        "a.parquet:1#0",
        "a.parquet, row 2: There is no text in “text”.",
    ]
    (missing,) = read_pieces(tmp_path / "a.parquet", "a.parquet", "body")
    assert "no column “body”; it has text, n" in str(missing)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 nothing")
    (broken,) = read_pieces(tmp_path / "broken.parquet", "broken.parquet", "text")
    assert isinstance(broken, CorpusError)


def test_long_texts_are_cut_between_paragraphs_and_lose_nothing(tmp_path: Path) -> None:
    text = "\n\n".join(prose(n, 12) for n in range(200))
    assert "".join(cut(text)) == text
    assert max(map(len, cut(text))) <= PIECE
    assert [len(piece) for piece in cut("x" * (2 * PIECE + 1))] == [PIECE, PIECE, 1]
    (tmp_path / "long.txt").write_text(text)
    found = [one for one in read_pieces(tmp_path / "long.txt", "long.txt", "text") if isinstance(one, Piece)]
    assert [one.number for one in found] == list(range(len(found)))
    assert "\n\n".join(one.text for one in found) == text


def test_documents_stay_whole_when_there_are_many() -> None:
    pieces = [Piece(f"d{n // 3}", n % 3, prose(n)) for n in range(150)]
    parts, by = parted(pieces, CorpusSettings(share=0.2))
    assert by == "document"
    by_document = {name: {part for piece, part in zip(pieces, parts, strict=True) if piece.document == name}
                   for name in {piece.document for piece in pieces}}  # fmt: skip
    assert all(len(found) == 1 for found in by_document.values())
    held = sum(len(piece.text) for piece, part in zip(pieces, parts, strict=True) if part == "heldout")
    assert 0.17 < held / sum(len(piece.text) for piece in pieces) < 0.23
    other, _by = parted(pieces, CorpusSettings(share=0.2, seed=1))
    assert other != parts


@pytest.mark.parametrize("count", [2, 3, 19])
def test_few_documents_are_parted_by_their_last_pieces(count: int) -> None:
    parts, by = parted([Piece(f"d{n}", 0, prose(n)) for n in range(count)], CorpusSettings())
    assert by == "piece"
    assert parts[0] == "train"
    assert parts[-1] == "heldout"
    assert parts == sorted(parts, reverse=True)


def test_nothing_left_is_said_with_the_reasons(tmp_path: Path) -> None:
    said = r"left out: 2\. Too short to learn from\. Texts left out: 1\. Hardly any letters"
    with pytest.raises(CorpusError, match=said):
        build_corpus(folder_of(tmp_path / "a", {"a.txt": "a", "b.txt": "b", "c.txt": "12 34 56 " * 9}), told)
    with pytest.raises(CorpusError, match=r"No text could be read\. a\.txt: The file is empty"):
        build_corpus(folder_of(tmp_path / "b", {"a.txt": ""}), told)
    with pytest.raises(CorpusError, match="share must lie between"):
        CorpusSettings(share=0.9)


@pytest.mark.faults
@pytest.mark.slow
def test_a_killed_build_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        f"{n}.txt": "\n\n".join(prose(n * 100 + m, 9) for m in range(40)) for n in range(60)
    }
    whole = build_corpus(folder_of(tmp_path / "whole", files), told)
    run = RunDir(folder_of(tmp_path / "run", files))
    process = start("corpus", run, 1)
    deadline = time.monotonic() + 60
    while not (run.path / "raw.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    kill(process)
    assert process.returncode == -signal.SIGKILL
    assert run.read_done() is None
    for path in run.path.glob("source-*"):
        path.unlink()  # what was read is not read again
    assert finish(start("corpus", run, 2)) == 0
    done = run.read_done()
    assert done is not None
    assert done["sha256"] == whole["sha256"]
    assert done["dropped"] == whole["dropped"]


@pytest.mark.slow
def test_a_real_handbook(tmp_path: Path) -> None:
    pages = sorted((shared_data("handbook_18f") / "pages").rglob("*.md"))
    files: dict[str, str | bytes] = {str(path.name) + str(n) + ".md": path.read_bytes() for n, path in enumerate(pages)}
    report = build_corpus(folder_of(tmp_path / "c", files, language="en"), told)
    assert report["documents"] > 240
    assert report["parted_by"] == "document"
    assert sum(report["texts"].values()) > 200
    assert 0.05 < report["bytes"]["heldout"] / sum(report["bytes"].values()) < 0.15
