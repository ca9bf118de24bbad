"""Responses that are rendered from a task's output fields, and the places in the input that they are read off."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from core.denied import ApplicationError
from curation.fingerprints import Texts
from curation.models import Task
from ml.outputs import check_outputs, outputs_typed, parse_outputs, render_outputs

MOST_EVIDENCE = 200


def texts_fitted(task: Task, texts: Texts) -> Texts:
    """The texts with their response written as the task's output fields demand; unchanged where a task has none.

    Raises ApplicationError with the first thing that does not fit.
    """
    fields = task.outputs
    if not fields:
        return texts
    values, problems = parse_outputs(fields, texts.response)
    if problems:
        raise ApplicationError(problems[0].sentence, field="response")
    return replace(texts, response=render_outputs(fields, values))


def response_typed(task: Task, typed: Sequence[str]) -> str:
    """The response of what stands in the form, a text for each output field; "" while nothing does."""
    values = outputs_typed(task.outputs, typed)
    return render_outputs(task.outputs, values) if any(text.strip() for text in typed) else ""


def outputs_misfits(task: Task, response: str) -> list[dict[str, str]]:
    """What does not fit in a response, for the editor: {"field", "message"}; nothing is said of an empty one."""
    if not task.output_fields or not response.strip():
        return []
    values, problems = parse_outputs(task.outputs, response)
    found = problems if not values else [*check_outputs(task.outputs, values)]
    return [{"field": problem.field, "message": problem.sentence} for problem in found]


def evidence_read(task: Task, text: str, given: Any) -> list[dict[str, Any]]:
    """The marked places that really stand in the input, in its order. One that moved is found again by its words."""
    names = {field.name for field in task.outputs}
    found = []
    for mark in given[:MOST_EVIDENCE] if isinstance(given, list) else []:
        if not isinstance(mark, dict) or mark.get("field") not in names or not isinstance(mark.get("text"), str):
            continue
        start, words = mark.get("start"), mark["text"]
        if not isinstance(start, int) or text[start : start + len(words)] != words or start < 0:
            start = text.find(words)
        if words and start >= 0:
            found.append({"field": mark["field"], "start": start, "end": start + len(words), "text": words})
    return sorted(found, key=lambda mark: (mark["start"], mark["end"]))
