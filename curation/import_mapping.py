"""From a file's columns to a pair's fields: recognising the usual forms, and reading one row by the choice made."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.denied import ApplicationError
from curation.fingerprints import Texts, text_problem
from curation.import_reading import MOST_COLUMNS, Row
from ml.hashing import text_sha256

FIELDS = ("instruction", "input", "response", "rejected", "system", "topic", "language", "source")
FORMS: dict[str, Any] = {
    "messages": gettext_lazy("Messages: a list of roles and contents"),
    "sharegpt": gettext_lazy("ShareGPT: conversations of “from” and “value”"),
    "alpaca": gettext_lazy("Alpaca: instruction, input, output"),
    "completion": gettext_lazy("Prompt and completion"),
    "preference": gettext_lazy("Preferences: prompt, chosen, rejected"),
    "question": gettext_lazy("Question and answer"),
    "columns": gettext_lazy("Other columns, which you choose"),
}
# What the fields of a pair are called elsewhere, best first.
NAMES: dict[str, tuple[str, ...]] = {
    "instruction": ("instruction", "question", "prompt", "query", "title", "q", "fråga"),
    "input": ("input", "context", "passage", "document"),
    "response": ("response", "output", "answer", "completion", "reply", "target", "chosen", "a", "svar"),
    "rejected": ("rejected",),
    "system": ("system", "system_prompt"),
    "topic": ("topic", "category", "label", "subject", "kategori"),
    "language": ("language", "lang"),
    "source": ("source", "sources", "reference", "url"),
}
EARLIER = ("turns", "history")  # columns of turns before an instruction that stands in a column of its own
SPEAKERS = {
    "user": "user", "human": "user", "prompter": "user", "system": "system", "assistant": "assistant",
    "gpt": "assistant", "model": "assistant", "bot": "assistant", "chatgpt": "assistant",
}  # fmt: skip
ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode  # made once, for a million rows
ANSWERS = ("response", "rejected")
PLAIN = {str, int, float}
LONGEST_NAME = 200
MOST_TURNS = 200
MOST_METADATA = 20_000  # characters of JSON


@dataclass(frozen=True)
class Mapping:
    """Which column becomes which field. `conversation` names a column with a list of turns instead, `turns` one with
    the turns before the instruction."""

    form: str
    columns: dict[str, str] = field(default_factory=dict)
    conversation: str = ""
    metadata: list[str] = field(default_factory=list)
    turns: str = ""

    @property
    def makes_pairs(self) -> bool:
        return bool(self.conversation or (self.columns.get("instruction") and self.columns.get("response")))

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Mapping":
        columns, metadata = dict(value["columns"]), list(value["metadata"])
        return cls(value["form"], columns, value["conversation"], metadata, value.get("turns", ""))

    def to_json(self) -> dict[str, Any]:
        return {
            "form": self.form, "columns": self.columns, "conversation": self.conversation, "metadata": self.metadata,
            "turns": self.turns,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ready:
    """A row that can be stored."""

    number: int
    texts: Texts
    source: str
    metadata: dict[str, Any]
    rejected: str = ""  # a worse answer to the same

    @property
    def key(self) -> str:
        """What makes two rows the same pair."""
        fingerprint = self.texts.fingerprint
        return text_sha256(f"{fingerprint} {self.rejected}") if self.rejected else fingerprint


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that cannot, and why."""

    number: int
    column: str
    reason: str
    excerpt: str = ""


