"""What the editor shows: texts, findings, tokens, guidelines. Looking changes nothing."""

import json
import re
import secrets
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from core.models import Project, User
from core.numbers import whole_number
from core.sentences import phrase_in_words
from curation.choices import AtSubmit, PairState
from curation.fingerprints import TEXT_FIELDS, Texts, Traces, texts_from, texts_of
from curation.models import Draft, Pair, Passage, Review, Task
from curation.output_rows import marks_of, output_rows_read
from curation.outputs import evidence_read, outputs_misfits, response_typed
from curation.selectors.checking import Checked, Surroundings, findings_json, texts_check
from curation.selectors.tasks import guideline_of
from curation.selectors.tokens import limit_in_response
from curation.subjects import OF_PAIR, OF_WORK
from curation.turns import turns_read
from ml.outputs import OutputField, parse_outputs, value_text

KEY = re.compile(r"[A-Za-z0-9_-]{1,40}")
MOST_BEGUN = 20
FORM_FIELDS = ("system", "turns", "instruction", "input", "response", "outputs", "topic", "language")


def draft_of(user: User, task: Task, key: str) -> Draft | None:
    return Draft.objects.filter(user=user, task=task, key=key).first()


def drafts_open(user: User, task: Task) -> list[Draft]:
    """New pairs that this person began and has not submitted, newest first."""
    found = Draft.objects.filter(user=user, task=task, pair=None, version__gt=0).exclude(key__startswith=OF_WORK)
    return list(found.order_by("-updated_at")[:MOST_BEGUN])


def draft_among(begun: list[Draft], user: User, task: Task, key: str) -> Draft | None:
    """The draft of this key; what was begun lately has mostly been read already."""
    found = next((draft for draft in begun if draft.key == key), None)
    elsewhere = len(begun) == MOST_BEGUN or key.startswith((OF_WORK, OF_PAIR))
    return draft_of(user, task, key) if found is None and elsewhere else found


def is_key(text: str) -> bool:
    """Whether a page may name its draft so: the key stands in addresses."""
    return KEY.fullmatch(text) is not None


def new_key(passage: Passage | None = None) -> str:
    """A key of its own; it names the passage that is to be written from, which is how a draft keeps it."""
    key = secrets.token_urlsafe(9)
    return f"passage-{passage.pk}-{key}" if passage else key


def key_of(pair: Pair) -> str:
    return f"{OF_PAIR}{pair.pk}"


def copy_name(task: Task, pair: Pair | None, key: str) -> str:
    """Under which the browser keeps its own copy of what is typed on that page."""
    return Draft(task=task, pair=pair, key=key).copy_name


def drafts_begun(user: User, project: Project) -> QuerySet[Draft]:
    """What this person typed and has not submitted: pairs, corrections, and answers to questions, whose address leads
    back into the work as long as it is theirs or free."""
    return Draft.objects.filter(user=user, task__project=project, version__gt=0).select_related("task", "pair")


def draft_left(user: User, task: Task, key: str, pair: Pair | None) -> bool:
    """Whether words of this person wait although the page of that key, which became the pair, was just submitted."""
    found = Draft.objects.filter(Q(key=key) | Q(key=key_of(pair)) if pair else Q(key=key), user=user, task=task)
    return found.filter(version__gt=0).exists()


def pair_of_key(project: Project, key: str) -> Pair | None:
    """The pair that a draft's key names; a key of another project's pair names none."""
    number = whole_number(key.removeprefix(OF_PAIR)) if key.startswith(OF_PAIR) else None
    if number is None:
        return None
    return Pair.objects.select_related("current").filter(project=project, pk=number).first()


def initial_fields(task: Task, pair: Pair | None, draft: Draft | None) -> dict[str, Any]:
    """The draft if there is one, else the pair's newest texts, else an empty page in the task's language."""
    if pair is not None and pair.current is not None:
        stored = {name: getattr(pair.current, name) for name in FORM_FIELDS if name != "outputs"}
        stored["outputs"] = outputs_stored(task, pair.current.response, pair.current.evidence)
    else:
        stored = {"language": task.language}
    return {**stored, **(draft.fields if draft else {})}


def correction(user: User, pair: Pair) -> tuple[Draft | None, dict[str, Any]]:
    """What this person has typed of a correction so far, and what the page begins with."""
    draft = draft_of(user, pair.task, key_of(pair))
    base = draft.base_version if draft and draft.base_version else pair.version
    return draft, {**initial_fields(pair.task, pair, draft), "base": base, "key": key_of(pair)}


