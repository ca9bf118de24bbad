"""Details in the audit log are words, whatever a service recorded."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from core.models import Project, User
from core.selectors.event_words import LABELS, event_words
from core.services.events import event_record

ROOT = Path(__file__).resolve().parents[2]


def recorded() -> set[str]:
    """The names under which services give details to the audit log, as their calls are written."""
    given = {"actor", "action", "project", "subject", "summary", None}
    names: set[str | None] = set()
    for app in ("core", "curation", "training", "evaluation", "home"):
        for path in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "event_record":
                    names |= {keyword.arg for keyword in node.keywords}
    return {name for name in names - given if name}


def test_every_name_that_services_record_has_its_words() -> None:
    assert recorded() - LABELS.keys() == set()
    assert "approved_before" in recorded()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "none"),
        ("", "none"),
        ([], "none"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (12, "12"),
        ("second_person", "second person"),
        ("http://a_b/c", "http://a_b/c"),
        (["name", "train_share"], "name, train share"),
        ({"is_on": False, "share": 0.5}, "switched on no, share 0.5"),
    ],
)
def test_what_was_recorded_is_said_in_words(value: Any, words: str) -> None:
    assert event_words({"changed": value}) == [("changed", words)]


@pytest.mark.django_db
def test_the_page_shows_words_where_the_program_has_none(
    project: Project, owner: User, as_user: Callable[[User], Client]
) -> None:
    event_record(
        actor=owner, action="pair.approved", project=project, version=2, basis="second_person", approved_before=None,
        items=3,
    )  # fmt: skip
    page = as_user(owner).get(f"/p/{project.slug}/audit/").content.decode()
    for words in ("approved before, as revision: <bdi>none</bdi>", "read by: <bdi>second person</bdi>"):
        assert words in page
    assert "questions: <bdi>3</bdi>" in page, "a detail named “items” is one"
    assert "None" not in page[page.index("<tbody") :]
