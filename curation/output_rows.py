"""Output fields as rows of a form: the task's, which defines them, and the editor, where they are filled in."""

import json
from typing import Any

from django.utils.translation import gettext as _

from core.denied import ApplicationError
from ml.outputs import MOST_FIELDS, OutputError, OutputField, outputs_from_json

YES = "yes"


def output_definition_read(rows: Any) -> list[dict[str, Any]]:
    """The definition of a task's output fields; a row without a name is left out."""
    fields = []
    for row in rows:
        if row["name"].strip():
            choices = [choice.strip() for choice in row["choices"].replace("\n", ",").split(",") if choice.strip()]
            plain = {"name": row["name"], "kind": row["kind"], "choices": choices if row["kind"] == "choice" else []}
            fields.append({**plain, "many": row["many"] == YES, "required": row["required"] == YES})
    return outputs_definition(fields)


def outputs_definition(given: Any) -> list[dict[str, Any]]:
    """A definition in its stored form. Raises ApplicationError."""
    try:
        return [field.to_json() for field in outputs_from_json(given)]
    except OutputError as error:
        raise ApplicationError(str(error), field="output_fields") from error


def output_row(field: OutputField) -> dict[str, str]:
    """A defined field as a row of the task's form."""
    return {
        "name": field.name,
        "kind": field.kind,
        "choices": ", ".join(field.choices),
        "many": YES if field.many else "",
        "required": YES if field.required else "",
    }


def output_rows_read(rows: Any) -> list[dict[str, str]]:
    """What was typed for each output field: {"value", "evidence"}, the evidence as JSON."""
    if not isinstance(rows, list) or len(rows) > MOST_FIELDS:
        raise ApplicationError(_("There are more values than output fields; reload the page."), field="outputs")
    found = []
    for row in rows:
        value, evidence = (row.get("value", ""), row.get("evidence", "")) if isinstance(row, dict) else (None, None)
        if not isinstance(value, str) or not isinstance(evidence, str):
            raise ApplicationError(_("This could not be read; reload the page."), field="outputs")
        found.append({"value": value.replace("\r\n", "\n"), "evidence": evidence})
    return found


def marks_of(rows: list[dict[str, str]], fields: list[OutputField]) -> list[Any]:
    """All marked places of the rows, each with the name of its field; what cannot be read is left out."""
    found: list[Any] = []
    for row, field in zip(rows, fields, strict=False):
        try:
            marks = json.loads(row["evidence"] or "[]")
        except (ValueError, RecursionError):
            continue
        listed = marks if isinstance(marks, list) else []
        found += [{**mark, "field": field.name} for mark in listed if isinstance(mark, dict)]
    return found
