"""The rows of a version in the shapes that training programs read. The same version gives the same rows every time;
only preferences grow as people vote."""

import json
from collections.abc import Callable, Collection, Iterator
from typing import Any

from django.db import connection
from django.db.models import TextField, Value
from django.db.models.functions import Cast, Length
from django.utils.translation import gettext_lazy as _

from curation.models import DatasetVersion, VersionPair
from curation.selectors.examples import stream
from curation.selectors.preferences import preference_examples
from ml.prompting import Example, Template, render_messages

Row = dict[str, Any]
FORMATS = {
    "apprentice": _("All fields: part, topic, origin, source and more"),
    "messages": _("Messages: a list of roles and contents, as chat models are trained"),
    "sharegpt": _("ShareGPT: conversations of “from” and “value”"),
    "alpaca": _("Alpaca: instruction, input, output"),
    "completion": _("Prompt and completion: plain text, to be put together with a separator of your own"),
    "preference": _(
        "Preferences: prompt, chosen, rejected, as plain text; of pairs with a worse answer, corrected drafts and votes"
    ),
}
EXTRA = ("topic", "origin", "source", "rejected")
TEXTS = (
    *(f"revision__{name}" for name in ("system", "instruction", "input", "response", "rejected", "turns")),
    "revision__pair__metadata",
)
SPOKEN = {"system": "system", "user": "human", "assistant": "gpt"}
# What each column holds: "text", "turns" (roles and contents), "said" (from and value), "history" (pairs of texts).
COLUMNS: dict[str, dict[str, str]] = {
    "apprentice": {
        **dict.fromkeys(("id", "part", "system", "instruction", "input", "response", "rejected"), "text"),
        "turns": "turns",
        **dict.fromkeys(("language", "topic", "origin", "source"), "text"),
    },
    "messages": {"id": "text", "part": "text", "messages": "turns"},
    "sharegpt": {"id": "text", "part": "text", "conversations": "said"},
    "alpaca": {**dict.fromkeys(("instruction", "input", "output", "system"), "text"), "history": "history"},
    "completion": {"prompt": "text", "completion": "text"},
    "preference": {"prompt": "text", "chosen": "text", "rejected": "text"},
}


PREFERENCE = "preference"  # changes as people vote on; every other shape of a version stays the same
CARRYING = "apprentice"  # the shape with columns of its own; the others have those that their readers know
KEPT = "metadata_"  # before the name of an imported column that is called like one of ours
MOST_KEPT = 150  # imported columns beside ours: more than 200 are read by no import
KEYS = """
SELECT DISTINCT named.key FROM curation_versionpair held JOIN curation_revision text ON text.id = held.revision_id
JOIN curation_pair pair ON pair.id = text.pair_id, jsonb_object_keys(pair.metadata) AS named(key)
WHERE held.version_id = %s AND text.erased_at IS NULL AND pair.metadata <> '{}' ORDER BY named.key LIMIT %s
"""


def columns_of(version: DatasetVersion, format: str) -> dict[str, str]:
    """The columns of a shape with what each holds; imported columns that were kept as metadata stand behind ours."""
    return {**COLUMNS[format], **dict.fromkeys(kept_columns(version, format).values(), "text")}


def kept_columns(version: DatasetVersion, format: str) -> dict[str, str]:
    """Key of the metadata -> column of the file."""
    if format != CARRYING:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(KEYS, [version.pk, MOST_KEPT])
        names = [name for (name,) in cursor.fetchall()]
    return {name: f"{KEPT}{name}" if name in COLUMNS[format] else name for name in names}


