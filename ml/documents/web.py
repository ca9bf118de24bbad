"""Web pages, as HTML or as a browser's one-file archive: the main text, without menus, footers and notices."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import trafilatura
from lxml import html as lxml_html

from ml.documents.shapes import Budget, Document, DocumentError, one_line, tidy
from ml.phrases import gettext_noop

_SAVED_FROM = re.compile(rb"<!--\s*saved from url=\(\d+\)(\S+)\s*-->")
_ADDRESS = re.compile(r"https?://[^\s<>\"']{1,500}\Z")
_LEAST = 25  # characters: less is a picture page or a redirect
_DEEPEST = 256  # nested elements; a page of a person has dozens


def read_html(path: Path, name: str, budget: Budget) -> Iterator[Document]:
    """The one document of a saved page. Raises DocumentError when it has no main text."""
    yield page_document(path.read_bytes(), name, budget)


def read_mhtml(path: Path, name: str, budget: Budget) -> Iterator[Document]:
    """The page itself; pictures and frames that were saved with it are left aside."""
    with path.open("rb") as file:
        message = email.message_from_binary_file(file, policy=email.policy.default)
    page = next((part for part in message.walk() if part.get_content_type() in _PAGE_TYPES), None)
    if not isinstance(page, EmailMessage):
        raise DocumentError(gettext_noop("The archive holds no web page."))
    data = page.get_payload(decode=True)
    if not isinstance(data, bytes) or not data:
        raise DocumentError(gettext_noop("The archive's page is empty."))
    budget.unpack(len(data))
    address = str(message.get("Snapshot-Content-Location") or page.get("Content-Location") or "")
    charset = page.get_content_charset()
    yield page_document(in_utf8(data, charset), name, budget, address=address)


_PAGE_TYPES = ("text/html", "application/xhtml+xml")


def in_utf8(data: bytes, charset: str | None) -> bytes | str:
    """Decoded by the archive's own word where it holds; else the page's header decides."""
    try:
        return data.decode(charset) if charset else data
    except (LookupError, UnicodeDecodeError):
        return data


def page_document(page: bytes | str, name: str, budget: Budget, address: str = "") -> Document:
    """The main text of one page. Raises DocumentError when it has none."""
    budget.tick()
    tree = trafilatura.load_html(page)
    if tree is None:
        raise DocumentError(gettext_noop("This is not a web page, or its markup cannot be read."))
    if depth_of(tree) > _DEEPEST:
        raise DocumentError(gettext_noop("The page nests its elements more than %(most)d deep."), most=_DEEPEST)
    raw = page.encode("utf-8", "replace") if isinstance(page, str) else page
    saved = _SAVED_FROM.search(raw[:4096])
    address = address or (saved.group(1).decode("ascii", "replace") if saved else "")
    facts: Any = trafilatura.extract_metadata(tree, default_url=address or None)
    text = main_text(page, budget)
    title = one_line(facts.title if facts else "") or one_line(tree.findtext(".//title")) or Path(name).stem
    return Document(
        title, text, "html", address=web_address(address or (facts.url if facts else "")),
        license=licence_note(tree) or one_line(facts.license if facts else ""),
        language=one_line(tree.get("lang"), 12), date=one_line(facts.date if facts else "", 40),
    )  # fmt: skip


def main_text(page: bytes | str, budget: Budget) -> str:
    """What trafilatura takes for the page's own text, as Markdown. Raises DocumentError when there is hardly any."""
    found = trafilatura.extract(
        page, output_format="markdown", include_links=False, include_images=False, include_comments=False,
        include_tables=True, include_formatting=True,
    )  # fmt: skip
    text = tidy(found or "", budget.limits)
    if len(text) < _LEAST:
        raise DocumentError(gettext_noop("No main text was found on this page."))
    return text


def depth_of(tree: Any) -> int:
    """How deep elements are nested, counted no further than a little beyond what is allowed."""
    deepest, level, stack = 0, 1, [iter(tree)]
    while stack:
        child = next(stack[-1], None)
        if child is None:
            stack.pop()
            continue
        level = len(stack) + 1
        deepest = max(deepest, level)
        if deepest > _DEEPEST:
            break
        stack.append(iter(child))
    return deepest


def licence_note(tree: lxml_html.HtmlElement) -> str:
    """What the page says about its licence: a `rel="license"` link, or a rights statement in its head."""
    for node in tree.xpath("//a[contains(concat(' ', @rel, ' '), ' license ')] | //link[@rel='license']"):
        text, target = one_line(node.text_content() or ""), one_line(node.get("href"), 200)
        return " ".join(filter(None, (text, f"({target})" if text and target else target)))
    names = ("dcterms.license", "dc.rights", "dcterms.rights", "license", "copyright", "rights")
    for node in tree.xpath("//meta[@name]"):
        if str(node.get("name")).lower() in names and node.get("content"):
            return one_line(node.get("content"))
    return ""


def web_address(value: object) -> str:
    """The value if it is an address of the web, else ""."""
    text = one_line(value, 500)
    return text if _ADDRESS.match(text) else ""
