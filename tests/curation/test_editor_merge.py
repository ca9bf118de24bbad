"""Somebody was faster: both changes are put together, and what only a person can decide is left to a person."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from core.models import Assignment, Project, User
from curation.fingerprints import Texts
from curation.models import Draft, Pair, Revision, Task
from curation.services.pairs import pair_revise, pair_submit
from curation.services.tasks import task_create
from tests.world import api_client

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
TEXT = "The beam carries the roof. Ask first."


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


@pytest.fixture
def pair(task: Task, expert: User, owner: User) -> Pair:
    """Its second revision was written by the owner while the expert still had the first one open."""
    pair = pair_submit(actor=expert, task=task, texts=Texts(instruction="Cut it?", response=TEXT, topic="wood"))
    theirs = Texts(instruction="Cut it?", response=TEXT.replace("first", "an engineer"), topic="beams")
    return pair_revise(actor=owner, pair=pair, texts=theirs, version=1)


def form(**changes: Any) -> dict[str, Any]:
    return {
        "instruction": "Cut it?",
        "input": "",
        "response": TEXT,
        "topic": "wood",
        "language": "en",
        "base": 1,
        **changes,
    }


def edit(pair: Pair) -> str:
    return f"/p/{pair.project.slug}/pairs/{pair.pk}/edit/"


def test_changes_at_different_places_are_put_together_and_submitted(pair: Pair, expert: User, as_user: AsUser) -> None:
    answer = as_user(expert).post(edit(pair), form(response=TEXT.replace("beam", "girder")))
    assert answer.status_code == 409
    merged = "The girder carries the roof. Ask an engineer."
    page = answer.content.decode()
    assert f"\n{merged}</textarea>" in page
    assert 'value="beams"' in page
    assert "both changes put together" in page
    assert Revision.objects.count() == 2
    later = (
        as_user(expert).get(edit(pair)).content.decode()
    )  # left and come back to, nothing has to be put together again
    assert f"\n{merged}</textarea>" in later
    assert 'name="base" value="2"' in later
    assert as_user(expert).post(edit(pair), form(response=merged, base=2)).status_code == 302
    assert Revision.objects.order_by("-number")[0].response == merged


def test_the_same_words_changed_twice_are_marked_and_not_taken_until_decided(
    pair: Pair, expert: User, as_user: AsUser
) -> None:
    client = as_user(expert)
    answer = client.post(edit(pair), form(response=TEXT.replace("first", "the architect")))
    marked = "Ask ⟦yours⟧the architect⟦theirs⟧an engineer⟦end⟧."
    assert marked in answer.content.decode()
    again = client.post(edit(pair), form(response=marked, base=2))
    assert again.status_code == 400
    assert b"you have not chosen between the two texts" in again.content
    assert Revision.objects.count() == 2


def test_a_third_writer_in_between_is_met_again(pair: Pair, expert: User, owner: User, as_user: AsUser) -> None:
    pair_revise(actor=owner, pair=pair, texts=Texts(instruction="Cut it?", response="All new."), version=2)
    answer = as_user(expert).post(edit(pair), form(response=TEXT.replace("beam", "girder"), base=2))
    assert answer.status_code == 409
    assert b'name="base" value="3"' in answer.content


def test_a_mending_reviewer_meets_the_same_page(pair: Pair, reviewer: User, owner: User, as_user: AsUser) -> None:
    client = as_user(reviewer)
    address = client.post(f"/p/{pair.project.slug}/review/next/")["Location"]
    newer = Texts(instruction="Cut it?", response="The beam carries the roof. Never.", topic="beams")
    pair_revise(actor=owner, pair=pair, texts=newer, version=2)
    mine = form(response="The big beam carries the roof. Ask an engineer.", topic="beams", base=2)
    answer = client.post(f"{address}mend/", mine)
    assert answer.status_code == 409
    assert "\nThe big beam carries the roof. Never.</textarea>" in answer.content.decode()


def test_what_a_mending_reviewer_types_is_kept_until_it_is_submitted(
    pair: Pair, reviewer: User, as_user: AsUser
) -> None:
    client, root = as_user(reviewer), f"/p/{pair.project.slug}"
    address = client.post(f"{root}/review/next/")["Location"]
    draft = f"{root}/tasks/{pair.task.slug}/drafts/pair-{pair.pk}/"
    assert f'data-autosave="{draft}"' in client.get(f"{address}mend/").content.decode()
    body = json.dumps({"version": 0, "fields": {"response": "Half mend"}})
    known = client.post(draft, body, content_type="application/json").json()["version"]
    assert "\nHalf mend</textarea>" in client.get(f"{address}mend/").content.decode()
    whole = client.post(f"{address}mend/", form(response="Mended.", base=2, version=known))
    assert whole["Location"].endswith(f"?done=pair-{pair.pk}")
    assert f'data-draft-done="pair-{pair.pk}"' in client.get(whole["Location"]).content.decode()
    assert not Draft.objects.exists()


def test_a_program_mends_what_it_holds(pair: Pair, reviewer: User, expert: User) -> None:
    api = api_client(reviewer)
    held = api.post("/api/v1/work-items/claim/", {"kind": "review", "project": pair.project.slug}).json()["id"]
    path = f"/api/v1/work-items/{held}/mend/"
    assert api_client(expert).post(path, {"version": 2, "response": "Mended."}).status_code == 404
    assert api.post(path, {"version": 1, "response": "Mended."}).status_code == 409
    answer = api.post(path, {"version": 2, "response": "Mended."}, format="json")
    assert (answer.status_code, answer.json()["version"], answer.json()["state"]) == (201, 3, "submitted")
    pair.refresh_from_db()
    assert (pair.current.response, pair.current.author) == ("Mended.", reviewer)
    assert Assignment.objects.get(pk=held).state == "submitted"


def test_two_windows_drafts_are_put_together(task: Task, expert: User, viewer: User, as_user: AsUser) -> None:
    path = f"/p/{task.project.slug}/tasks/{task.slug}/merge/"
    turns = [{"role": "user", "content": "x"}]
    body = {
        "base": {"response": TEXT, "topic": "a", "turns": []},
        "yours": {"response": TEXT.replace("beam", "girder"), "topic": "a", "turns": turns},
        "theirs": {"response": TEXT.replace("roof", "floor"), "topic": "b", "turns": []},
    }
    answer = as_user(expert).post(path, json.dumps(body), content_type="application/json").json()
    assert answer == {
        "fields": {"response": "The girder carries the floor. Ask first.", "topic": "b", "turns": turns},
        "conflicts": 0,
    }
    for broken in ("", "[]", '{"base": {}}', '{"base": 1, "yours": 2, "theirs": 3}'):
        assert as_user(expert).post(path, broken, content_type="application/json").status_code == 400
    assert as_user(viewer).post(path, json.dumps(body), content_type="application/json").status_code == 403


def test_the_api_gives_the_text_that_both_began_with(pair: Pair, expert: User) -> None:
    answer = api_client(expert).post(
        f"/api/v1/pairs/{pair.pk}/revisions/", {"version": 1, "response": "Mine."}, format="json"
    )
    assert answer.status_code == 409
    body = answer.json()
    assert (body["base"]["response"], body["yours"]["response"], body["version"]) == (TEXT, "Mine.", 2)