def version_parts(
    version: DatasetVersion, format: str, parts: Collection[str] | None = None, *, longer: int = 0
) -> Iterator[tuple[int, str, Row]]:
    """(pair, part, row) of a version in its order, as a stream: memory does not grow with the version.

    `longer` leaves out the rows whose texts have no more characters than that together. Preferences are no rows of the
    version: some pairs have none, some several.
    """
    shape, template = SHAPES[format], Template.from_json(version.template)
    if format == PREFERENCE:
        for found in preference_examples(version, parts):
            yield int(found["id"]), found["part"], shape(found, template)
        return
    rows = VersionPair.objects.filter(version=version, revision__erased_at__isnull=True).order_by("ordinal")
    if parts is not None:
        rows = rows.filter(part__in=list(parts))
    if longer:
        rows = rows.alias(size=sum((Length(Cast(name, TextField())) for name in TEXTS), start=Value(0)))
        rows = rows.filter(size__gt=longer)
    kept = kept_columns(version, format)
    carried = ("revision__pair__metadata",) if kept else ()
    names = ("revision__pair_id", "part", *(f"revision__{name}" for name in EXTRA), *carried)
    for (
        pair_id,
        part,
        topic,
        origin,
        source,
        rejected,
        *metadata,
        system,
        instruction,
        given,
        response,
        turns,
        language,
    ) in stream(rows, *names):
        row = {
            "id": str(pair_id), "part": part, "system": system or version.system_prompt, "instruction": instruction,
            "input": given, "response": response, "rejected": rejected, "turns": turns, "language": language,
            "topic": topic, "origin": origin, "source": source,
        }  # fmt: skip
        shaped = shape(row, template)
        for name, value in metadata[0].items() if metadata else ():
            if name in kept:
                shaped[kept[name]] = value
        yield pair_id, part, shaped


def version_lines(version: DatasetVersion, format: str, parts: Collection[str] | None = None) -> Iterator[bytes]:
    """One JSON object a line. Keys have a fixed order, texts are UTF-8 as they are, each line ends with a line feed."""
    encode = json.JSONEncoder(ensure_ascii=False, separators=(", ", ": ")).encode
    for _pair, _part, row in version_parts(version, format, parts):
        yield encode(row).encode() + b"\n"


def own(row: Row, template: Template) -> Row:
    return row


def conversation(row: Row, template: Template) -> list[dict[str, str]]:
    """The whole conversation with the task's template filled in, as it would be trained."""
    said = render_messages(Example.from_json(row), template)
    return [*said, {"role": "assistant", "content": row["response"]}]


def messages(row: Row, template: Template) -> Row:
    return {"id": row["id"], "part": row["part"], "messages": conversation(row, template)}


def sharegpt(row: Row, template: Template) -> Row:
    said = [{"from": SPOKEN[turn["role"]], "value": turn["content"]} for turn in conversation(row, template)]
    return {"id": row["id"], "part": row["part"], "conversations": said}


def alpaca(row: Row, template: Template) -> Row:
    found = {"instruction": row["instruction"], "input": row["input"], "output": row["response"]}
    if row["system"]:
        found["system"] = row["system"]
    if row["turns"]:
        found["history"] = history(row["turns"])
    return found


def completion(row: Row, template: Template) -> Row:
    return {"prompt": prompt(row, template), "completion": row["response"]}


def preference(row: Row, template: Template) -> Row:
    return {"prompt": prompt(row, template), "chosen": row["chosen"], "rejected": row["rejected"]}


def prompt(row: Row, template: Template) -> str:
    """Everything before the answer as one text: with a system prompt or earlier turns, each is named by its role."""
    said = render_messages(Example.from_json(row), template)
    if len(said) == 1:
        return said[0]["content"]
    return "\n\n".join(f"{turn['role']}: {turn['content']}" for turn in said)


def history(turns: list[dict[str, str]]) -> list[list[str]]:
    """Earlier turns as question and answer pairs; what has no answer stands with an empty one."""
    found: list[list[str]] = []
    for turn in turns:
        if turn["role"] == "assistant" and found and not found[-1][1]:
            found[-1][1] = turn["content"]
        else:
            found.append([turn["content"], ""] if turn["role"] == "user" else ["", turn["content"]])
    return found


SHAPES: dict[str, Callable[[Row, Template], Row]] = {
    "apprentice": own, "messages": messages, "sharegpt": sharegpt, "alpaca": alpaca, "completion": completion,
    "preference": preference,
}  # fmt: skip
