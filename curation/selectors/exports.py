"""A version as a file, one JSON object a line. Byte-identical whenever the same version is exported."""

import json
from collections.abc import Callable, Collection, Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _

from curation.models import DatasetVersion, VersionPair
from curation.selectors.examples import stream
from ml.prompting import Example, Template, render_messages

Row = dict[str, Any]
FORMATS = {
    "apprentice": _("Apprentice: all fields, with part, topic, origin and source"),
    "messages": _("Messages: a list of roles and contents, as chat models are trained"),
    "alpaca": _("Alpaca: instruction, input, output"),
}
EXTRA = ("topic", "origin", "source")


def version_lines(version: DatasetVersion, format: str, parts: Collection[str] | None = None) -> Iterator[bytes]:
    """The lines of a version in its order. Memory does not grow with the version.

    Keys have a fixed order, texts are UTF-8 as they are, each line ends with a line feed.
    """
    shape = SHAPES[format]
    template = Template.from_json(version.template)
    rows = VersionPair.objects.filter(version=version, revision__erased_at__isnull=True).order_by("ordinal")
    if parts is not None:
        rows = rows.filter(part__in=list(parts))
    names = ("revision__pair_id", "part", *(f"revision__{name}" for name in EXTRA))
    encode = json.JSONEncoder(ensure_ascii=False, separators=(", ", ": ")).encode
    for pair_id, part, topic, origin, source, system, instruction, given, response, turns, language in stream(
        rows, *names
    ):
        row = {
            "id": str(pair_id), "part": part, "system": system or version.system_prompt, "instruction": instruction,
            "input": given, "response": response, "turns": turns, "language": language, "topic": topic,
            "origin": origin, "source": source,
        }  # fmt: skip
        yield encode(shape(row, template)).encode() + b"\n"


def version_chunks(version: DatasetVersion, format: str, parts: Collection[str] | None = None) -> Iterator[bytes]:
    """The same in pieces of about 64 KB, as a response sends them."""
    held: list[bytes] = []
    size = 0
    for line in version_lines(version, format, parts):
        held.append(line)
        size += len(line)
        if size > 65_536:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def own(row: Row, template: Template) -> Row:
    return row


def messages(row: Row, template: Template) -> Row:
    """The conversation with the task's template filled in, as it would be trained."""
    said = render_messages(Example.from_json(row), template)
    return {
        "id": row["id"],
        "part": row["part"],
        "messages": [*said, {"role": "assistant", "content": row["response"]}],
    }


def alpaca(row: Row, template: Template) -> Row:
    found = {"instruction": row["instruction"], "input": row["input"], "output": row["response"]}
    if row["system"]:
        found["system"] = row["system"]
    if row["turns"]:
        found["history"] = history(row["turns"])
    return found


def history(turns: list[dict[str, str]]) -> list[list[str]]:
    """Earlier turns as question and answer pairs; what has no answer stands with an empty one."""
    found: list[list[str]] = []
    for turn in turns:
        if turn["role"] == "assistant" and found and not found[-1][1]:
            found[-1][1] = turn["content"]
        else:
            found.append([turn["content"], ""] if turn["role"] == "user" else ["", turn["content"]])
    return found


SHAPES: dict[str, Callable[[Row, Template], Row]] = {"apprentice": own, "messages": messages, "alpaca": alpaca}
