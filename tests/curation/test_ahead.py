"""The next items are claimed ahead, what a page sends in passing is taken once, unseen work is given back."""

from collections.abc import Callable

import pytest
from django.test import Client

from core.choices import AssignmentState
from core.models import Assignment, Project, User, WorkItem
from curation.access import assignment_access
from curation.fingerprints import Texts
from curation.models import Pair, Review, Task
from curation.services.pairs import pair_submit
from curation.services.tasks import task_create
from curation.views import review

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
JSON = {"Accept": "application/json"}


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


@pytest.fixture
def pairs(task: Task, expert: User) -> list[Pair]:
    return [
        pair_submit(actor=expert, task=task, texts=Texts(instruction=f"question {number}", response="a"))
        for number in range(12)
    ]


def test_the_next_five_are_claimed_and_given_back_when_they_were_not_seen(
    task: Task, pairs: list[Pair], reviewer: User, owner: User, as_user: AsUser
) -> None:
    client, root = as_user(reviewer), f"/p/{task.project.slug}/review"
    first = client.post(f"{root}/next/")["Location"]
    items = client.post(f"{first}ahead/", headers=JSON).json()["items"]
    assert [Assignment.objects.get(pk=item["id"]).item.subject_id for item in items] == [pair.pk for pair in pairs[1:6]]
    assert items[0]["url"] == f"{root}/{items[0]['id']}/"
    assert b"question 1" in client.get(items[0]["url"]).content
    assert b"12 wait" in client.get(first).content
    assert b"9 wait" in client.get(items[2]["url"], headers={"X-Before": "3"}).content, "when it is seen"
    assert client.post(f"{first}ahead/", headers=JSON).json()["items"] == items
    other = as_user(owner)
    assert b"question 6" in other.post(f"{root}/next/", follow=True).content
    WorkItem.objects.exclude(subject_id__in=[pair.pk for pair in pairs[:3]]).update(state="closed")
    few = client.post(f"{first}ahead/", headers=JSON).json()["items"]
    assert [item["id"] for item in few] == [items[0]["id"]]
    WorkItem.objects.update(state="open")
    assert client.post(f"{root}/release/", {"assignment": [item["id"] for item in items]}).status_code == 204
    states = Assignment.objects.filter(user=reviewer).order_by("pk").values_list("state", flat=True)
    assert list(states) == [AssignmentState.CLAIMED, *[AssignmentState.RELEASED] * 5]
    held = other.post(
        f"{root}/release/", {"assignment": [Assignment.objects.filter(user=reviewer).earliest("pk").pk, "x"]}
    )
    assert held.status_code == 204
    assert Assignment.objects.filter(user=reviewer, state=AssignmentState.CLAIMED).count() == 1


def test_a_decision_sent_twice_is_one_and_a_refusal_is_a_sentence(
    task: Task, pairs: list[Pair], reviewer: User, as_user: AsUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, root = as_user(reviewer), f"/p/{task.project.slug}/review"
    first = client.post(f"{root}/next/")["Location"]
    body = {"revision": pairs[0].current_id, "reason": ""}
    refused = client.post(f"{first}return/", body, headers=JSON)
    assert (refused.status_code, refused.json()["detail"]) == (
        400,
        "Say what is wrong, so that the author can mend it.",
    )
    before = Assignment.objects.select_related("item__project").get(state=AssignmentState.CLAIMED)
    assert client.post(f"{first}approve/", body, headers=JSON).json() == {"said": "Approved."}
    assert client.post(f"{first}approve/", body, headers=JSON).json() == {"said": ""}
    with monkeypatch.context() as late:
        late.setattr(
            review, "assignment_access", lambda request, *asked: (assignment_access(request, *asked)[0], before)
        )
        assert client.post(f"{first}approve/", body, headers=JSON).json() == {"said": ""}, "read before the first ended"
    assert Review.objects.count() == 1
    second = client.post(f"{root}/next/")["Location"]
    stale = client.post(f"{second}approve/", {"revision": pairs[0].current_id}, headers=JSON)
    assert stale.status_code == 409
    assert client.post(f"{second}skip/", {"reason": "not mine"}, headers=JSON).json() == {"said": "Skipped."}
    assert Assignment.objects.get(state=AssignmentState.SKIPPED).reason == "not mine"


def test_a_new_pair_sent_twice_by_a_page_that_went_on_is_one(task: Task, expert: User, as_user: AsUser) -> None:
    client, path = as_user(expert), f"/p/{task.project.slug}/tasks/{task.slug}/write/"
    item, *more = client.post(f"{path}ahead/", headers=JSON).json()["items"]
    assert len({one["id"] for one in (item, *more)}) == 5
    assert client.get(item["url"]).status_code == 200
    body = {"instruction": "q", "response": "a", "language": "en", "key": item["id"]}
    for _sent in range(2):
        answer = client.post(path, body, headers=JSON).json()
        assert answer == {"said": "Submitted. Here is the next one.", "done": f"task-{task.pk}-{item['id']}"}
    assert Pair.objects.count() == 1
    refused = client.post(path, {**body, "key": "other", "response": ""}, headers=JSON)
    assert (refused.status_code, refused.json()["detail"]) == (400, "The response is empty.")