def texts_typed(fields: dict[str, Any], task: Task, pair: Pair | None = None) -> Texts:
    """The texts as they stand on the page, complete with what the page does not show of the pair."""
    before = texts_of(pair.current) if pair is not None and pair.current is not None else None
    blank = {"instruction": "", "response": "", "language": task.language}
    known: dict[str, Any] = {
        name: value for name, value in fields.items() if name in FORM_FIELDS and isinstance(value, str)
    }
    if "turns" in fields:
        known["turns"] = turns_read(fields["turns"] or [])
    if task.output_fields and fields.get("outputs"):
        known["response"] = response_typed(task, [row["value"] for row in output_rows_read(fields["outputs"])])
    if not known.get("language", "x").strip():
        del known["language"]
    return texts_from({**({} if before else blank), **known}, before)


def traces_typed(fields: dict[str, Any], task: Task, texts: Texts) -> Traces:
    """What the page tells of how the texts came about."""
    marks = marks_of(fields.get("outputs") or [], task.outputs)
    return Traces(pasted=fields.get("pasted") or 0, evidence=evidence_read(task, texts.input, marks))


def outputs_stored(task: Task, response: str, evidence: list[dict[str, Any]] | None = None) -> list[dict[str, str]]:
    """The values of a stored response as rows of the form; none when the response does not hold them."""
    fields = task.outputs
    values, _problems = parse_outputs(fields, response) if fields else ({}, [])
    if not values:
        return []
    marks: dict[str, list[dict[str, Any]]] = {}
    for mark in evidence or []:
        marks.setdefault(mark["field"], []).append({"start": mark["start"], "text": mark["text"]})
    return [
        {"value": value_text(field, values.get(field.name)), "evidence": json.dumps(marks.get(field.name, []))}
        for field in fields
    ]


def unfit_response(task: Task, response: str) -> str:
    """A response that is none of the task's output fields, as after they were changed or as a model wrote it: to read
    while filling them in."""
    return response if task.output_fields and not outputs_stored(task, response) else ""


@dataclass(frozen=True)
class OutputRow:
    field: OutputField
    value: str
    evidence: str
    message: str


def output_rows(task: Task, typed: list[dict[str, str]], misfits: list[dict[str, str]]) -> list[OutputRow]:
    """The rows of the form for a task's output fields, filled with what was typed."""
    messages = {misfit["field"]: misfit["message"] for misfit in reversed(misfits)}
    blank = {"value": "", "evidence": "[]"}
    rows = zip(task.outputs, [*typed, *[blank] * len(task.outputs)], strict=False)
    return [
        OutputRow(field, row["value"], row["evidence"] or "[]", messages.get(field.name, "")) for field, row in rows
    ]


def look(texts: Texts, task: Task) -> dict[str, Any]:
    """Findings by field and the token count, as the page shows them, and what the checks cannot do in this language.

    `cut` is the character of the response at which the limit is reached, None when everything fits.
    """
    around = Surroundings(task)
    checked = texts_check(texts, around) if any_text(texts) else Checked({}, 0)
    over = checked.tokens is not None and checked.tokens > task.max_tokens
    cut = limit_in_response(texts, task, around.tokenizer) if over and around.tokenizer else None
    tokens = {"used": checked.tokens, "limit": task.max_tokens, "cut": cut}
    misfits = outputs_misfits(task, texts.response)
    findings = {**{name: [] for name in TEXT_FIELDS}, **findings_json(texts, checked)}
    reasons = [reason for check in around.checks if (reason := check.unavailable_reason(texts.language))]
    remarks = [phrase_in_words(reason) for reason in reasons]
    asks, stops = (
        sorted(check for check, what in around.at_submit.items() if what == wanted)
        for wanted in (AtSubmit.ASK, AtSubmit.BLOCK)
    )
    return {
        "findings": findings, "tokens": tokens, "outputs": misfits, "remarks": remarks, "asks": asks, "stops": stops,
    }  # fmt: skip


def any_text(texts: Texts) -> bool:
    return any(getattr(texts, name).strip() for name in TEXT_FIELDS)


def editor_aside(task: Task, pair: Pair | None) -> dict[str, Any]:
    """Guidelines, and why the pair came back if it did."""
    returned = None
    if pair is not None and pair.state == PairState.RETURNED:
        reviews = Review.objects.filter(revision=pair.current_id, decision="return").select_related("reviewer")
        returned = reviews.order_by("-pk").first()
    return {"guideline": guideline_of(task), "returned": returned}
