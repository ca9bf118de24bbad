"""What a prompt template makes of a pair, as text: the same rendering that training and evaluation use."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from curation.fingerprints import Texts
from curation.models import Task
from curation.selectors.tokens import as_example, load_row, task_tokenizer, usual_tokenizer
from ml.prompting import (
    PROBLEMS,
    ChatTemplateError,
    Template,
    TemplateError,
    Tokenizer,
    encode_pair,
    fill_template,
    render,
    segments,
    token_pieces,
)

SAMPLE: dict[str, Any] = {
    "instruction": "How long does a building permit take?",
    "input": "",
    "response": "Ten weeks at most, from the day on which the application is complete.",
}


@dataclass(frozen=True)
class Preview:
    """`segments` are (text, kind) for colouring; `problem` says why there are none."""

    segments: list[tuple[str, str]]
    tokens: int | None = None
    pair: int | None = None  # the real pair that is shown, if any
    model: str = ""
    problem: str = ""
    remarks: tuple[str, ...] = ()  # what else is wrong with the pair, as sentences


def pair_seen(texts: Texts, task: Task) -> Preview:
    """The pair as a training would see it, token by token, with what is wrong with it."""
    template = Template.from_json(task.template)
    row = task.tokenizer or usual_tokenizer()
    tokenizer = task_tokenizer(task)
    if tokenizer is None:
        return Preview(plain(texts, task, template))
    example = as_example(texts, task)
    try:
        render(example, template, tokenizer)
    except ChatTemplateError as error:
        return Preview([], model=row.name if row else "", problem=str(error))
    encoded = encode_pair(example, template, tokenizer, task.max_tokens)
    pieces = [(text, str(kind)) for text, kind in token_pieces(encoded, tokenizer, task.max_tokens)]
    remarks = tuple(_(PROBLEMS[code].sentence) for code in encoded.problems)
    return Preview(pieces, tokens=len(encoded.ids), model=row.name if row else "", remarks=remarks)


def template_preview(
    task: Task | None, template: dict[str, Any] | None, pair: dict[str, Any] | None, *, system: str | None = None
) -> Preview:
    """Render a pair (its texts as a dict, or a made-up one) with a template that need not be saved yet."""
    try:
        parsed = Template.from_json(template or {})
    except TemplateError as error:
        return Preview([], problem=str(error))
    shown: dict[str, Any] = pair or SAMPLE
    holder = task or Task(system_prompt="", template=template or {})
    if system is not None:
        holder.system_prompt = system
    texts = Texts(
        instruction=shown["instruction"],
        response=shown["response"],
        input=shown["input"],
        system=shown.get("system", ""),
        turns=shown.get("turns", []),
    )
    row = (task.tokenizer if task else None) or usual_tokenizer()
    tokenizer = task_tokenizer(task) if task else load_row(row)
    number = shown.get("pair")
    if tokenizer is None:
        return Preview(plain(texts, holder, parsed), pair=number)
    return coloured(texts, holder, parsed, tokenizer, number, row.name if row else "")


def coloured(
    texts: Texts, task: Task, template: Template, tokenizer: Tokenizer, pair: int | None, model: str
) -> Preview:
    example = as_example(texts, task)
    try:
        render(example, template, tokenizer)
    except ChatTemplateError as error:
        return Preview([], pair=pair, model=model, problem=str(error))
    encoded = encode_pair(example, template, tokenizer, task.max_tokens)
    found = [(text, str(kind)) for text, kind in segments(encoded, tokenizer, task.max_tokens)]
    return Preview(found, tokens=len(encoded.ids), pair=pair, model=model)


def plain(texts: Texts, task: Task, template: Template) -> list[tuple[str, str]]:
    """Without a registered model: the template filled in, without the marks that a model's tokenizer would add."""
    example = as_example(texts, task)
    system = f"{example.system}\n\n" if example.system and "{{system}}" not in template.prompt else ""
    prompt = f"{system}{fill_template(template.prompt, example)}{template.before_response}"
    if template.kind == "chat":
        prompt = _("User: %(prompt)s") % {"prompt": prompt} + "\n" + _("Assistant: ")
    return [(prompt, "context"), (example.response + template.after_response, "trained")]
