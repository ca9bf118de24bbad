"""Code and Markdown that somebody opened and did not close."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ml.checks.base import Check, CheckContext, Finding, quote
from ml.phrases import gettext_noop

_FENCE = re.compile(r"^[ \t]{0,3}(```+(?=[^`\n]*$)|~~~+)[ \t]*([\w+#.-]*)[^\n]*$", re.MULTILINE)
_INLINE_CODE = re.compile(r"(?<!`)(`+)(?!`)[^\n]+?(?<!`)\1(?!`)")  # as many marks close it as opened it
_LINK = re.compile(r"\[[^\[\]\n]{1,200}\]\((?:[^()\s]|\([^()\s]*\)){1,500}(?:$|(?=\s[^\"']))", re.MULTILINE)
_STRING = re.compile(r"""(\"{3}|'{3})(?s:.){0,5000}?\1|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""")
_COMMENT = re.compile(r"(?:#|//|--)[^\n]*|/\*(?s:.){0,5000}?\*/")
_TAG = re.compile(r"\{%[^{}]{0,300}%\}|\{\{[^{}]{0,300}\}\}")  # of a page template; it may stand within a link
_ELLIPSIS = re.compile(r"\.\.\.|…")
_MARKS = re.compile(r"`+")
_PAIRS = {")": "(", "]": "[", "}": "{"}
_BRACKETS = re.compile(r"[()\[\]{}]")
# Languages in which brackets always come in pairs; a shell's case has none.
_BRACKETED = frozenset(
    {"python", "py", "js", "javascript", "ts", "typescript", "java", "c", "cpp", "c++", "cs", "csharp", "go", "rust",
     "kotlin", "swift", "php", "ruby", "r", "css", "scss"}
)  # fmt: skip

_OPEN_FENCE = gettext_noop("This code block is never closed.")
_OPEN_CODE = gettext_noop("A backtick opens code here and nothing closes it.")
_OPEN_BOLD = gettext_noop("%(mark)s opens emphasis here and nothing closes it.")
_OPEN_LINK = gettext_noop("This link is never closed: a “)” is missing.")
_OPEN_BRACKET = gettext_noop("%(what)s has no partner in this block of code.")
_NO_JSON = gettext_noop("This block is no valid JSON: %(reason)s (line %(line)s of the block).")


class Markup(Check):
    """Fences, inline code, emphasis and links without an end; brackets of code without a partner; invalid JSON."""

    id = "markup"
    name = gettext_noop("Unbalanced code or Markdown")
    description = gettext_noop("Code blocks, emphasis, links or brackets of code that are opened and not closed.")
    version = 3
    defaults = {"findings": 20}  # at most, in one text

    def find(self, text: str, context: CheckContext) -> list[Finding]:
        if not any(mark in text for mark in ("`", "~~~", "**", "__", "](")):
            return []
        found: list[Finding] = []
        prose, blocks, opened = _cut(text)
        if opened is not None:
            found.append(self.finding(opened, len(text), _OPEN_FENCE, severity="error"))
        for language, start, end in blocks:
            found += self._block(text, language, start, end)
        for start, end in prose:
            found += self._prose(text, start, end)
        return sorted(found, key=lambda one: one.start)[: int(self.parameters["findings"])]

    def _prose(self, text: str, start: int, end: int) -> Iterator[Finding]:
        """Paragraph by paragraph: Markdown's marks do not reach further."""
        for match in re.finditer(r"[^\n]+(?:\n[^\n]+)*", text[start:end]):
            at = start + match.start()
            plain = _INLINE_CODE.sub(lambda code: " " * len(code.group()), match.group())
            plain = _TAG.sub(lambda tag: "x" * len(tag.group()), plain)
            marks = [
                run for run in _MARKS.finditer(plain) if len(run.group()) < 3
            ]  # three are spoken of: “ticks (```)”
            if sum(len(run.group()) for run in marks) % 2:
                yield self.finding(at + marks[-1].end() - 1, at + marks[-1].end(), _OPEN_CODE)
            for mark in ("**", "__"):
                left_open = _never_closed(plain, mark)
                if len(left_open) == 1:
                    yield self.finding(at + left_open[0], at + left_open[0] + 2, _OPEN_BOLD, {"mark": mark})
            for link in _LINK.finditer(plain):
                yield self.finding(at + link.start(), at + link.end(), _OPEN_LINK)

    def _block(self, text: str, language: str, start: int, end: int) -> Iterator[Finding]:
        code = text[start:end]
        if language == "json" and code.strip():
            try:
                json.loads(code)
            except (ValueError, RecursionError) as error:
                if _ELLIPSIS.search(code):
                    return  # a sketch, not meant to be read by a program
                reason, line = getattr(error, "msg", "too deep"), str(getattr(error, "lineno", 1))
                yield self.finding(start, end, _NO_JSON, {"reason": reason, "line": line})
        elif language in _BRACKETED:
            lone = _lone_bracket(code)
            if lone is not None:
                yield self.finding(start + lone, start + lone + 1, _OPEN_BRACKET, {"what": quote(code[lone])})


def _never_closed(text: str, mark: str) -> list[int]:
    """Where emphasis begins that nothing ends. Between signs (“**Note**:”) a mark ends what is open, else begins it."""
    left_open: list[int] = []
    for place in re.finditer(rf"(?<![\\*_]){re.escape(mark)}(?![*_])", text):
        before, after = text[: place.start()][-1:], text[place.end() :][:1]
        if left_open and before.strip() and not (after.isalnum()):
            left_open.pop()
        elif after.strip() and not before.isalnum():
            left_open.append(place.start())
    return left_open


def _cut(text: str) -> tuple[list[tuple[int, int]], list[tuple[str, int, int]], int | None]:
    """Stretches of prose, code blocks (language, start, end), and where a block begins that has no end."""
    prose, blocks = [], []
    last, opened, mark, language = 0, None, "", ""
    for fence in _FENCE.finditer(text):
        if opened is None:
            prose.append((last, fence.start()))
            opened, mark, language = fence, fence.group(1), fence.group(2).lower()
        elif fence.group(1).startswith(mark) and not fence.group(2):
            blocks.append((language, min(opened.end() + 1, fence.start()), fence.start()))
            opened, last = None, fence.end()
    if opened is not None:
        return prose, blocks, opened.start()
    return [*prose, (last, len(text))], blocks, None


def _lone_bracket(code: str) -> int | None:
    """The first bracket that closes nothing or the last that is never closed; strings and comments do not count."""
    plain = _STRING.sub(lambda found: " " * len(found.group()), code)
    plain = _COMMENT.sub(lambda found: " " * len(found.group()), plain)
    stack: list[tuple[str, int]] = []
    for match in _BRACKETS.finditer(plain):
        bracket = match.group()
        if bracket not in _PAIRS:
            stack.append((bracket, match.start()))
        elif not stack or stack.pop()[0] != _PAIRS[bracket]:
            return match.start()
    return stack[-1][1] if stack else None
