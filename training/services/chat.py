"""A conversation with a model version, through the model server."""

from typing import Any

from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.model_server import ChatStream, chat
from ml.prompting import Example, TemplateError
from training.models import ModelVersion
from training.selectors.refs import model_ref

LONGEST = 20_000
MOST_TOKENS = 1024


def chat_begin(*, version: ModelVersion, asked: Any) -> ChatStream:
    """Ask in the words in which the version was taught: its template, its task's system prompt.

    `asked` is {"message", "turns"?, "max_new_tokens"?, "temperature"?}. Raises ApplicationError.
    """
    message = asked.get("message") if isinstance(asked, dict) else None
    if not isinstance(message, str) or not message.strip() or len(message) > LONGEST:
        raise ApplicationError(_("Write a message of at most %d characters.") % LONGEST, field="message")
    system = version.run.version.system_prompt
    given = {"id": "chat", "instruction": message, "turns": asked.get("turns") or [], "system": system}
    try:
        example = Example.from_json(given).to_json()
    except (TemplateError, TypeError) as error:
        raise ApplicationError(str(error), field="turns") from error
    return chat(
        model=model_ref(version.base, version),
        template=version.template,
        example=example,
        max_new_tokens=int(number(asked, "max_new_tokens", 200, 1, MOST_TOKENS)),
        temperature=number(asked, "temperature", 0.0, 0.0, 2.0),
    )


def number(asked: dict[str, Any], name: str, default: float, low: float, high: float) -> float:
    """A number within bounds; pages send texts."""
    value = asked.get(name)
    try:
        found = default if value in (None, "") else float(str(value))
    except ValueError:
        found = float("nan")
    if not low <= found <= high:
        raise ApplicationError(
            _("%(name)s must be a number from %(low)g to %(high)g.") % {"name": name, "low": low, "high": high},
            field=name,
        )
    return found
