"""Files of text in every encoding and state: read to the end, or refused with the place before the first row."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core.denied import ApplicationError
from core.models import User
from curation.models import Import, Pair, Task
from curation.services.imports import import_upload
from tests.curation.importing.world import Bring, alpaca, lines, reasons
from tests.reference.shared_data import shared_data

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_broken_line_is_reported_with_its_number_and_the_others_are_taken(bring: Bring) -> None:
    text = lines(*map(alpaca, range(3))) + '{"instruction": "x", \n' + lines(alpaca(9), ["no", "object"])
    batch = bring(text)
    assert (batch.rows, batch.accepted, batch.refused) == (6, 4, 2)
    (first, _, syntax), second = reasons(batch)
    assert (first, syntax[:31]) == (4, "This line is not valid JSON: Ex")
    assert "at character" in syntax
    assert second == (6, "", "This line is not a JSON object with named fields.")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("sm\u00f6rg\u00e5s,".encode() * 30 + b"\nsm\xf6rg\xe5s,broken\n", "not UTF-8: byte 304 in line 2"),
        (b"instruction,output\na,b\xc3", "not UTF-8: byte 23 in line 2"),
        (b"\xff\xfea\x00,\x00\x00\xd8\x00\xd8", "not UTF-16"),
        (b"instruction,output\n\x00\x01\x02\x81\xff", "not UTF-8: byte 23"),
    ],
)
def test_a_file_in_no_encoding_is_refused_with_the_place_before_its_first_row(
    task: Task, owner: User, uploads: Path, content: bytes, reason: str
) -> None:
    with pytest.raises(ApplicationError, match=reason):
        import_upload(actor=owner, task=task, upload=SimpleUploadedFile("pairs.csv", content))
    assert not Import.objects.exists()
    assert not list(uploads.iterdir())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.csv"])
def test_the_encoding_is_told_from_the_bytes(bring: Bring, encoding: str, name: str) -> None:
    rows = {"pairs.csv": "instruction;output\r\nVad är ”smörgås”?;Bröd – med pålägg.\r\n"}
    rows["pairs.jsonl"] = json.dumps(
        {"instruction": "Vad är ”smörgås”?", "output": "Bröd – med pålägg."}, ensure_ascii=False
    )
    batch = bring(rows[name].encode(encoding), name)
    assert (batch.encoding, batch.accepted) == (encoding.removesuffix("-sig"), 1)
    current = Pair.objects.get().current
    assert (current.instruction, current.response) == ("Vad är ”smörgås”?", "Bröd – med pålägg.")


@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.csv", "pairs.tsv", "pairs.json"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(bring: Bring, name: str) -> None:
    content = {
        "pairs.jsonl": lines(alpaca(1)),
        "pairs.csv": "instruction,output\nWhat is 1?,It is 1.\n",
        "pairs.tsv": 'instruction\toutput\nWhat is 1?\t"1" is it.\n',
        "pairs.json": json.dumps({"version": "1", "rows": [alpaca(1)]}),
    }[name]
    batch = bring(b"\xef\xbb\xbf" + content.encode(), name)
    assert batch.accepted == 1
    assert Pair.objects.get().current.instruction == "What is 1?"


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "pairs.jsonl", "The file is empty"),
        (b"\n\n  \n", "pairs.jsonl", "holds no rows"),
        (b"instruction,output\n", "pairs.csv", "holds no rows"),
        (b"[]", "pairs.json", "holds no rows"),
        (b"{}", "pairs.json", "holds no list"),
        (b"[1, 2]", "pairs.json", "None of the first 2 rows can be read"),
        (b"[{}]", "pairs.json", "The only row cannot be read. Row 1: It names no columns."),
        (b"[1, 2", "pairs.json", "not valid JSON"),
        (b'[{"a": "b', "pairs.json", "Unterminated string starting in line 1"),
        (b'{"a": "b\n', "pairs.jsonl", "Unterminated string starting at character 7"),
        (b"[" * 100_000, "pairs.json", "nests its lists too deeply"),
        (b"{\n" * 3, "pairs.jsonl", "None of the first 3 rows can be read. Row 1: This line is not valid JSON"),
        (b"a,a\n1,2\n", "pairs.csv", "Two columns are called"),
        (b'a,b\n1,2\n3,"4\n5,6\n', "pairs.csv", "row that begins in line 3 is never closed"),
        (b"x", "pairs.doc", "not a file of pairs"),
        (b"x", "pairs.xlsx", "damaged"),
        (b"x", "pairs.parquet", "not a Parquet file"),
        (b"x", "pairs.zip", "damaged"),
        (b"", "pairs.xlsx", "The file is empty"),
        (b"x", "pairs.PDF", "“pairs.PDF” is a document, no file of pairs: bring it under Documents"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_and_leaves_nothing(
    task: Task, owner: User, uploads: Path, content: bytes, name: str, sentence: str
) -> None:
    with pytest.raises(ApplicationError, match=sentence):
        import_upload(actor=owner, task=task, upload=SimpleUploadedFile(name, content))
    assert not Import.objects.exists()
    assert not list(uploads.iterdir())


def test_a_file_over_the_limit_is_refused_while_it_arrives(
    task: Task, owner: User, uploads: Path, settings: Any
) -> None:
    settings.UPLOAD_LIMIT_BYTES = 1000
    with pytest.raises(ApplicationError, match="larger than"):
        import_upload(actor=owner, task=task, upload=SimpleUploadedFile("pairs.jsonl", b"x" * 5000))
    assert not list(uploads.iterdir())


def test_rows_of_csv_keep_their_line_ends_and_a_lost_quotation_mark_is_found(bring: Bring) -> None:
    text = 'instruction;output\n"two\nlines";"say ""yes"""\nplain;text;more\n"broken"x;y\nlast;one\n'
    batch = bring(text, "pairs.csv")
    assert [(row, reason[:25]) for row, _, reason in reasons(batch)] == [
        (3, "Cells in this row: 3; col"), (4, "This row is not valid CSV"),
    ]  # fmt: skip
    current = Pair.objects.order_by("pk")[0].current
    assert (current.instruction, current.response) == ("two\nlines", 'say "yes"')
    assert batch.accepted == 2


@pytest.mark.slow
def test_every_hostile_string_is_accepted_or_reported(bring: Bring) -> None:
    strings = json.loads(shared_data("naughty_strings/blns.json").read_text("utf-8"))
    assert len(strings) == 515
    batch = bring(lines(*({"instruction": f"{number}: {text}", "output": text} for number, text in enumerate(strings))))
    assert batch.rows == 515
    assert batch.accepted + batch.refused == 515
    stored = {pair.current.instruction: pair.current.response for pair in Pair.objects.select_related("current")}
    refused = {problem.row for problem in batch.problems.all()}
    for number, text in enumerate(strings):
        if number + 1 not in refused:
            assert stored[f"{number}: {text}"] == text
    assert not Pair.objects.filter(found=None).exists()
