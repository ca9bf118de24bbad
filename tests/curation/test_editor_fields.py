"""System prompt and earlier turns in the editor, and what it says of a text while it is typed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from core import registries
from core.models import Job, Project, User
from core.models import Tokenizer as TokenizerRow
from curation.fingerprints import Texts
from curation.models import Draft, Pair, Revision, Task
from curation.selectors.tokens import usual_tokenizer
from curation.services.counting import counting_due
from curation.services.pairs import pair_submit
from curation.services.tasks import task_create
from ml.prompting import Tokenizer
from ml.tiny import make_tiny_model
from tests.world import run_jobs

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
TURNS = [{"role": "user", "content": "Is it wood?"}, {"role": "assistant", "content": "It is.\nOak."}]


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


@pytest.fixture(scope="session")
def tiny_folder() -> Path:
    folder = settings.MODEL_STORE / "base" / "editor-tiny"
    if not folder.exists():
        make_tiny_model(folder)
    return Path(folder)


@pytest.fixture
def tokenizer(task: Task, tiny_folder: Path) -> Tokenizer:
    """The task meters with a real tokenizer."""
    found = Tokenizer.load(tiny_folder)
    folder = str(tiny_folder.relative_to(settings.MODEL_STORE))
    task.tokenizer = TokenizerRow.objects.create(fingerprint=found.fingerprint, name="Tiny", folder=folder)
    task.save()
    return found


def test_a_model_that_comes_later_does_not_change_what_tokens_are_counted_by() -> None:
    TokenizerRow.objects.create(fingerprint="1" * 64, name="Starter", folder="base/smollm2-135m-instruct")
    TokenizerRow.objects.create(fingerprint="0" * 64, name="Another", folder="base/another")
    assert str(usual_tokenizer()) == "Starter"


def test_texts_that_came_before_the_first_model_are_counted_once_it_is_there(
    task: Task, expert: User, tiny_folder: Path
) -> None:
    pair = pair_submit(actor=expert, task=task, texts=Texts(instruction="How thick?", response="Two fingers."))
    counting_due()
    assert Revision.objects.get(pk=pair.current_id).tokens is None
    folder = str(tiny_folder.relative_to(settings.MODEL_STORE))
    TokenizerRow.objects.create(fingerprint="0" * 64, name="Tiny", folder=folder)
    for _time in range(2):
        counting_due()
    assert Job.objects.filter(kind="recheck").count() == task.project.tasks.count()
    run_jobs()
    assert Revision.objects.get(pk=pair.current_id).tokens
    assert counting_due in registries.chores


def at(task: Task, path: str) -> str:
    return f"/p/{task.project.slug}/tasks/{task.slug}/{path}"


def put(client: Client, path: str, body: Any) -> HttpResponse:
    return client.post(path, json.dumps(body), content_type="application/json")


def form(**changes: Any) -> dict[str, Any]:
    return {
        "instruction": "How thick?", "input": "", "response": "Two fingers.", "language": "en", "topic": "",
        "system": "Be brief.", "turn_role": ["user", "assistant", "user"],
        "turn_content": ["Is it wood?", "It is.\r\nOak.", "  "], "key": "k", "base": 0, **changes,
    }  # fmt: skip


def test_system_prompt_and_turns_are_stored_and_an_empty_turn_is_left_out(
    task: Task, expert: User, as_user: AsUser
) -> None:
    assert as_user(expert).post(at(task, "write/"), form()).status_code == 302
    revision = Revision.objects.get()
    assert (revision.system, revision.turns) == ("Be brief.", TURNS)


def test_turns_can_be_changed_reordered_and_removed(task: Task, expert: User, as_user: AsUser) -> None:
    texts = Texts(instruction="How thick?", response="Two fingers.", turns=TURNS, system="Be brief.")
    pair = pair_submit(actor=expert, task=task, texts=texts)
    page = as_user(expert).get(f"/p/{task.project.slug}/pairs/{pair.pk}/edit/").content.decode()
    assert page.index("Is it wood?") < page.index("Oak.")
    body = form(turn_role=["assistant"], turn_content=["It is.\nAsh."], system="", base=1)
    assert as_user(expert).post(f"/p/{task.project.slug}/pairs/{pair.pk}/edit/", body).status_code == 302
    newest = Revision.objects.order_by("-number")[0]
    assert (newest.system, newest.turns) == ("", [{"role": "assistant", "content": "It is.\nAsh."}])
    history = as_user(expert).get(f"/p/{task.project.slug}/pairs/{pair.pk}/").content.decode()
    assert "Ash" in history
    assert "Earlier turns" in history


def test_a_draft_keeps_turns_and_system_prompt_and_gives_them_back(task: Task, expert: User, as_user: AsUser) -> None:
    client = as_user(expert)
    fields = {"system": "Be brief.", "turns": [*TURNS, {"role": "user", "content": ""}], "response": "x"}
    assert put(client, at(task, "drafts/k/"), {"version": 0, "fields": fields}).json()["version"] > 0
    assert Draft.objects.get().fields == {"system": "Be brief.", "turns": TURNS, "response": "x"}
    page = client.get(at(task, "write/?key=k")).content.decode()
    assert "Be brief." in page
    assert "Oak." in page


@pytest.mark.parametrize(
    "turns",
    ["x", [1], [{"role": "system", "content": "x"}], [{"role": "user"}], [{"role": "user", "content": "x"}] * 101],
)
def test_what_is_no_turn_is_refused_and_nothing_stored(task: Task, expert: User, as_user: AsUser, turns: Any) -> None:
    body = {"version": 0, "fields": {"turns": turns}}
    assert put(as_user(expert), at(task, "drafts/k/"), body).status_code == 400
    assert put(as_user(expert), at(task, "look/"), body).status_code == 400
    assert not Draft.objects.exists()


def test_a_form_with_a_made_up_role_is_shown_again_with_what_was_typed(
    task: Task, expert: User, as_user: AsUser
) -> None:
    answer = as_user(expert).post(at(task, "write/"), form(turn_role=["system"], turn_content=["kept words"]))
    assert answer.status_code == 400
    assert b"kept words" in answer.content
    assert not Pair.objects.exists()


def test_a_nul_character_in_a_turn_is_refused(task: Task, expert: User, as_user: AsUser) -> None:
    answer = as_user(expert).post(at(task, "write/"), form(turn_role=["user"], turn_content=["a\x00b"]))
    assert answer.status_code == 400
    assert not Pair.objects.exists()


def test_looking_says_what_was_found_and_stores_nothing(
    task: Task, expert: User, reviewer: User, as_user: AsUser
) -> None:
    for user in (expert, reviewer):
        answer = put(as_user(user), at(task, "look/"), {"fields": {"response": "A fense."}}).json()
        assert [found["excerpt"] for found in answer["findings"]["response"]] == ["fense"]
    assert not Draft.objects.exists()


def test_the_limit_is_given_as_a_place_in_the_response(
    task: Task, tokenizer: Tokenizer, expert: User, as_user: AsUser
) -> None:
    fields = {"instruction": "How thick?", "response": "Two fingers thick, no more. " * 30}
    client = as_user(expert)
    task.max_tokens = 4000
    task.save()
    whole = put(client, at(task, "look/"), {"fields": fields}).json()["tokens"]
    assert whole["cut"] is None
    task.max_tokens = whole["used"] - 20
    task.save()
    cut = put(client, at(task, "look/"), {"fields": fields}).json()["tokens"]
    assert cut["used"] == whole["used"]
    assert tokenizer.count(fields["response"][cut["cut"] :]) == pytest.approx(19, abs=2)
    task.max_tokens = 16
    task.save()
    assert (
        put(client, at(task, "look/"), {"fields": {**fields, "instruction": "why " * 99}}).json()["tokens"]["cut"] == 0
    )


def test_the_pair_is_shown_token_by_token_as_the_model_will_see_it(
    task: Task, tokenizer: Tokenizer, expert: User, as_user: AsUser
) -> None:
    fields = {"instruction": "How thick?", "response": "Två fingrar 🙂.", "turns": TURNS, "system": "Be brief."}
    page = put(as_user(expert), at(task, "seen/"), {"fields": fields}).content.decode()
    assert "Be brief." in "".join(page.split('<span class="token" data-kind="context">')).replace("</span>", "")
    trained = [part.split("</span>")[0] for part in page.split('<span class="token" data-kind="trained">')[2:]]
    assert trained[:7] == ["T", "v", "å", " f", "i", "n", "g"]
    assert "".join(trained).startswith("Två fingrar 🙂.")
    assert "by Tiny" in page
