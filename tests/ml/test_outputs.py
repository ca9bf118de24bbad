"""Output fields: what is typed becomes values, values become one text and no other, and what does not fit is said."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.outputs import (
    OutputError,
    OutputField,
    OutputProblem,
    check_outputs,
    outputs_from_json,
    outputs_typed,
    parse_outputs,
    render_outputs,
    value_text,
)

FIELDS = outputs_from_json(
    [
        {"name": "customer"},
        {"name": "floors", "kind": "number"},
        {"name": "due", "kind": "date", "required": False},
        {"name": "urgent", "kind": "boolean"},
        {"name": "trade", "kind": "choice", "choices": ["wood", "stone"]},
        {"name": "parts", "many": True, "required": False},
    ]
)
TYPED = ["Ö & Söner", "2", "", "True", "wood", "beam\n\n rafter "]
RESPONSE = """{
  "customer": "Ö & Söner",
  "floors": 2,
  "due": null,
  "urgent": true,
  "trade": "wood",
  "parts": ["beam", "rafter"]
}"""


def test_what_is_typed_is_rendered_in_one_way_and_read_back() -> None:
    values = outputs_typed(FIELDS, TYPED)
    assert render_outputs(FIELDS, values) == RESPONSE
    found, problems = parse_outputs(FIELDS, RESPONSE)
    assert (found, problems) == (values, [])
    assert [value_text(field, found[field.name]) for field in FIELDS] == [
        "Ö & Söner", "2", "", "true", "wood", "beam\nrafter"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("customer", None, "“customer” is missing."),
        ("customer", "  ", "“customer” must be a text."),
        ("floors", "2", "“floors” must be a number such as 12 or 3.5."),
        ("floors", True, "“floors” must be a number such as 12 or 3.5."),
        ("floors", float("nan"), "“floors” must be a number such as 12 or 3.5."),
        ("due", "31.5.2024", "“due” must be a date such as 2024-05-31."),
        ("due", "2024-02-30", "“due” must be a date such as 2024-05-31."),
        ("urgent", "yes", "“urgent” must be true or false."),
        ("trade", "glass", "“trade” must be one of: wood, stone."),
        ("parts", "beam", "“parts” must be a list."),
        ("parts", ["beam", 3], "“parts” must be a text."),
    ],
)
def test_what_does_not_fit_is_said(name: str, value: object, sentence: str) -> None:
    values = {**outputs_typed(FIELDS, TYPED), name: value}
    assert check_outputs(FIELDS, values) == [OutputProblem(name, sentence)]


@pytest.mark.parametrize(
    ("response", "sentence"),
    [
        ("", "The response is no JSON object (line 1)."),
        ('{\n"a"', "The response is no JSON object (line 2)."),
        ("[1]", "The response is no JSON object."),
        ("[" * 100_000, "The response is no JSON object."),
    ],
)
def test_what_is_no_object_is_said(response: str, sentence: str) -> None:
    assert parse_outputs(FIELDS, response) == ({}, [OutputProblem("", sentence)])


def test_an_unknown_field_is_said() -> None:
    response = RESPONSE.replace('"due"', '"dues"')
    assert [problem.sentence for problem in parse_outputs(FIELDS, response)[1]] == [
        "The response has an unknown field “dues”."
    ]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("x", "at most 40 entries"),
        ([{}] * 41, "at most 40 entries"),
        ([{"name": " "}], "Output field 1 needs a name"),
        ([{"name": "a" * 61}], "at most 60 printable"),
        ([{"name": "a\x00"}], "at most 60 printable"),
        ([{"name": "a", "kind": "picture"}], "has a kind among"),
        ([{"name": "a", "kind": "choice"}], "has allowed values"),
        ([{"name": "a", "choices": ["b"]}], "has allowed values"),
        ([{"name": "a", "kind": "choice", "choices": [1]}], "are texts"),
        ([{"name": "a"}, {"name": " a "}], "Two output fields are called “a”"),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(given: object, sentence: str) -> None:
    with pytest.raises(OutputError, match=sentence):
        outputs_from_json(given)


VALUE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(str.strip).filter(bool)


@given(VALUE, st.lists(VALUE, max_size=4), st.integers(-(10**15) + 1, 10**15 - 1))
def test_every_rendering_is_json_and_reads_back_as_the_same_values(text: str, parts: list[str], number: int) -> None:
    fields = [OutputField("a"), OutputField("b", many=True, required=False), OutputField("c", "number")]
    values = outputs_typed(fields, [text, "\n".join(parts), str(number)])
    response = render_outputs(fields, values)
    assert json.loads(response) == values
    assert parse_outputs(fields, response) == (values, [])
    shown = [value_text(field, values[field.name]) for field in fields]
    assert render_outputs(fields, outputs_typed(fields, shown)) == response
