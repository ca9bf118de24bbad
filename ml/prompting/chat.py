"""A model's own chat template, run in a sandbox.

Chat templates are programs that come with a downloaded model. They run in jinja2's immutable sandbox without any
object of ours in reach but plain lists, dictionaries and texts. The sandbox does not bound time or memory, so a
template is tried once in a child process with limits (`ml.inspection`) before anything else renders with it.
The environment follows what the model library documents: `trim_blocks`, `lstrip_blocks`, loop controls,
`raise_exception`, `strftime_now`, a plain `tojson`, and a `{% generation %}` block that changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ml.phrases import Phrase, gettext_noop

MAX_TEMPLATE_CHARACTERS = 200_000


class ChatTemplateError(ValueError):
    """A chat template cannot be compiled or refused its messages; the message is a sentence."""

    code = "chat_template"


class _GenerationBlock(Extension):
    tags = {"generation"}

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _raise_exception(message: str) -> NoReturn:
    raise jinja2.exceptions.TemplateError(message)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _strftime_now(pattern: str) -> str:
    return datetime.now().strftime(pattern)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_GenerationBlock, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    return environment


@lru_cache(maxsize=32)
def _compile(template: str) -> jinja2.Template:
    return _environment().from_string(template)


def render_chat(
    template: str,
    messages: Sequence[Mapping[str, str]],
    *,
    add_generation_prompt: bool,
    special_tokens: Mapping[str, str],
) -> str:
    """Render `messages` ({"role", "content"}) with the model's `template` (Jinja source).

    `special_tokens` are the names a template may use, such as `bos_token`. Raises ChatTemplateError when the template
    is too long, does not compile, breaks the sandbox, or refuses these messages.
    """
    if len(template) > MAX_TEMPLATE_CHARACTERS:
        raise ChatTemplateError(
            Phrase(gettext_noop("The chat template is longer than %(most)d characters."), most=MAX_TEMPLATE_CHARACTERS)
        )
    try:
        return _compile(template).render(
            messages=[dict(message) for message in messages],
            tools=None,
            documents=None,
            add_generation_prompt=add_generation_prompt,
            **special_tokens,
        )
    except (jinja2.exceptions.TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise ChatTemplateError(
            Phrase(
                gettext_noop("The model's chat template cannot render these messages: %(reason)s"), reason=str(error)
            )
        ) from error
    except (AttributeError, RecursionError, MemoryError) as error:
        reason = str(error) or type(error).__name__
        raise ChatTemplateError(
            Phrase(gettext_noop("The model's chat template fails on these messages: %(reason)s"), reason=reason)
        ) from error
