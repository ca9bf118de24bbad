"""Markdown: front matter tells title and address, template tags and link targets go, code stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from ml.documents.shapes import SAVE_AS_UTF8, Budget, Document, DocumentError, one_line, tidy
from ml.phrases import gettext_noop, sentence_of
from ml.text_encoding import EncodingError, decode

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)|\{%-?\s*comment\b.*?\bendcomment\s*-?%\}", re.DOTALL)
_TEMPLATE = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{:[^}\n]*\}", re.DOTALL)
_IMAGE = re.compile(r"!\[[^\]\n]*\](?:\([^)\n]*\)|\[[^\]\n]*\])")
_LINK = re.compile(
    r"\[((?:[^\[\]\n\\]|\\.|\[[^\[\]\n]*\]|\n(?!\s*\n)){0,400})\](?:\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|\[[^\]\n]*\])"
)
# An entry of a table of contents: a list item that is nothing but a link into this very page.
_ENTRY = re.compile(
    r"^[ \t]*(?:[-*+]|\d+[.)])[ \t]+\[(?:[^\[\]\n]|\n(?!\s*\n)){1,400}\]\(#[^)\n]*\)[ \t]*(?:\n|\Z)", re.MULTILINE
)
_TARGET = re.compile(r"^ {0,3}\[[^\]\n]+\]:[ \t]*\S+.*$", re.MULTILINE)
_TAG = re.compile(r"</?[A-Za-z][^<>\n]*>")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]+)>")
_UNDERLINED = re.compile(r"^(\S[^\n]*)\n(=+|-{2,})[ \t]*$", re.MULTILINE)
_CLOSED = re.compile(r"^(#{1,6}[ \t].*?)[ \t]+#+[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}[ \t]+(.+)$", re.MULTILINE)
_LONGEST_FRONT = 20_000


def read_markdown(path: Path, name: str, budget: Budget) -> Iterator[Document]:
    """The one document of a Markdown file. Raises DocumentError when it holds no text, or in no known encoding."""
    try:
        text = decode(path.read_bytes()).replace("\r\n", "\n")
    except EncodingError as error:
        raise DocumentError(SAVE_AS_UTF8, reason=sentence_of(error)) from error
    facts, body = front_matter(text)
    cleaned = tidy(clean(body), budget.limits)
    if not cleaned:
        raise DocumentError(gettext_noop("The file holds no text beside its headers."))
    heading = _HEADING.search(cleaned)
    title = clean_prose(str(facts.get("title") or (heading.group(1) if heading else Path(name).stem)))
    yield Document(
        one_line(title), cleaned, "markdown", address=one_line(facts.get("url") or facts.get("source"), 500),
        license=one_line(facts.get("license") or facts.get("licence")), language=one_line(facts.get("lang"), 12),
        date=one_line(facts.get("date"), 40),
    )  # fmt: skip


def front_matter(text: str) -> tuple[dict[str, object], str]:
    """The YAML block at the beginning, if it is one, and what follows it."""
    found = _FRONT.match(text[:_LONGEST_FRONT])
    if found is None:
        return {}, text
    try:
        facts = yaml.safe_load(found.group(1))
    except (yaml.YAMLError, RecursionError, ValueError):
        facts = None
    return (facts if isinstance(facts, dict) else {}), text[found.end() :]


def clean(text: str) -> str:
    """The text without what only a website needs; fenced code is left alone."""
    parts: list[str] = []
    held: list[str] = []
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if mark and (not fence or (mark.group(1)[0] == fence[0] and len(mark.group(1)) >= len(fence))):
            if not fence:
                parts.append(clean_prose("\n".join(held)))
                held, fence = [line], mark.group(1)
            else:
                parts.append("\n".join([*held, line]))
                held, fence = [], ""
        else:
            held.append(line)
    parts.append("\n".join(held) if fence else clean_prose("\n".join(held)))
    return "\n".join(parts)


def clean_prose(text: str) -> str:
    """Markdown outside of code without comments, template tags, pictures, link targets and HTML tags."""
    text = _TEMPLATE.sub("", _COMMENT.sub("", text))
    text = _TARGET.sub("", _LINK.sub(r"\1", _ENTRY.sub("", _IMAGE.sub("", text))))
    text = _TAG.sub("", _AUTOLINK.sub(r"\1", text))
    text = _UNDERLINED.sub(lambda found: ("# " if found.group(2)[0] == "=" else "## ") + found.group(1), text)
    return _CLOSED.sub(r"\1", text)
