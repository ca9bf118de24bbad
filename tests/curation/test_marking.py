"""One pair's tags, topic and assignee, set on its page or by a program."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from core.models import Event, Notice, Project, User
from curation.choices import Decision, PairState
from curation.fingerprints import Texts
from curation.models import Pair, Task
from curation.services.pairs import pair_submit, pair_trash
from curation.services.reviews import review_decide
from curation.services.tasks import guideline_save, task_create

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


@pytest.fixture
def pair(task: Task, expert: User, reviewer: User, owner: User) -> Pair:
    guideline_save(actor=owner, task=task, text="Be brief.", number=0)
    made = pair_submit(actor=expert, task=task, texts=Texts(instruction="How high?", response="1.1 metres."))
    review_decide(actor=reviewer, pair=made, revision_id=made.current_id or 0, decision=Decision.APPROVE)
    made.refresh_from_db()
    return made


def test_an_owner_tags_places_and_assigns_a_pair_on_its_page(
    pair: Pair, owner: User, expert: User, as_user: AsUser
) -> None:
    client, page = as_user(owner), f"/p/{pair.project.slug}/pairs/{pair.pk}/"
    form = {"tags": " law, hard,law ,", "topic": "Fences", "assignee": str(expert.pk)}
    assert client.post(f"{page}marks/", form)["Location"] == page
    pair.refresh_from_db()
    assert (pair.tags, pair.topic, pair.assignee, pair.version) == (["law", "hard"], "Fences", expert, 2)
    # Only the topic is new: the text, its edition and its approval are what they were.
    assert pair.current is not None
    assert (pair.state, pair.approved_id, pair.current.guideline) == (PairState.APPROVED, pair.current_id, 1)
    assert pair.current.reviews.get().guideline == 1
    notice = Notice.objects.get(kind="assigned")
    assert (notice.user, notice.url, notice.text) == (expert, page, "How high?")
    shown = client.get(page).content.decode()
    assert ">law</a>, <a" in shown
    assert shown.count("guidelines 1</a>") == 4  # two revisions, and the review of each
    client.post(f"{page}marks/", form)
    assert Event.objects.filter(action="pair.marked").count() == 1
    client.post(f"{page}marks/", {**form, "assignee": ""})
    pair.refresh_from_db()
    assert (pair.assignee, pair.version) == (None, 2)


def test_a_writer_tags_and_assigns_nobody(pair: Pair, expert: User, viewer: User, owner: User, as_user: AsUser) -> None:
    page = f"/p/{pair.project.slug}/pairs/{pair.pk}/"
    client = as_user(expert)
    assert "Assigned to" not in client.get(page).content.decode()
    client.post(f"{page}marks/", {"tags": "law", "topic": "", "assignee": str(owner.pk)})
    refused = client.post(f"{page}marks/", {"tags": "x" * 41, "topic": "Roofs"})
    assert (refused.status_code, b"1 to 40 letters" in refused.content) == (400, True)
    assert as_user(viewer).post(f"{page}marks/", {"tags": "no"}).status_code == 403
    pair.refresh_from_db()
    assert (pair.tags, pair.topic, pair.assignee) == (["law"], "", None)
    pair_trash(actor=owner, pair=pair)
    assert client.post(f"{page}marks/", {"tags": "gone"}).status_code == 302
    pair.refresh_from_db()
    assert pair.tags == ["law"]


def test_a_program_changes_what_it_names(pair: Pair, expert: User, owner: User, stranger: User, api_as: Any) -> None:
    address = f"/api/v1/pairs/{pair.pk}/"
    marked = api_as(expert).patch(address, {"tags": ["law"]}, format="json")
    assert (marked.status_code, marked.json()["tags"], marked["ETag"]) == (200, ["law"], '"1"')
    assert api_as(expert).patch(address, {"assignee": expert.pk}, format="json").status_code == 403
    assigned = api_as(owner).patch(address, {"assignee": expert.pk, "topic": "Fences"}, format="json").json()
    assert (assigned["assignee"]["id"], assigned["current"]["topic"], assigned["tags"]) == (
        expert.pk,
        "Fences",
        ["law"],
    )
    refused = api_as(owner).patch(address, {"assignee": stranger.pk}, format="json")
    assert (refused.status_code, "member of this project" in refused.content.decode()) == (400, True)
    assert api_as(owner).patch(address, {"assignee": None}, format="json").json()["assignee"] is None
