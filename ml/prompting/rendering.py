"""From an example and a template to text: prompt, response, end mark, and what a chat template adds behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ml.phrases import Phrase, gettext_noop
from ml.prompting.chat import ChatTemplateError, render_chat
from ml.prompting.shapes import Example, Template, Turn
from ml.prompting.tokenizer import Tokenizer

_PLACEHOLDER = re.compile(r"\{\{(system|instruction|input)\}\}")


@dataclass(frozen=True, slots=True)
class Rendered:
    """The text of one example.

    `prompt` is what the model is given, `response` what it must say, `end` the token text that ends its answer
    (trained once, right after the response), `tail` what a chat template writes behind it (never trained).
    `matches_prompt` is False when the template renders the finished conversation differently from the prompt.
    """

    prompt: str
    response: str
    end: str
    tail: str
    matches_prompt: bool = True


def fill_template(prompt: str, example: Example) -> str:
    """Replace the placeholders literally.

    When `{{input}}` stands alone on its line and the input is empty, that line and the empty line before it go.
    """
    if not example.input:
        prompt = _without_input_line(prompt)
    values = {"system": example.system, "instruction": example.instruction, "input": example.input}
    return _PLACEHOLDER.sub(lambda found: values[found.group(1)], prompt)


def render_messages(example: Example, template: Template) -> list[dict[str, str]]:
    """The conversation up to the question: system (if any), earlier turns, and the filled-in prompt as the user's."""
    system = [{"role": "system", "content": example.system}] if _needs_system(example, template) else []
    question = {"role": "user", "content": fill_template(template.prompt, example)}
    return [*system, *(turn.to_json() for turn in example.turns), question]


def render(example: Example, template: Template, tokenizer: Tokenizer) -> Rendered:
    """Render one example.

    1. chat: the model's chat template renders the question with its generation prompt, and the question with the
       answer; what the second has more than the first is the answer, cut at its end mark.
    2. text: system, earlier turns, prompt and `before_response`; then response and `after_response`.
    Raises ChatTemplateError when there is no chat template or it refuses the messages.
    """
    if template.kind == "text":
        return _render_text(example, template, tokenizer)
    return _render_chat(example, template, tokenizer)


def mark_control_texts(example: Example, tokenizer: Tokenizer) -> Example:
    """The example with every control token that a person typed wrapped in marks.

    The tokenizer then writes it as ordinary text: a typed `<|im_end|>` neither ends the turn nor opens another.
    """
    return replace(
        example,
        system=tokenizer.mark(example.system),
        instruction=tokenizer.mark(example.instruction),
        input=tokenizer.mark(example.input),
        response=tokenizer.mark(example.response),
        turns=tuple(Turn(turn.role, tokenizer.mark(turn.content)) for turn in example.turns),
    )


def _without_input_line(prompt: str) -> str:
    kept: list[str] = []
    for line in prompt.split("\n"):
        if line.strip() != "{{input}}":
            kept.append(line)
        elif kept and not kept[-1].strip():
            kept.pop()
    return "\n".join(kept)


def _needs_system(example: Example, template: Template) -> bool:
    return bool(example.system) and "{{system}}" not in template.prompt


def _render_text(example: Example, template: Template, tokenizer: Tokenizer) -> Rendered:
    parts = [example.system, "\n\n"] if _needs_system(example, template) else []
    for turn in example.turns:
        if turn.role == "user":
            asked = Example(id=example.id, instruction=turn.content, system=example.system)
            parts += [fill_template(template.prompt, asked), template.before_response]
        else:
            parts += [turn.content, template.after_response, "\n\n"]
    parts += [fill_template(template.prompt, example), template.before_response]
    return Rendered("".join(parts), example.response + template.after_response, tokenizer.eos_token, "")


def _render_chat(example: Example, template: Template, tokenizer: Tokenizer) -> Rendered:
    if not tokenizer.chat_template:
        raise ChatTemplateError(
            Phrase(
                gettext_noop(
                    "This model has no chat template. Choose a template of the kind text, which writes the prompt "
                    "itself."
                )
            )
        )
    messages = render_messages(example, template)
    names = tokenizer.template_variables
    prompt = render_chat(tokenizer.chat_template, messages, add_generation_prompt=True, special_tokens=names)
    answer = {"role": "assistant", "content": example.response}
    full = render_chat(tokenizer.chat_template, [*messages, answer], add_generation_prompt=False, special_tokens=names)
    if not full.startswith(prompt):
        return Rendered(prompt, example.response, tokenizer.eos_token, "", matches_prompt=False)
    response, end, tail = tokenizer.split_at_end(full[len(prompt) :])
    return Rendered(prompt, response, end or tokenizer.eos_token, tail)
