"""Workbooks and datasets come in as files of text do; a look through the file, and the way back."""

import csv
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from core.choices import JobState, WorkState
from core.denied import ApplicationError
from core.models import Job, Project, User, WorkItem
from curation import import_reading
from curation.choices import ImportState, PairState
from curation.fingerprints import Texts
from curation.import_mapping import Mapping
from curation.models import Import, Pair, Task
from curation.services.import_report import import_check
from curation.services.import_undo import import_undo
from curation.services.imports import import_choose, import_start
from curation.services.pairs import pair_revise
from tests.curation.importing.world import Bring
from tests.reference.shared_data import shared_data
from tests.world import run_jobs

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def sheets(path: Path, **rows: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, cells in rows.items():
        sheet = book.create_sheet(name)
        for row in cells:
            sheet.append(row)
    book.save(path)
    return path.read_bytes()


def lines(*rows: dict[str, Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def alpaca(number: int) -> dict[str, str]:
    return {"instruction": f"What is the number {number} good for?", "input": "", "output": f"For {number} things."}


def test_a_workbook_comes_in_by_the_sheet_that_was_chosen(bring: Bring, tmp_path: Path) -> None:
    content = sheets(
        tmp_path / "a.xlsx", Notes=[["x"], [1]], Pairs=[["question", "answer", "unit"], ["Q", 3, "m"], ["", 4, ""]]
    )
    batch = bring(content, "a.xlsx", start=False)
    found = (batch.tables, batch.table, batch.mapping["form"])
    assert found == (["Notes", "Pairs"], "Pairs", "question"), "the first that looks like pairs"
    import_choose(batch=batch, table="Notes")
    assert (batch.table, batch.mapping["form"]) == ("Notes", "columns")
    with pytest.raises(ApplicationError, match="no part called"):
        import_choose(batch=batch, table="None such")
    done = bring(content, "a.xlsx", table="Pairs")
    assert (done.mapping["form"], done.accepted, done.refused) == ("question", 1, 1)
    pair = Pair.objects.get()
    assert pair.current is not None
    assert (pair.current.instruction, pair.current.response, pair.metadata) == ("Q", "3", {"unit": "m"})
    assert [problem.row for problem in done.problems.all()] == [3]


def test_sheets_that_cannot_be_read_are_no_reason_against_the_others(bring: Bring, tmp_path: Path) -> None:
    rows = [["question", "answer"], ["Q", "A"]]
    content = sheets(tmp_path / "a.xlsx", Empty=[], Doubled=[["a", "a"], [1, 2]], Pairs=rows)
    batch = bring(content, "a.xlsx", start=False)
    assert (batch.table, batch.mapping["form"]) == ("Pairs", "question")
    with pytest.raises(ApplicationError, match="Two columns are called “a”"):
        import_choose(batch=batch, table="Doubled")
    with pytest.raises(ApplicationError, match="Two columns are called “a”"):
        bring(sheets(tmp_path / "b.xlsx", One=[["a", "a"]], Two=[["b", "b"]]), "b.xlsx")


def test_nobody_waits_without_end_for_the_first_rows(
    bring: Bring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr("curation.import_tables.LOOK_SECONDS", 0.01)
    with pytest.raises(ApplicationError, match="the beginning of this file was not read yet"):
        bring(sheets(tmp_path / "a.xlsx", Pairs=[["question", "answer"], ["Q", "A"]]), "a.xlsx")
    assert not Import.objects.exists()
    assert not list(Path(settings.UPLOADS).iterdir())


def test_parquet_and_a_saved_dataset_come_in_with_all_their_splits(bring: Bring, tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([alpaca(1), alpaca(2)]), tmp_path / "a.parquet")
    assert bring((tmp_path / "a.parquet").read_bytes(), "a.parquet").accepted == 2
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "a.parquet", "data/train.parquet")
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist([alpaca(3)]), tmp_path / "b.parquet")
        archive.write(tmp_path / "b.parquet", "data/test.parquet")
    batch = bring((tmp_path / "a.zip").read_bytes(), "a.zip", table="*")
    assert (batch.tables, batch.rows, batch.accepted, batch.duplicates) == (["train", "test"], 3, 1, 2)


def test_a_json_file_with_an_object_on_each_line_is_read_as_such(bring: Bring) -> None:
    batch = bring(lines(alpaca(1), alpaca(2)), "rows.json")
    assert (batch.format, batch.accepted) == ("jsonl", 2)


@pytest.mark.parametrize("name", ["pairs.csv", "pairs.jsonl"])
def test_a_text_of_ten_megabytes_is_one_refused_row(bring: Bring, name: str) -> None:
    long = "x" * 10_000_000
    texts = [("first", "one"), (long, "a"), ("b", f"two\n{long[4:]}"), ("last", "four")]
    rows = [json.dumps({"instruction": one, "output": two}) for one, two in texts]
    if name == "pairs.csv":
        rows = ["instruction,output", *(f'{one},"{two}"' for one, two in texts)]
    batch = bring("\n".join(rows).encode(), name)
    assert (batch.rows, batch.accepted, batch.refused) == (4, 2, 2)
    reason, shift = "This text has 10000000 characters; at most 200000 fit.", name == "pairs.csv"
    assert list(batch.problems.order_by("row").values_list("row", "column", "reason")) == [
        (2 + shift, "instruction", reason), (3 + shift, "output", reason),
    ]  # fmt: skip
    assert set(Pair.objects.values_list("current__response", flat=True)) == {"one", "four"}


def test_a_line_longer_than_memory_should_hold_is_one_refused_row(
    bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_reading, "LONGEST_LINE", 2**20)
    rows = [{"instruction": text, "output": "x"} for text in ("one", "x" * 3_000_000, "two")]
    batch = bring("\n".join(map(json.dumps, rows)).encode(), "pairs.jsonl")
    assert (batch.rows, batch.accepted) == (3, 2)
    assert [(row.row, row.reason) for row in batch.problems.all()] == [(2, "This line is longer than 1 MB.")]


@pytest.fixture
def short_cells() -> Iterator[None]:
    before = csv.field_size_limit(1000)
    yield
    csv.field_size_limit(before)


@pytest.mark.usefixtures("short_cells")
def test_after_a_cell_without_end_its_lines_are_not_taken_for_rows(bring: Bring) -> None:
    rows = ["instruction,output", *(f"q{number},a{number}" for number in range(250))]  # more than an upload looks at
    wide = "\n".join([*rows, f"{'x' * 2000},one line", "last,one"])
    batch = bring(wide.encode(), "pairs.csv")
    assert (batch.accepted, batch.refused) == (251, 1), "one line too long is one row"
    lost = "\n".join([*rows, 'fresh,"never closed', *("a line, and more" for _ in range(200))])
    batch = bring(lost.encode(), "pairs.csv")
    job = Job.objects.latest("pk")
    assert (batch.state, job.state, Pair.objects.count()) == (ImportState.FAILED, JobState.FAILED, 251)
    assert "row that begins in line 252 is never closed" in job.error


def test_a_look_through_the_file_reports_duplicates_and_refusals_and_stores_nothing(bring: Bring, owner: User) -> None:
    bring(lines(alpaca(1)), "first.jsonl")
    near = {"instruction": "Whatever is the number 7 good for then, and why would anybody ask?", "output": "x"}
    nearer = {"instruction": "Whatever is the number 7 good for then, and why would anybody ask it?", "output": "y"}
    batch = bring(
        lines(alpaca(1), alpaca(2), alpaca(2), near, nearer, {"instruction": ""}), "second.jsonl", start=False
    )
    import_check(actor=owner, batch=batch, mapping=Mapping.from_json(batch.mapping))
    run_jobs()
    batch.refresh_from_db()
    report = batch.report
    assert batch.state == ImportState.UPLOADED
    assert {name: report[name] for name in ("rows", "ready", "refused", "twice", "known")} == {
        "rows": 6, "ready": 3, "refused": 1, "twice": 1, "known": 1,
    }  # fmt: skip
    assert [5, "row", 4] in report["near"]
    assert report["problems"] == [[6, "instruction", "The instruction is empty."]]
    assert Pair.objects.count() == 1
    import_start(actor=owner, batch=batch, mapping=Mapping.from_json(batch.mapping))
    run_jobs()
    assert Pair.objects.count() == 4


def test_an_import_is_taken_back_as_a_whole_but_not_what_people_made_of_it(bring: Bring, owner: User) -> None:
    content = lines(*map(alpaca, range(5)))
    other = bring(lines(alpaca(9)), "other.jsonl")
    batch = bring(content, "pairs.jsonl")
    kept = Pair.objects.filter(imported_by=batch).latest("pk")
    pair_revise(actor=owner, pair=kept, texts=Texts("What is four?", "A number."), version=1)
    import_undo(actor=owner, batch=batch)
    jobs = run_jobs()
    batch.refresh_from_db()
    assert batch.state == ImportState.UNDONE
    assert jobs[0].result["trashed"] == 4
    assert set(Pair.objects.exclude(state=PairState.TRASHED)) == {kept, *Pair.objects.filter(imported_by=other)}
    assert WorkItem.objects.filter(state=WorkState.OPEN).count() == 2
    again = bring(content, "pairs.jsonl")
    assert (again.accepted, again.duplicates) == (4, 1)
    with pytest.raises(ApplicationError, match="Only an import that is done"):
        import_undo(actor=owner, batch=bring(content, "pairs.jsonl", start=False))


def test_in_the_browser_another_sheet_is_chosen_looked_through_imported_and_taken_back(
    project: Project, task: Task, owner: User, tmp_path: Path, as_user: Callable[[User], Client]
) -> None:
    client = as_user(owner)
    content = sheets(
        tmp_path / "a.xlsx", Old=[["question", "answer"], ["Z", "B"]], Pairs=[["question", "answer"], ["Q <b>", "A"]]
    )
    new = reverse("curation:import-new", args=[project.slug, task.slug])
    page = client.post(new, {"file": SimpleUploadedFile("a.xlsx", content)})["Location"]
    assert "Sheet or split" in client.get(page).content.decode()
    start = f"{page}start/"
    assert client.post(start, {"table": "Pairs"})["Location"] == page
    shown = client.get(page).content.decode()
    assert "Q &lt;b&gt;" in shown
    columns = {"table": "Pairs", "column_instruction": "question", "column_response": "answer", "source": ""}
    chosen = {**columns, "source": "The <old> manual", "approve": "on"}
    assert client.post(start, {**chosen, "check": "1"}).status_code == 302
    assert "looked through" in client.get(page).content.decode()
    run_jobs()
    shown = client.get(page).content.decode()
    assert "What the file would bring" in shown
    assert 'value="The &lt;old&gt; manual"' in shown
    assert re.search(r'<input type="checkbox" name="approve"[^>]* checked', shown), (
        "what was chosen before is still chosen"
    )
    assert client.post(start, columns).status_code == 302
    run_jobs()
    assert "Take this import back" in client.get(page).content.decode()
    client.post(f"{page}undo/")
    run_jobs()
    assert "Taken back" in client.get(page).content.decode()
    assert Pair.objects.get().state == PairState.TRASHED


def test_a_program_chooses_the_sheet_looks_and_takes_back(task: Task, owner: User, tmp_path: Path, api_as: Any) -> None:
    client = api_as(owner)
    content = sheets(
        tmp_path / "a.xlsx", Old=[["question", "answer"], ["Z", "B"]], Pairs=[["question", "answer"], ["Q", "A"]]
    )
    made = client.post(
        "/api/v1/imports/", {"task": task.pk, "file": SimpleUploadedFile("a.xlsx", content)}, format="multipart"
    )
    assert made.json()["tables"] == ["Old", "Pairs"]
    address = f"/api/v1/imports/{made.json()['id']}/"
    assert client.post(f"{address}check/", {"table": "Pairs"}).status_code == 202
    run_jobs()
    assert client.get(address).json()["report"]["ready"] == 1
    assert client.post(f"{address}start/", {}).status_code == 202
    run_jobs()
    assert client.get(address).json()["accepted"] == 1
    assert client.post(f"{address}undo/").status_code == 202
    run_jobs()
    assert client.get(address).json()["state"] == "undone"


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        *((f"zaragoza_construction_faq/faq{part}", 503) for part in (
            ".csv", ".json", ".jsonl", "-alpaca.jsonl", "-sharegpt.jsonl", "-en.csv", "-en.json", "-en.jsonl",
            "-en-alpaca.jsonl", "-en-sharegpt.jsonl")),
        ("self_instruct/seed_tasks.jsonl", 175),
        ("self_instruct/user_oriented_instructions.jsonl", 252),
    ],
)  # fmt: skip
def test_every_form_of_the_real_files_is_recognised_and_comes_in_whole(bring: Bring, name: str, rows: int) -> None:
    path = shared_data(name)
    batch = bring(path.read_bytes(), path.name)
    assert (batch.rows, batch.refused) == (rows, 0)
    assert batch.accepted + batch.duplicates == rows
    assert batch.accepted >= rows - 2
