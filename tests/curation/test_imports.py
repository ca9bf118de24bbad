"""Files of every kind: each row is accepted or reported with its number and reason, never half an import."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core.choices import JobState
from core.denied import ApplicationError
from core.jobs import JobContext
from core.models import Job, Project, User
from core.services.jobs import job_stop
from curation.choices import ImportState, Origin, PairState, ReviewBasis
from curation.import_mapping import Mapping
from curation.models import Import, Pair, Review, Task
from curation.services.import_storing import Storing
from curation.services.imports import import_start, import_upload
from curation.services.tasks import task_create
from tests.world import run_jobs

Bring = Callable[..., Import]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def uploads(settings: Any, tmp_path: Path) -> Path:
    settings.UPLOADS = tmp_path
    return tmp_path


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Answer questions")


@pytest.fixture
def bring(task: Task, owner: User) -> Bring:
    """Upload, start with the recognised columns, and do the job."""

    def do(content: bytes | str, name: str = "pairs.jsonl", approve: bool = False) -> Import:
        data = content.encode() if isinstance(content, str) else content
        batch = import_upload(actor=owner, task=task, upload=SimpleUploadedFile(name, data))
        import_start(actor=owner, batch=batch, mapping=Mapping.from_json(batch.mapping), approve=approve)
        run_jobs()
        batch.refresh_from_db()
        return batch

    return do


def lines(*rows: Any) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def alpaca(number: int) -> dict[str, str]:
    return {"instruction": f"What is {number}?", "input": "", "output": f"It is {number}."}


@pytest.mark.slow
def test_rows_wait_for_review_unless_the_import_approves_them(bring: Bring, owner: User) -> None:
    batch = bring(lines(*map(alpaca, range(3))))
    assert (batch.state, batch.rows, batch.accepted, batch.refused) == (ImportState.DONE, 3, 3, 0)
    pairs = Pair.objects.order_by("pk")
    assert [(pair.state, pair.current.instruction, pair.current.origin) for pair in pairs] == [
        (PairState.SUBMITTED, f"What is {number}?", Origin.IMPORTED) for number in range(3)
    ]
    assert not Review.objects.exists()
    approved = bring(lines(*map(alpaca, range(10, 12))), approve=True)
    assert {pair.state for pair in Pair.objects.filter(imported_by=approved)} == {PairState.APPROVED}
    reviews = Review.objects.all()
    assert [(review.basis, review.reviewer) for review in reviews] == [(ReviewBasis.IMPORT, owner)] * 2


def test_the_same_file_twice_adds_nothing(bring: Bring, uploads: Path) -> None:
    text = lines(*map(alpaca, range(5)), alpaca(2))
    first, second = bring(text), bring(text)
    assert (first.accepted, first.duplicates) == (5, 1)
    assert (second.accepted, second.duplicates, second.refused) == (0, 6, 0)
    assert Pair.objects.count() == 5
    assert not list(uploads.iterdir())


def reasons(batch: Import) -> list[tuple[int, str, str]]:
    return [(problem.row, problem.column, problem.reason) for problem in batch.problems.all()]


def test_a_broken_line_is_reported_with_its_number_and_the_others_are_taken(bring: Bring) -> None:
    text = lines(*map(alpaca, range(3))) + '{"instruction": "x", \n' + lines(alpaca(9), ["no", "object"])
    batch = bring(text)
    assert (batch.rows, batch.accepted, batch.refused) == (6, 4, 2)
    (first, _, syntax), second = reasons(batch)
    assert (first, syntax[:31]) == (4, "This line is not valid JSON: Ex")
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
        (b"[" * 100_000, "pairs.json", "cannot be read as JSON"),
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


def test_missing_columns_are_refused_before_the_job(task: Task, owner: User) -> None:
    batch = import_upload(actor=owner, task=task, upload=SimpleUploadedFile("p.csv", b"foo,bar\n1,2\n"))
    with pytest.raises(ApplicationError) as refused:
        import_start(actor=owner, batch=batch, mapping=Mapping.from_json(batch.mapping))
    assert refused.value.field == "instruction"
    unknown = Mapping("columns", {"instruction": "foo", "response": "nix"})
    with pytest.raises(ApplicationError, match="no column “nix”"):
        import_start(actor=owner, batch=batch, mapping=unknown)
    assert not Job.objects.exists()


def test_what_no_pair_can_be_made_of_is_refused_row_by_row(bring: Bring) -> None:
    deep = "[" * 5000 + "]" * 5000
    batch = bring(
        lines(
            alpaca(1),
            {"instruction": "", "output": "x"},
            {"instruction": "x", "output": "  \n "},
            {"instruction": "x\x00", "output": "x"},
            {"instruction": "x", "output": "\ud800"},
            {"instruction": "x" * 10_000_000, "output": "x"},
            {"instruction": {"a": 1}, "output": "x"},
            {"output": "x"},
            {"instruction": "x", "output": "y", "language": "not a language"},
            {"instruction": "x", "output": "y", "note": "\x00"},
            {"instruction": "x", "output": "y", "note": "n" * 30_000},
        )
        + f'{{"instruction": "x", "output": {deep}}}\n{{"instruction": NaN, "output": "x"}}\n'
    )
    assert (batch.rows, batch.accepted, batch.refused) == (13, 1, 12)
    assert [(row, column) for row, column, _ in reasons(batch)] == [
        (2, "instruction"), (3, "output"), (4, "instruction"), (5, "output"), (6, "instruction"), (7, "instruction"),
        (8, "instruction"), (9, "language"), (10, "note"), (11, "note"), (12, ""), (13, ""),
    ]  # fmt: skip
    assert reasons(batch)[4][2] == "This text has 10000000 characters; at most 200000 fit."
    assert reasons(batch)[10][2] == "This line is nested too deeply."
    assert Pair.objects.count() == 1


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
    path = Path(__file__).resolve().parents[3] / "shared/data/naughty_strings/blns.json"
    if not path.exists():
        pytest.skip("the list of hostile strings is not beside the project")
    strings = json.loads(path.read_text("utf-8"))
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


def test_earlier_turns_of_a_column_of_their_own_come_along_or_are_refused(bring: Bring) -> None:
    turns = [{"role": "user", "content": "1"}, {"role": "assistant", "content": "2"}]
    row = {"instruction": "Q?", "response": "A."}
    batch = bring(
        lines(
            {**row, "turns": turns}, {**row, "turns": []}, {**row, "turns": "said"}, {**row, "turns": [["one"]]},
            {**row, "turns": [{"role": "system", "content": "S"}]},
        )
    )  # fmt: skip
    assert (batch.mapping["form"], batch.mapping["turns"], batch.mapping["conversation"]) == ("columns", "turns", "")
    assert [pair.current.turns for pair in Pair.objects.order_by("pk")] == [turns, []]
    assert [(number, column) for number, column, _ in reasons(batch)] == [(3, "turns"), (4, "turns"), (5, "turns")]


def test_a_conversation_and_earlier_turns_are_not_chosen_together(task: Task, owner: User) -> None:
    turns = [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": "A."}]
    upload = SimpleUploadedFile("p.jsonl", lines({"messages": turns, "before": []}).encode())
    batch = import_upload(actor=owner, task=task, upload=upload)
    with pytest.raises(ApplicationError, match="choose either column") as refused:
        import_start(actor=owner, batch=batch, mapping=Mapping("columns", {}, "messages", [], "before"))
    assert refused.value.field == "turns"
    assert not Job.objects.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "form"),
    [
        ({"conversations": [{"from": "human", "value": "Q?"}, {"from": "gpt", "value": "A."}]}, "sharegpt"),
        ({"messages": [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": "A."}]}, "messages"),
        ({"prompt": "Q?", "completion": "A."}, "completion"),
        ({"Question": "Q?", "Answer": "A."}, "question"),
        ({"q": "Q?", "a": "A."}, "question"),
        ({"instruction": "Q?", "input": "", "output": "A."}, "alpaca"),
        ({"name": "x", "instruction": "Q?", "instances": [{"input": "", "output": "A."}]}, "alpaca"),
        ({"prompt": "Q?", "chosen": "A.", "rejected": "B."}, "preference"),
        (
            {
                "chosen": [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": "A."}],
                "rejected": [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": "B."}],
            },
            "preference",
        ),
        (
            {
                "prompt": [{"role": "user", "content": "Q?"}],
                "chosen": [{"role": "assistant", "content": "A."}],
                "rejected": [{"role": "assistant", "content": "B."}],
            },
            "preference",
        ),
        (
            {
                "prompt": [{"role": "user", "content": "Q?"}],
                "completion": [{"role": "assistant", "content": "A."}],
            },
            "messages",
        ),
    ],
)
def test_the_usual_forms_are_recognised(bring: Bring, row: dict[str, Any], form: str) -> None:
    batch = bring(lines(row))
    assert batch.mapping["form"] == form
    current = Pair.objects.get().current
    assert (current.instruction, current.response, current.turns) == ("Q?", "A.", [])
    assert current.rejected == ("B." if form == "preference" else "")


def test_a_conversation_keeps_its_earlier_turns_and_must_end_with_an_answer(bring: Bring) -> None:
    said = [("system", "S"), ("user", "1"), ("assistant", "2"), ("user", "3"), ("assistant", "4")]
    turns = [{"role": role, "content": content} for role, content in said]
    batch = bring(lines({"messages": turns}, {"messages": turns[:-1]}, {"messages": []}))
    current = Pair.objects.get().current
    assert (current.system, current.instruction, current.response, current.turns) == ("S", "3", "4", turns[1:3])
    assert [row for row, _, _ in reasons(batch)] == [2, 3]


def test_topic_language_source_and_other_columns_come_along(task: Task, owner: User) -> None:
    row = {"q": "Q?", "a": "A.", "category": "permits", "lang": "sv", "sources": ["PBL 9", 2], "id": 7}
    batch = import_upload(actor=owner, task=task, upload=SimpleUploadedFile("p.jsonl", lines(row).encode()))
    import_start(actor=owner, batch=batch, mapping=Mapping.from_json(batch.mapping), source="the handbook")
    run_jobs()
    pair = Pair.objects.get()
    assert (pair.current.topic, pair.current.language, pair.current.source) == ("permits", "sv", "PBL 9, 2")
    assert pair.metadata == {"id": 7}


def test_a_stopped_import_leaves_nothing_and_can_be_started_again(
    task: Task, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curation.services.imports.BATCH", 2)
    monkeypatch.setattr("curation.services.imports.TELL_SECONDS", 0)
    upload = SimpleUploadedFile("p.jsonl", lines(*map(alpaca, range(10))).encode())
    batch = import_upload(actor=owner, task=task, upload=upload)
    mapping = Mapping.from_json(batch.mapping)
    import_start(actor=owner, batch=batch, mapping=mapping)
    seen: list[int] = []

    def progress(self: JobContext, done: int, *_args: object, **_named: object) -> None:
        seen.append(Pair.objects.count())
        job_stop(actor=owner, job=self.job)

    monkeypatch.setattr(JobContext, "progress", progress)
    [job] = run_jobs()
    monkeypatch.undo()
    batch.refresh_from_db()
    assert (job.state, batch.state, seen) == (JobState.CANCELLED, ImportState.CANCELLED, [0])
    assert not Pair.objects.exists()
    import_start(actor=owner, batch=batch, mapping=mapping)
    run_jobs()
    assert Pair.objects.count() == 10


def test_a_crash_before_the_commit_leaves_nothing_and_one_after_it_adds_nothing(
    task: Task, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = import_upload(
        actor=owner, task=task, upload=SimpleUploadedFile("p.jsonl", lines(*map(alpaca, range(9))).encode())
    )
    import_start(actor=owner, batch=batch, mapping=Mapping.from_json(batch.mapping))
    finish, calls = Storing.finish, []

    def crash(self: Storing, hold: Any) -> None:
        calls.append(Pair.objects.count())
        if len(calls) == 2:
            finish(self, hold)
        raise OSError("the worker's disk is gone")

    monkeypatch.setattr(Storing, "finish", crash)
    jobs = run_jobs()
    assert calls == [0, 0], "what is stored is not read again"
    assert [job.state for job in jobs if job.kind == "import"] == ["queued", "queued", "done"]
    batch.refresh_from_db()
    assert (batch.accepted, batch.duplicates, Pair.objects.count()) == (9, 0, 9)


def test_a_worker_that_lost_its_lease_commits_nothing(task: Task, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = import_upload(actor=owner, task=task, upload=SimpleUploadedFile("p.jsonl", lines(alpaca(1)).encode()))
    import_start(actor=owner, batch=batch, mapping=Mapping.from_json(batch.mapping))
    finish = Storing.finish

    def taken_over(self: Storing, hold: Any) -> None:
        Job.objects.filter(kind="import").update(attempt=7)
        finish(self, hold)

    monkeypatch.setattr(Storing, "finish", taken_over)
    run_jobs()
    batch.refresh_from_db()
    assert not Pair.objects.exists()
    assert batch.state == ImportState.RUNNING


def test_names_and_numbers_that_no_database_holds_do_not_stop_the_others(bring: Bring) -> None:
    many = {f"column {number}": number for number in range(500)}
    batch = bring(
        lines(
            alpaca(1),
            {**alpaca(2), "x\x00y": "a name with NUL", "\ud800": 1, "n" * 300: 2},
            {**alpaca(3), "size": "BIG"},
            {**alpaca(4), "language": "\x00\ud800"},
            {**alpaca(5), "path": "C:\\u0000"},
            {**alpaca(6), **many},
        ).replace('"BIG"', "1e999")
    )
    assert (batch.accepted, batch.refused) == (4, 2)
    assert [(row, column) for row, column, _ in reasons(batch)] == [(3, "size"), (4, "language")]
    assert Pair.objects.get(current__instruction="What is 5?").metadata == {"path": "C:\\u0000"}
    assert len(batch.mapping["metadata"]) == 196


def test_a_row_that_does_not_fit_the_tasks_output_fields_is_refused_and_the_others_are_written_alike(
    bring: Bring, task: Task
) -> None:
    Task.objects.filter(pk=task.pk).update(output_fields=[{"name": "part"}, {"name": "height", "required": False}])
    task.refresh_from_db()
    batch = bring(lines({**alpaca(1), "output": '{"height":"3","part":"beam"}'}, alpaca(2)))
    assert reasons(batch) == [(2, "response", "The response is no JSON object (line 1).")]
    assert Pair.objects.get().current.response == '{\n  "part": "beam",\n  "height": "3"\n}'  # type: ignore[union-attr]
