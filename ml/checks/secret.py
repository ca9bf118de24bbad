"""Keys and passwords that must not be learned by a model."""

from __future__ import annotations

import re

from ml.checks.base import Check, CheckContext, Finding
from ml.phrases import gettext_noop

_KEY = re.compile(
    r"-----BEGIN (?:[A-Z]{1,12} ){0,3}PRIVATE KEY-----(?:[^-]{1,8000}-----END [A-Z ]{1,40}-----)?"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{36,80}\b|\bgithub_pat_\w{22,90}\b|\bglpat-[\w-]{20,40}\b"
    r"|\bxox[abprs]-[\w-]{10,80}\b|\bsk-(?:[a-z]{2,8}-)?[\w-]{20,180}\b|\bAIza[\w-]{35}\b|\bhf_[A-Za-z]{30,40}\b"
    r"|\beyJ[\w-]{10,400}\.eyJ[\w-]{10,2000}\.[\w-]{10,400}"
)
_LOGIN_IN_ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,60}:([^\s/@]{3,80})@[^\s/]{1,200}", re.IGNORECASE
)
_ASSIGNED = re.compile(
    r"\b(?:password|passwd|pwd|lösenord(?:et)?|passwort|secret|api[_ -]?key|access[_ -]?token|auth[_ -]?token)\b"
    r"[\"']?\s{0,3}"
    r"(?:[:=]|is|är)\s{0,3}[\"'`]?([^\s\"'`,;<>{}]{6,120})",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"[*x•.]{3,}|your|example|changeme|placeholder|secret|password|required|incorrect|os\.|process\.|env|none|null|true"
    r"|false|\$|%|\[",
    re.IGNORECASE,
)
_PLACE = "[secret]"

_FOUND_KEY = gettext_noop("This looks like a secret key. Remove it here, and make it invalid where it was issued.")
_FOUND_LOGIN = gettext_noop("This address carries a password.")
_FOUND_PASSWORD = gettext_noop("This looks like a password.")


class Secret(Check):
    """Private keys and tokens by their form, passwords in addresses and after their name."""

    id = "secret"
    name = gettext_noop("Secrets")
    description = gettext_noop("Private keys, access tokens, passwords.")
    version = 4
    fields = ("instruction", "input", "response")
    defaults = {"findings": 20}  # at most, in one text

    def find(self, text: str, context: CheckContext) -> list[Finding]:
        found = [
            self.finding(*match.span(), _FOUND_KEY, severity="error", suggestions=_instead(match.group()))
            for match in _KEY.finditer(text)
        ]
        if "://" in text:
            found += [
                self.finding(*match.span(1), _FOUND_LOGIN, severity="error", suggestions=(_PLACE,))
                for match in _LOGIN_IN_ADDRESS.finditer(text)
                if not _PLACEHOLDER.search(match.group(1))
            ]
        found += [
            self.finding(*match.span(1), _FOUND_PASSWORD, suggestions=(_PLACE,))
            for match in _ASSIGNED.finditer(text)
            if _looks_made(match.group(1))
        ]
        return sorted(found, key=lambda one: one.start)[: int(self.parameters["findings"])]


def _instead(key: str) -> tuple[str, ...]:
    """A placeholder; none for the first line of a private key whose end the text does not have."""
    return () if key.endswith("PRIVATE KEY-----") and "-----END" not in key else (_PLACE,)


def _looks_made(value: str) -> bool:
    """Letters with digits or signs among them: a word of a sentence has none."""
    word = value.rstrip(".!?):")
    mixed = any(map(str.isdigit, word)) or bool(re.search(r"[^\w.-]", word))
    return len(word) >= 6 and mixed and any(map(str.isalpha, word)) and not _PLACEHOLDER.search(word)