class Unfit(Exception):
    """What is wrong with a row: the column and a sentence."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.reason = column, reason


def columns_of(rows: Iterable[Row]) -> list[str]:
    """The columns that occur in these rows, in the order of their first appearance; 200 at most.

    A name that no text column of the database can hold, or that is longer than 200 characters, is no column.
    """
    names = dict.fromkeys(name for row in rows for name in row.values)
    return [name for name in names if len(name) <= LONGEST_NAME and not text_problem(name)][:MOST_COLUMNS]


def recognise(rows: list[Row]) -> Mapping:
    """The best guess for a file that begins with these rows; a person confirms or changes it."""
    columns = columns_of(rows)
    by_name = {name.lower(): name for name in columns}
    found = {wanted: next((by_name[name] for name in names if name in by_name), "") for wanted, names in NAMES.items()}
    earlier = next((by_name[name] for name in EARLIER if name in by_name), "")
    earlier = earlier if found["instruction"] and found["response"] else ""
    apart = {"rejected", "completion", earlier.lower()}
    talks = [name for name in columns if name.lower() not in apart and is_conversation(rows, name)]
    talk = next((name for name in talks if name.lower() != "chosen"), talks[0] if talks else "")
    if talk:
        first = next(row.values[talk] for row in rows if row.values.get(talk))
        form = "sharegpt" if "from" in as_list(first)[0] else "messages"
        answer = next((name for name in ("chosen", "completion") if name in by_name and by_name[name] != talk), "")
        found, earlier = {**found, "instruction": "", "input": "", "response": by_name.get(answer, "")}, ""
        form = "preference" if found["rejected"] else form
    elif {"chosen", "rejected"} <= set(by_name):
        form, found = "preference", {**found, "response": by_name["chosen"]}
    elif {"instruction", "output"} <= set(by_name):
        form = "alpaca"
    elif {"prompt", "completion"} <= set(by_name) or {"prompt", "response"} <= set(by_name):
        form = "completion"
    elif {"question", "answer"} <= set(by_name) or {"q", "a"} <= set(by_name):
        form = "question"
    else:
        form = "columns"
    used = {talk, earlier, *found.values()}
    return Mapping(form, found, talk, [name for name in columns if name not in used], earlier)


def is_conversation(rows: list[Row], column: str) -> bool:
    values = [as_list(row.values[column]) for row in rows if row.values.get(column)]
    return bool(values) and all(
        isinstance(value, list) and value and isinstance(value[0], dict) and ("role" in value[0] or "from" in value[0])
        for value in values
    )


def as_list(value: Any) -> Any:
    """A list of turns, also one that a cell of a spreadsheet or a CSV file holds as JSON; anything else as it is."""
    if not isinstance(value, str) or not value.startswith("["):
        return value
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return read if isinstance(read, list) else value


def refuse_mapping(mapping: Mapping, columns: list[str]) -> None:
    """Raises ApplicationError for a choice that no row could satisfy."""
    chosen = {**mapping.columns, "conversation": mapping.conversation, "turns": mapping.turns}
    for name, column in chosen.items():
        if column and column not in columns:
            raise ApplicationError(_("The file has no column “%s”.") % column, field=name)
    if mapping.conversation and mapping.turns:
        sentence = _("A conversation holds its earlier turns itself: choose either column, not both.")
        raise ApplicationError(sentence, field="turns")
    if mapping.conversation:
        return
    for name in ("instruction", "response"):
        if not mapping.columns.get(name):
            raise ApplicationError(_("Choose the column that holds the %s.") % _(name), field=name)
    if mapping.columns["instruction"] == mapping.columns["response"]:
        raise ApplicationError(_("Instruction and response cannot come from the same column."), field="response")


def read_row(row: Row, mapping: Mapping, language: str) -> Ready | Problem:
    """One row by the mapping; `language` stands where the row names none."""
    if row.problem:
        return Problem(row.number, "", row.problem, row.excerpt)
    try:
        values = {
            name: answer_of(row, column) if name in ANSWERS else text_of(row, column)
            for name, column in mapping.columns.items()
            if column
        }
        turns = conversation(row, mapping, values) if mapping.conversation else earlier_turns(row, mapping.turns)
        texts = Texts(
            instruction=values.get("instruction", ""),
            response=values.get("response", ""),
            input=values.get("input", ""),
            system=values.get("system", ""),
            turns=turns,
            language=language_of(values.get("language", ""), language, mapping.columns.get("language", "")),
            topic=short(values.get("topic", ""), 120, mapping.columns.get("topic", "")),
        )
        refuse_texts(texts, mapping)
        source = short(values.get("source", ""), 300, mapping.columns.get("source", ""))
        metadata = metadata_of(row, mapping.metadata)
        return Ready(row.number, texts, source, metadata, rejected_of(values, texts, mapping))
    except Unfit as unfit:
        return Problem(row.number, unfit.column, unfit.reason, excerpt_of(row))


def text_of(row: Row, column: str) -> str:
    value = row.values.get(column)
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, list) and {type(part) for part in value} <= PLAIN:
        return ", ".join(map(str, value))
    raise Unfit(column, _("The column “%s” holds an object instead of a text.") % column)


def answer_of(row: Row, column: str) -> str:
    """An answer as a text, or as a list of turns that ends with it."""
    value = row.values.get(column)
    if isinstance(value, list) and value and isinstance(value[-1], dict):
        turn = turn_of(value[-1], column)
        if turn["role"] != "assistant":
            raise Unfit(column, _("“%s” must end with an answer.") % column)
        return turn["content"]
    return text_of(row, column)


def rejected_of(values: dict[str, str], texts: Texts, mapping: Mapping) -> str:
    text = values.get("rejected", "")
    if not text:
        return text
    column = mapping.columns["rejected"]
    if reason := text_problem(text):
        raise Unfit(column, reason)
    if text == texts.response:
        raise Unfit(column, _("The rejected answer is the same as the chosen one."))
    return text


def conversation(row: Row, mapping: Mapping, values: dict[str, str]) -> list[dict[str, str]]:
    """Earlier turns; the last question and its answer go into `values`, a leading system message too.

    An answer in a column of its own stands behind the conversation.
    """
    column = mapping.conversation
    said = as_list(row.values.get(column))
    if isinstance(said, list) and values.get("response"):
        said = [*said, {"role": "assistant", "content": values["response"]}]
    if not isinstance(said, list) or not said or len(said) > MOST_TURNS:
        raise Unfit(
            column, _("“%(column)s” must be a list of 1 to %(most)d turns.") % {"column": column, "most": MOST_TURNS}
        )
    turns = [turn_of(item, column) for item in said]
    if turns[0]["role"] == "system":
        values["system"] = turns.pop(0)["content"]
    if any(turn["role"] == "system" for turn in turns):
        raise Unfit(column, _("Only the first message may be a system message."))
    if len(turns) < 2 or turns[-1]["role"] != "assistant" or turns[-2]["role"] != "user":
        raise Unfit(column, _("The conversation must end with a question of the user and its answer."))
    values["instruction"], values["response"] = turns[-2]["content"], turns[-1]["content"]
    return turns[:-2]


def earlier_turns(row: Row, column: str) -> list[dict[str, str]]:
    """The turns before the instruction: roles and contents, or Alpaca's `history` of questions and answers."""
    said = as_list(row.values.get(column)) if column else None
    if said in (None, "", []):
        return []
    if not isinstance(said, list) or len(said) > MOST_TURNS:
        sentence = _("“%(column)s” must be a list of at most %(most)d earlier turns.")
        raise Unfit(column, sentence % {"column": column, "most": MOST_TURNS})
    turns = [turn_of(item, column) for one in said for item in spoken(one)]
    if any(turn["role"] == "system" for turn in turns):
        raise Unfit(column, _("A system message stands in a column of its own, not among the earlier turns."))
    return turns


