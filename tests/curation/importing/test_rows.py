"""Rows in every usual form: each is accepted or reported with its number and reason."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core.models import User
from curation.import_mapping import Mapping
from curation.models import Pair, Task
from curation.services.imports import import_start, import_upload
from tests.curation.importing.world import Bring, alpaca, lines, reasons
from tests.world import run_jobs

pytestmark = pytest.mark.django_db(transaction=True)


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
