"""Earlier turns of a conversation as a form or a program sends them."""

from typing import Any

from django.utils.translation import gettext as _

from core.denied import ApplicationError

ROLES = ("user", "assistant")
MOST_TURNS = 100


def turns_read(given: Any) -> list[dict[str, str]]:
    """The turns in their order; one without text is left out. Raises ApplicationError for what is no turn."""
    if not isinstance(given, list) or len(given) > MOST_TURNS:
        raise ApplicationError(
            _("Earlier turns are a list of at most %(most)d entries.") % {"most": MOST_TURNS}, field="turns"
        )
    found = []
    for number, turn in enumerate(given, 1):
        role, content = (turn.get("role"), turn.get("content")) if isinstance(turn, dict) else (None, None)
        if role not in ROLES or not isinstance(content, str):
            sentence = _("Turn %(number)d needs a text and who says it: user or assistant.")
            raise ApplicationError(sentence % {"number": number}, field="turns")
        if content.strip():
            found.append({"role": role, "content": content.replace("\r\n", "\n")})
    return found


def turns_text(turns: list[dict[str, str]]) -> str:
    """Turns to read and to compare, a paragraph each."""
    names = {"user": _("User"), "assistant": _("Assistant")}
    return "\n\n".join(f"{names[turn['role']]}: {turn['content']}" for turn in turns)
