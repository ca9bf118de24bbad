"""A version leaves the house in every form, safe, the same each time, and comes back in equal."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import datasets
import openpyxl
import pyarrow.parquet
import pytest
import yaml
from django.test import Client
from django.urls import reverse
from huggingface_hub import DatasetCard

from core.denied import ApplicationError
from core.models import Project, User
from curation.choices import Part
from curation.import_reading import csv_header, with_formula
from curation.models import DatasetVersion, Export, Pair, Revision, Task, VersionPair
from curation.selectors.cards import dataset_card
from curation.selectors.export_files import STREAMED, csv_lines, refuse_long_cells, unformula
from curation.selectors.exports import FORMATS, version_lines, version_parts
from curation.selectors.preferences import preference_examples
from curation.services.exports import export_pack, export_path, exports_forget
from curation.services.tasks import task_create
from tests.curation.exporting.world import bring, freeze, read_back, said_by, written
from tests.world import run_jobs

pytestmark = pytest.mark.django_db(transaction=True)
HOSTILE = '=HYPERLINK("https://example.org")'
NAMES = ("instruction", "input", "response", "rejected", "topic", "language", "system")
ROWS: list[dict[str, Any]] = [
    {"instruction": "Hur högt\nfår ett plank vara?", "output": "Högst 1,1 m. “Utan” lov 😀", "topic": "plank | lov"},
    {"instruction": HOSTILE, "output": "\x01control _x0041_ & <b>", "rejected": "@worse"},
    {"instruction": "A short one.", "input": "Given text.", "output": "- an answer,\twith tab"},
]


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Answer questions", system_prompt="You advise builders.")


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.fixture
def version(task: Task, owner: User) -> DatasetVersion:
    bring(task, owner, lines(ROWS), "rows.jsonl")
    return freeze(task, owner)


def sheet(content: bytes) -> list[list[Any]]:
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    return [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]


def test_every_shape_in_every_kind_of_file_is_the_same_bytes_twice(version: DatasetVersion) -> None:
    for shape in FORMATS:
        for kind in STREAMED:
            assert written(version, shape, kind) == written(version, shape, kind)


def test_the_shapes_hold_what_programs_expect(version: DatasetVersion) -> None:
    rows = {shape: [json.loads(line) for line in version_lines(version, shape)] for shape in FORMATS}
    system = {"from": "system", "value": "You advise builders."}
    assert rows["sharegpt"][2]["conversations"] == [
        system,
        {"from": "human", "value": "A short one.\n\nGiven text."},
        {"from": "gpt", "value": "- an answer,\twith tab"},
    ]
    assert rows["completion"][0]["prompt"] == "system: You advise builders.\n\nuser: Hur högt\nfår ett plank vara?"
    assert [row["rejected"] for row in rows["preference"]] == ["@worse"]
    assert rows["preference"][0]["chosen"] == "\x01control _x0041_ & <b>"
    [taught] = preference_examples(version)
    assert (taught["source"], taught["chosen"], taught["rejected"]) == ("imported", taught["response"], "@worse")
    assert rows["apprentice"][0]["topic"] == "plank | lov"


def test_the_name_of_a_column_runs_nothing_either_and_is_read_as_it_was() -> None:
    text = b"".join(csv_lines(["=sum(1)", "plain"], [["a", "b"]])).decode("utf-8-sig")
    assert text.splitlines() == ["'=sum(1),plain", "a,b"]
    assert csv_header(csv.reader(io.StringIO(text, newline=""))) == ["=sum(1)", "plain"]


def test_csv_runs_nothing_in_a_spreadsheet_and_keeps_line_ends(version: DatasetVersion) -> None:
    text = written(version, "alpaca", "csv").decode("utf-8-sig")
    header, first, second, third = csv.reader(io.StringIO(text, newline=""))
    assert header == ["instruction", "input", "output", "system", "history"]
    assert first[:3] == ["Hur högt\nfår ett plank vara?", "", "Högst 1,1 m. “Utan” lov 😀"]
    assert (second[0], third[2]) == ("'" + HOSTILE, "'- an answer,\twith tab")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "'=1+1", "''=1", "'\tx"])
def test_what_a_cell_would_run_is_marked_once_more_and_read_back_as_it_was(text: str) -> None:
    assert unformula(text) == f"'{text}"
    assert with_formula(unformula(text)) == text
    assert with_formula(unformula(f"a{text}")) == f"a{text}"


def test_a_workbook_holds_texts_alone_and_every_character(version: DatasetVersion) -> None:
    content = written(version, "apprentice", "xlsx")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
    header, first, second, _third = sheet(content)
    assert header[:4] == ["id", "part", "system", "instruction"]
    assert first[3] == "Hur högt\nfår ett plank vara?"
    assert second[3] == HOSTILE


def test_a_text_that_no_cell_holds_is_refused_before_anything_is_sent(
    version: DatasetVersion, owner: User, as_user: Any
) -> None:
    refuse_long_cells(version, "apprentice")
    rows = VersionPair.objects.filter(version=version).select_related("revision").order_by("ordinal")
    first = rows[0]
    Revision.objects.filter(pk=first.revision_id).update(response="x" * 40_000)
    named = f"cell, which holds 32767 characters: #{first.revision.pair_id}. Shorten it, or take CSV or JSON lines"
    with pytest.raises(ApplicationError, match=named):
        refuse_long_cells(version, "apprentice")
    other = next(part for part in Part.values if part != first.part)
    refuse_long_cells(version, "apprentice", [other])
    address = reverse("curation:version-export", args=[version.task.project.slug, version.pk])
    answer = as_user(owner).get(f"{address}?kind=xlsx", follow=True)
    assert "cell, which holds 32767 characters" in answer.content.decode()


def test_a_conversation_that_fits_no_cell_only_as_a_whole_is_refused_only_where_it_stands_in_one(
    version: DatasetVersion,
) -> None:
    """Earlier turns are one cell of JSON, in which each quotation mark takes two characters."""
    row = VersionPair.objects.filter(version=version).select_related("revision").order_by("ordinal")[1]
    turns = [{"role": "user", "content": '"' * 9_000}, {"role": "assistant", "content": '"' * 8_000}]
    Revision.objects.filter(pk=row.revision_id).update(turns=turns, rejected="No.")
    for shape in ("apprentice", "messages", "sharegpt", "alpaca"):
        with pytest.raises(ApplicationError, match=f"#{row.revision.pair_id}\\. Shorten it"):
            refuse_long_cells(version, shape)
    for shape in ("completion", "preference"):  # one text, in which the marks take one character each
        refuse_long_cells(version, shape)


def test_more_rows_than_a_sheet_holds_go_to_further_sheets(
    monkeypatch: pytest.MonkeyPatch, version: DatasetVersion
) -> None:
    monkeypatch.setattr("curation.selectors.spreadsheets.MOST_ROWS", 2)
    book = openpyxl.load_workbook(io.BytesIO(written(version, "completion", "xlsx")), read_only=True)
    assert [len(list(each.iter_rows())) for each in book.worksheets] == [3, 2]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["jsonl", "csv", "xlsx"])
def test_what_went_out_comes_back_in_equal(version: DatasetVersion, owner: User, project: Project, kind: str) -> None:
    other = task_create(actor=owner, project=project, name="Again")
    content = written(version, "apprentice", kind)
    bring(other, owner, content, f"rows.{kind}")
    # Compared as pairs: a freeze of the second task could leave out what gives the first one's test items away.
    names = [f"current__{name}" for name in NAMES]
    texts = [list(Pair.objects.filter(task=each).order_by("pk").values_list(*names)) for each in (version.task, other)]
    assert [row[:-1] for row in texts[0]] == [row[:-1] for row in texts[1]]
    assert {row[-1] for row in texts[1]} == {"You advise builders."}


@pytest.mark.slow
def test_conversations_come_back_from_cells_as_from_lines(task: Task, owner: User, folders: Path) -> None:
    said = [["Högt?", "Högst 1,1 m."], ["[1]", "=1+1"]]
    rows = [
        {"instruction": "And now?", "input": "", "output": "[]", "history": said},
        {"instruction": "Alone.", "input": "Given.", "output": "Yes.", "history": []},
    ]
    bring(task, owner, lines(rows), "rows.jsonl")
    first, second = Revision.objects.order_by("pk")
    assert [turn["content"] for turn in first.turns] == ["Högt?", "Högst 1,1 m.", "[1]", "=1+1"]
    assert [turn["role"] for turn in first.turns] == ["user", "assistant"] * 2
    assert second.turns == []
    version = freeze(task, owner)
    expected = said_by(version)
    assert len(expected) == 2
    asked = list(product(("apprentice", "messages", "sharegpt", "alpaca"), ("jsonl", "csv")))
    for shape, kind in [*asked, ("sharegpt", "xlsx")]:
        assert read_back(written(version, shape, kind), f"{shape}.{kind}", folders) == expected, (shape, kind)


def test_preferences_are_not_packed_where_there_are_none(task: Task, owner: User) -> None:
    bring(task, owner, lines(ROWS[2:]), "rows.jsonl")
    version = freeze(task, owner)
    with pytest.raises(ApplicationError, match="no worse answer, no corrected draft"):
        export_pack(actor=owner, version=version, shape="preference", kind="parquet")
    assert not Export.objects.exists()


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["apprentice", "alpaca", "preference"])
def test_a_hub_finds_every_part_by_the_card_and_looks_for_no_other(
    task: Task, owner: User, folders: Path, shape: str
) -> None:
    words = ("fence", "gate", "wall", "roof", "drain", "stairs", "hedge", "crane", "porch", "attic")
    rows = [
        {"instruction": f"How much is the {one} of a {two}?", "output": f"{one} {two}"}
        for one in words
        for two in words
    ]
    rows[0]["rejected"] = "Nothing."
    bring(task, owner, lines(rows), "rows.jsonl")
    version = freeze(task, owner)
    assert set(version.counts["parts"]) == {"train", "develop", "test"}
    expected: dict[str, int] = {}
    for _pair, part, _row in version_parts(version, shape):
        expected[part] = expected.get(part, 0) + 1
    for kind in ("parquet", "datasets"):
        export = export_pack(actor=owner, version=version, shape=shape, kind=kind)
        run_jobs()
        zipfile.ZipFile(export_path(export)).extractall(folders / kind)
        hub = datasets.load_dataset(str(folders / kind), cache_dir=str(folders / "cache" / kind))
        assert {part: len(found) for part, found in hub.items()} == expected, kind
        known = {name: found.features for name, found in hub.items()}
        card = DatasetCard.load(folders / kind / "README.md")
        assert (card.data.license, card.data.language, card.data.size_categories) == ("other", ["en"], ["n<1K"])
        assert ("Preferences about these pairs" in card.text) == (shape == "preference")
    (folders / "jsonl/data").mkdir(parents=True)
    (folders / "jsonl/README.md").write_text(dataset_card(version, shape, "jsonl"))
    for part in expected:
        (folders / f"jsonl/data/{part}.jsonl").write_bytes(b"".join(version_lines(version, shape, [part])))
    read = datasets.load_dataset(str(folders / "jsonl"), cache_dir=str(folders / "cache" / "jsonl"))
    assert {part: found.features for part, found in read.items()} == known


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["apprentice", "sharegpt", "alpaca"])
def test_a_packed_version_opens_in_the_programs_it_is_for(
    version: DatasetVersion, owner: User, folders: Path, shape: str
) -> None:
    rows = [json.loads(line) for line in version_lines(version, shape)]
    made = {kind: export_pack(actor=owner, version=version, shape=shape, kind=kind) for kind in ("parquet", "datasets")}
    run_jobs()
    for export in made.values():
        export.refresh_from_db()
        assert export.size == export_path(export).stat().st_size > 0
    hub, saved = folders / "hub", folders / "saved"
    zipfile.ZipFile(export_path(made["parquet"])).extractall(hub)
    zipfile.ZipFile(export_path(made["datasets"])).extractall(saved)
    parquet = [row for file in sorted((hub / "data").iterdir()) for row in pyarrow.parquet.read_table(file).to_pylist()]
    loaded = datasets.load_from_disk(str(saved))
    assert isinstance(loaded, datasets.DatasetDict)
    kept = [row for split in sorted(loaded) for row in loaded[split]]
    full = [{name: row.get(name, "" if name != "history" else []) for name in parquet[0]} for row in rows]
    key = json.dumps
    assert sorted(map(key, parquet)) == sorted(map(key, kept)) == sorted(map(key, full))
    card = (hub / "README.md").read_text()
    header = yaml.safe_load(card.split("---\n")[1])
    assert {part["path"] for part in header["configs"][0]["data_files"]} == {
        str(file.relative_to(hub)) for file in (hub / "data").iterdir()
    }


@pytest.mark.slow
def test_packing_twice_gives_the_same_bytes_and_a_lost_file_is_packed_again(
    version: DatasetVersion, owner: User
) -> None:
    export = export_pack(actor=owner, version=version, shape="messages", kind="datasets")
    assert export_pack(actor=owner, version=version, shape="messages", kind="datasets").pk == export.pk
    run_jobs()
    export.refresh_from_db()
    first = export.sha256
    assert export_pack(actor=owner, version=version, shape="messages", kind="datasets").sha256 == first
    export_path(export).unlink()
    assert export_pack(actor=owner, version=version, shape="messages", kind="datasets").sha256 == ""
    run_jobs()
    export.refresh_from_db()
    assert export.sha256 == first
    assert exports_forget(version=version) == 1
    assert not export_path(export).exists()
    assert not Export.objects.exists()


def test_the_card_tells_where_the_pairs_come_from_and_no_text_breaks_it(version: DatasetVersion) -> None:
    version.task.description = "---\nlicense: mine\n---\n# Not a heading"
    card = dataset_card(version, "messages")
    header = yaml.safe_load(card.split("---\n")[1])
    assert (header["license"], header["language"], header["size_categories"]) == ("other", ["en"], ["n<1K"])
    assert "3 of 3 were written by people or taken from their documents; 3 were not reviewed" in card
    assert "| plank \\| lov | 1 |" in card
    version.counts["topic"] = {"a": 1, "bb": 3}
    assert "| bb | 3 |\n| a | 1 |" in dataset_card(version, "messages"), "the largest first"
    version.refresh_from_db(fields=["counts"])
    assert version.sha256 in card
    assert card == dataset_card(version, "messages")
    assert [line for line in card.split("\n") if line.startswith("# ")] == ["# Answer questions v1"]


@pytest.mark.slow
def test_in_the_browser_a_version_is_taken_and_packed(
    version: DatasetVersion, viewer: User, as_user: Callable[[User], Client]
) -> None:
    client, slug = as_user(viewer), version.task.project.slug
    page = client.get(reverse("curation:version-exports", args=[slug, version.pk])).content.decode()
    assert "ShareGPT" in page
    taken = client.get(reverse("curation:version-export", args=[slug, version.pk]) + "?shape=alpaca&kind=csv")
    assert taken["Content-Disposition"] == 'attachment; filename="answer-questions-v1-alpaca.csv"'
    assert b"".join(taken.streaming_content) == written(version, "alpaca", "csv")
    assert client.get(reverse("curation:version-export", args=[slug, version.pk]) + "?kind=exe").status_code == 404
    packed = client.post(
        reverse("curation:version-pack", args=[slug, version.pk]), {"shape": "messages", "kind": "parquet"}
    )["Location"]
    assert "being packed" in client.get(packed).content.decode()
    run_jobs()
    assert "Take it" in client.get(packed).content.decode()
    assert b"".join(client.get(f"{packed}file/").streaming_content)[:2] == b"PK"
    card = client.get(reverse("curation:version-card", args=[slug, version.pk]))
    assert card.content.startswith(b"---\npretty_name")


@pytest.mark.slow
def test_a_program_takes_and_packs_it_too(version: DatasetVersion, viewer: User, api_as: Any) -> None:
    client = api_as(viewer)
    taken = client.get(f"/api/v1/exports/?version={version.pk}&shape=sharegpt&kind=jsonl&part=train")
    assert all(json.loads(line)["part"] == "train" for line in b"".join(taken.streaming_content).splitlines())
    made = client.post("/api/v1/exports/", {"version": version.pk, "shape": "messages", "kind": "datasets"})
    assert made.status_code == 202
    run_jobs()
    told = client.get(f"/api/v1/exports/{made.json()['id']}/").json()
    assert len(told["sha256"]) == 64
    assert len(b"".join(client.get(f"/api/v1/exports/{told['id']}/file/").streaming_content)) == told["size"]


@pytest.mark.slow
def test_other_columns_that_came_in_go_out_again_under_their_names(task: Task, owner: User, folders: Path) -> None:
    rows = [
        {"question": "Who?", "answer": "We.", "ticket": 17, "id": "a-1", "marks": ["x", "=y"]},
        {"question": "When?", "answer": "Now.", "ticket": "18"},
    ]
    bring(task, owner, lines(rows), "rows.jsonl")
    version = freeze(task, owner)
    first, second = (json.loads(line) for line in version_lines(version, "apprentice"))
    assert (first["ticket"], first["metadata_id"], first["marks"]) == (17, "a-1", ["x", "=y"])
    assert second["ticket"] == "18"
    assert "marks" not in second
    assert first["id"] != "a-1"
    for kind in ("csv", "xlsx"):
        content = written(version, "apprentice", kind)
        text = content.decode("utf-8-sig") if kind == "csv" else ""
        table = list(csv.reader(io.StringIO(text, newline=""))) if text else sheet(content)
        assert table[0][-3:] == ["metadata_id", "marks", "ticket"]
        assert [cell or "" for cell in table[1][-3:]] == ["a-1", '["x", "=y"]', "17"]
        assert [cell or "" for cell in table[2][-3:]] == ["", "", "18"]
    export = export_pack(actor=owner, version=version, shape="apprentice", kind="parquet")
    run_jobs()
    zipfile.ZipFile(export_path(export)).extractall(folders / "hub")
    found = [
        row for file in (folders / "hub" / "data").iterdir() for row in pyarrow.parquet.read_table(file).to_pylist()
    ]
    assert sorted((row["ticket"], row["metadata_id"], row["marks"]) for row in found) == [
        ("17", "a-1", '["x", "=y"]'), ("18", "", ""),
    ]  # fmt: skip
    assert "ticket" not in json.loads(next(iter(version_lines(version, "alpaca"))))
