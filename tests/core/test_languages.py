"""A language is chosen by its name and kept as its code; any other code can be written."""

import re

import pytest
from django.test import Client

from core.languages import language_named, name_of
from core.models import Project, User
from curation.models import Task
from curation.services.tasks import task_create
from tests.world import sign_in


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("Swedish", "sv"),
        (" swedish ", "sv"),
        ("svenska", "sv"),
        ("sv", "sv"),
        ("Brazilian Portuguese", "pt-BR"),
        ("pt-br", "pt-BR"),
        ("Simplified Chinese", "zh-Hans"),
        ("中文", "zh"),
        ("gsw-CH", "gsw-CH"),
        ("tlh", "tlh"),
        ("Klingon", "Klingon"),
    ],
)
def test_a_name_in_english_or_its_own_words_is_a_code_and_others_are_left(typed: str, code: str) -> None:
    assert language_named(typed) == code


def test_every_name_leads_back_to_its_code() -> None:
    for code in ("en", "sv", "ar", "pt-BR", "zh", "zh-Hant", "no", "he"):
        assert name_of(code) != code
        assert language_named(name_of(code)) == code
    assert name_of("gsw-CH") == "gsw-CH"


def language_line(page: str) -> tuple[str, list[tuple[str, str]]]:
    """What stands in the line, and the names that are offered under it with what is said beside them."""
    line = re.search(r'<input[^>]*name="language"[^>]*>', page)
    assert line is not None
    value, names = (re.search(rf'{what}="([^"]*)"', line[0]) for what in ("value", "list"))
    assert value is not None
    assert names is not None
    offered = page.split(f'<datalist id="{names[1]}">')[1].split("</datalist>")[0]
    return value[1], re.findall(r'<option value="([^"]*)">([^<]*)</option>', offered)


@pytest.mark.django_db
def test_a_project_gets_its_language_by_name_and_languages_with_a_dictionary_are_marked(admin: User) -> None:
    client: Client = sign_in(admin)
    value, offered = language_line(client.get("/projects/new/").content.decode())
    names = dict(offered)
    assert (value, names["German"], names["Swedish"]) == ("English", "German, with a dictionary", "")
    assert [name for name, _said in offered] == sorted(names)
    assert client.post("/projects/new/", {"name": "Löner", "language": "Swedish"}).status_code == 302
    project = Project.objects.get()
    assert project.language == "sv"
    path = f"/p/{project.slug}/settings/"
    assert language_line(client.get(path).content.decode())[0] == "Swedish"
    kept = {"name": project.name, "reviewers": "1"}
    assert client.post(path, {**kept, "language": "gsw-CH"}).status_code == 302
    project.refresh_from_db()
    assert project.language == "gsw-CH"
    refused = client.post(path, {**kept, "language": "Klingon"})
    assert refused.status_code == 400
    assert language_line(refused.content.decode())[0] == "Klingon"


@pytest.mark.django_db
def test_a_task_gets_its_language_by_name_too(project: Project, owner: User) -> None:
    client: Client = sign_in(owner)
    assert language_line(client.get(f"/p/{project.slug}/tasks/new/").content.decode())[0] == "English"
    task = task_create(actor=owner, project=project, name="Advise", language="pt-BR")
    path = f"/p/{project.slug}/tasks/{task.slug}/edit/"
    assert language_line(client.get(path).content.decode())[0] == "Brazilian Portuguese"
    given = {
        "name": "Advise", "kind": "expansion", "language": "Deutsch", "max_tokens": 512, "target_pairs": 10,
        "template_choice": "chat", "split": "0.8",
    }  # fmt: skip
    assert client.post(path, given).status_code == 302
    assert Task.objects.get(pk=task.pk).language == "de"
