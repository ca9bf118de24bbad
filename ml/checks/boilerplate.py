"""Leftovers of a template, and phrases with which models refuse or speak about themselves."""

from __future__ import annotations

import re

from ml.checks.base import Check, CheckContext, Finding, quote
from ml.checks.passages import mask_code
from ml.hashing import text_sha256
from ml.phrases import gettext_noop
from ml.words import count_words

_LEFTOVER = re.compile(
    r"""
    \{\{\s?[\w .-]{1,40}\s?\}\}                              # {{name}}
  | \[(?:your|insert|enter|add\ (?:your|the|an?|text|details?|names?|dates?|here)
        |company|client|customer|recipient|sender|name\ of|ditt|din|ange|infoga)\b
      [^\[\]\n]{0,60}\](?![(\[])                            # [Your name]; no link
  | <(?:your|insert|enter|add|ange|infoga)\b[^<>\n]{0,60}>
  | \b(?:lorem\ ipsum|TODO|FIXME|TBD)\b|(?<![\w-])XXXX+(?![\w-])
  | <\|[a-z_]{1,30}\|>|\[/?INST\]|<</?SYS>>|\#\#\#\ (?:Instruction|Response|Input)\b
""",
    re.VERBOSE | re.IGNORECASE,
)
_LOUD = re.compile("todo|fixme|tbd|x+")  # only in capitals: “todo” is Spanish, and a list, “070-xxx xxxx” a form
_KEYS = frozenset({"[enter]", "[insert]"})

# An AI by itself, or a model; an AI engineer and an AI-driven service are none.
_AI = r"""
    (?:(?:ai|artificial\ intelligence)(?![\w-])(?:\ (?:language\ )?(?:model|assistant|chatbot)\b
        |(?!\ (?!(?:i|my|we|it|and|but|so|that|who|without|kan|har|är|vet|och)\b)\w))
      |(?:large\ )?language\ model\b|ai-(?:modell|assistent)\b|språkmodell\b)
"""
_SELF = re.compile(
    rf"""
    \b(?:as\ an?|som\ en|i(?:\ a|['’])m\ (?:just\ |only\ )?an?|jag\ är\ (?:bara\ )?en)\ {_AI}
  | \bmy\ (?:training\ data|knowledge\ cut-?off)
""",
    re.VERBOSE | re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"""
    \W{0,3}(?:(?:(?:i|we)(?:\ am|\ are|['’]m|['’]re)\ (?:very\ |so\ )?)?sorry\b|i\ apologi[sz]e\b|unfortunately\b
      |tyvärr\b|jag\ är\ ledsen\b)?
    [^.!?\n]{0,20}\b(?:i|we|jag|vi)
    (?:(?:(?<=tyvärr\ kan\ jag)|(?<=tyvärr\ kan\ vi))\ inte
      |\ can(?:not|['’]t|\ not)|(?:\ am|['’]m|\ are|['’]re)\ (?:not\ able|unable)|\ won['’]?t\ be\ able
      |\ do(?:\ not|n['’]t)\ have\ (?:access|the\ ability)|\ kan\ (?:tyvärr\ )?inte)\b
    [^.!?\n]{0,20}\b(?:help|assist|answer|provide|fulfil|comply|do\ that|access|browse|hjälpa|svara
      |ge\ dig\ (?:ett\ svar|svar|råd|information))
""",
    re.VERBOSE | re.IGNORECASE,
)

_ONWARD = re.compile(r"\b(?:but|however|instead|men|däremot|i\ stället|istället)\b", re.IGNORECASE)

_TEMPLATE = gettext_noop("%(what)s looks like a part of a template that nobody filled in.")
_ABOUT_ITSELF = gettext_noop("%(what)s: the text speaks of itself as a model.")
_REFUSES = gettext_noop("This looks like a refusal; say what is missing, or answer.")


class Boilerplate(Check):
    """“[Your name]”, “{{date}}”, “TODO”; “As an AI language model”; an answer that only refuses."""

    id = "boilerplate"
    name = gettext_noop("Template or refusal")
    description = gettext_noop("Parts of a template that nobody filled in, models' talk of themselves, bare refusals.")
    version = 4
    fields = ("instruction", "response")
    defaults = {
        "refusal_words": 60,  # a longer text that begins with an apology goes on to answer, as a rule
        "findings": 20,  # at most, in one text
    }

    def find(self, text: str, context: CheckContext) -> list[Finding]:
        found = [
            self.finding(*match.span(), _TEMPLATE, {"what": quote(match.group())})
            for match in _LEFTOVER.finditer(mask_code(text))
            if not _meant(match.group(), context)
            and not (context.field == "instruction" and _quoted(text, match.start()))
        ]
        if context.field == "response":
            found += self._model_talk(text)
        return found[: int(self.parameters["findings"])]

    def _model_talk(self, text: str) -> list[Finding]:
        found = [
            self.finding(*match.span(), _ABOUT_ITSELF, {"what": quote(match.group())}, severity="error")
            for match in _SELF.finditer(text)
            if not _quoted(text, match.start())
        ]
        said = text.lstrip()
        start = _REFUSAL.match(said)
        bare = start is not None and not _ONWARD.search(said, start.end())
        if bare and count_words(text) <= self.parameters["refusal_words"]:
            found.append(self.finding(0, len(text), _REFUSES))
        return found

    def depends_on(self, context: CheckContext) -> dict[str, str]:
        return {"field": context.field, "prompt": text_sha256(context.prompt)}


def _meant(found: str, context: CheckContext) -> bool:
    """A list (todo), a key to press; and what the question has: asked for with its blanks, it is answered with them."""
    plain = found.lower()
    return (_LOUD.fullmatch(plain) is not None and not found.isupper()) or plain in _KEYS or found in context.prompt


def _quoted(text: str, place: int) -> bool:
    """Whether the passage stands in quotation marks: a story may speak of models."""
    line = text[text.rfind("\n", 0, place) + 1 : place]
    return line.count("“") > line.count("”") or line.count('"') % 2 == 1