def spoken(one: Any) -> list[Any]:
    """A turn, or the two of a question with its answer; of these an empty one was not said."""
    if not isinstance(one, list) or len(one) != 2:
        return [one]
    roles = zip(("user", "assistant"), one, strict=True)
    return [{"role": role, "content": content} for role, content in roles if content != ""]


def turn_of(item: Any, column: str) -> dict[str, str]:
    if not isinstance(item, dict):
        raise Unfit(column, _("A turn must be an object with a role and a content."))
    role = SPEAKERS.get(str(item.get("role", item.get("from", ""))).lower())
    content = item.get("content", item.get("value"))
    if role is None or not isinstance(content, str):
        raise Unfit(column, _("A turn needs a known role (user, assistant, system) and a content text."))
    if reason := text_problem(content):
        raise Unfit(column, reason)
    return {"role": role, "content": content}


def refuse_texts(texts: Texts, mapping: Mapping) -> None:
    for name in ("instruction", "response", "input", "system"):
        text = getattr(texts, name)
        column = mapping.columns.get(name) or mapping.conversation or name
        if not text and name in ("instruction", "response"):
            raise Unfit(column, _("The %s is empty.") % _(name))
        if name in ("instruction", "response") and text.isspace():
            raise Unfit(column, _("The %s is blank.") % _(name))
        if reason := text_problem(text):
            raise Unfit(column, reason)


def language_of(value: str, default: str, column: str) -> str:
    code = value.strip()
    if not code:
        return default
    if len(code) > 12 or not code.replace("-", "").replace("_", "").isalnum() or not code.isascii():
        raise Unfit(column, _("“%s” is not a language code such as en or pt-BR.") % code[:30])
    return code.replace("_", "-")


def short(value: str, most: int, column: str) -> str:
    text = value.strip()
    if reason := text_problem(text):
        raise Unfit(column, reason)
    if len(text) > most:
        raise Unfit(column, _("“%(column)s” has more than %(most)d characters.") % {"column": column, "most": most})
    return text


def metadata_of(row: Row, names: list[str]) -> dict[str, Any]:
    found = {name: row.values[name] for name in names if row.values.get(name) not in (None, "")}
    if not found:
        return found
    try:
        text = ENCODE(found)
    except (ValueError, RecursionError) as error:
        raise Unfit(names[0], _("The metadata of this row hold a number or a depth that cannot be stored.")) from error
    if len(text) > MOST_METADATA:
        raise Unfit(names[0], _("The metadata of this row have more than %d characters.") % MOST_METADATA)
    if "\\u0000" in text.replace("\\\\", "") or text_problem(text):
        raise Unfit(names[0], _("The metadata of this row contain a character that no text can hold."))
    return found


def excerpt_of(row: Row) -> str:
    return " | ".join(f"{name}: {str(value)[:80]}" for name, value in list(row.values.items())[:6])
