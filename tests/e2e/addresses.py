"""Every page of the product, with the objects that the walk made: from the table of URLs and from the sign-in's own."""

import re
from collections.abc import Iterator
from typing import Any

from django.urls import get_resolver, reverse

from tests.architecture.matrix import ROWS
from tests.architecture.test_matrix import THEIRS, our_urls
from tests.e2e.walk import Walk

# parts of pages, files, what programs ask for, and a held answer, which looks like the round's own page
NOT_DRAWN = re.compile(
    r"-(live|panel|export|problems|card|recipe|file)$|^training:stage-|^(schema|metrics|curation:suggestions)$"
    r"|^api-(?!docs$)|^evaluation:grade-hold$"
)
OTHERS = {
    "training:run-edit/run": "draft",
    "training:run-check/run": "draft",
    "curation:pair-edit/pair": "waiting",
    "curation:work/assignment": "asked",
    "curation:adjudicate/assignment": "choice",
}


def methods_of(row: Any) -> str:
    """A row is (methods, need), or a list of such where the methods differ in what they need."""
    return " ".join(methods for methods, _need in (row if isinstance(row, list) else [row]))


def page_names() -> list[str]:
    """The names of all URLs that answer a GET with a whole page."""
    found = [name for name, row in ROWS.items() if "GET" in methods_of(row).split()]
    return [name for name in found if not NOT_DRAWN.search(name)]


def address(walk: Walk, name: str) -> str:
    parameters = dict(our_urls(get_resolver().url_patterns))[name]
    return reverse(name, kwargs={parameter: value(walk, name, parameter) for parameter in parameters})


def value(walk: Walk, name: str, parameter: str) -> Any:
    """What the walk made for this parameter of this URL."""
    if name == "lineage":
        return {"project": walk.ids["project"], "kind": "model_version", "number": walk.ids["model_version"]}[parameter]
    if name.startswith("training:model") and parameter == "version":
        return walk.ids["model_version"]
    return walk.ids[OTHERS.get(f"{name}/{parameter}", parameter)]


def sign_in_pages() -> list[str]:
    """The paths of the sign-in's own pages that need no parameter."""
    return sorted(set(bare(get_resolver().url_patterns, "/")))


def bare(patterns: Any, root: str) -> Iterator[str]:
    for entry in patterns:
        path = root + str(entry.pattern)
        if "<" in path or "(" in path:
            continue
        if hasattr(entry, "url_patterns"):
            yield from bare(entry.url_patterns, path)
        elif entry.name and entry.name.startswith(THEIRS):
            yield path
