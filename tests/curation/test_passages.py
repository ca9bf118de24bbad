"""Writing from passages as asked-for work: one writer at a time, nobody unknowing, nothing typed in vain."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.choices import AssignmentState, WorkKind
from core.models import Assignment, Notice, Project, User, WorkItem
from core.services.work import work_claim_next
from curation.fingerprints import Texts
from curation.models import Document, Draft, Pair, Passage, Task
from curation.selectors.passages import passages_waiting, writers_now
from curation.services.documents import passages_ask
from curation.services.pairs import pair_submit
from curation.services.tasks import task_create

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
JSON = {"Accept": "application/json"}
TYPED = {"instruction": "Is a permit needed?", "response": "Yes.", "language": "en"}


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


@pytest.fixture
def passages(project: Project, task: Task, owner: User) -> list[Passage]:
    text = "A permit is needed above fifteen square metres."
    document = Document.objects.create(
        project=project, file_name="p.md", kind="text", title="Permits", text=text, characters=len(text), sha256="0"
    )
    made = [Passage.objects.create(document=document, ordinal=n, text=f"{n}. {text}") for n in range(8)]
    passages_ask(actor=owner, task=task, passages=[passage.pk for passage in made])
    return made


def next_passage(user: User, project: Project) -> Assignment:
    held = work_claim_next(user=user, project=project, kind=WorkKind.PASSAGE)
    assert held is not None
    return held


def states(passage: Passage) -> tuple[str, list[str]]:
    item = WorkItem.objects.get(kind=WorkKind.PASSAGE, subject_id=passage.pk)
    return item.state, list(item.assignments.order_by("pk").values_list("state", flat=True))


def test_a_passage_is_held_by_one_writer_and_done_by_their_pair(
    project: Project, task: Task, passages: list[Passage], expert: User, owner: User, as_user: AsUser
) -> None:
    client = as_user(expert)
    page = client.post(f"/p/{project.slug}/work/next/", {"kind": "passage"})["Location"]
    shown = client.get(page).content.decode()
    assert passages[0].text in shown
    assert "Write pairs that this passage answers." in shown
    other = as_user(owner).post(f"/p/{project.slug}/work/next/", {"kind": "passage"}, follow=True).content.decode()
    assert passages[1].text in other
    listed = as_user(owner).get(f"/p/{project.slug}/write/").content.decode()
    assert listed.count("Edda is writing") == 1
    assert client.post(page, TYPED)["Location"].startswith(f"/p/{project.slug}/work/")
    pair = Pair.objects.get()
    assert (pair.passage, pair.task, pair.author) == (passages[0], task, expert)
    assert states(passages[0]) == ("done", ["submitted"])
    again = client.post(page, TYPED, headers=JSON)
    assert (again.status_code, Pair.objects.count()) == (200, 1)


def test_the_next_five_passages_are_claimed_and_given_back(
    project: Project, passages: list[Passage], expert: User, as_user: AsUser
) -> None:
    client = as_user(expert)
    page = client.post(f"/p/{project.slug}/work/next/", {"kind": "passage"})["Location"]
    items = client.post(f"{page}ahead/", headers=JSON).json()["items"]
    held = Assignment.objects.filter(pk__in=[item["id"] for item in items]).order_by("pk")
    assert [hold.item.subject_id for hold in held] == [passage.pk for passage in passages[1:4]]
    assert passages[2].text in client.get(items[1]["url"]).content.decode()
    client.post(f"/p/{project.slug}/work/release/", {"assignment": [item["id"] for item in items]})
    assert states(passages[1]) == ("open", ["released"])


def test_a_second_writer_of_the_same_passage_is_told_who_is_at_it(
    project: Project, task: Task, passages: list[Passage], expert: User, owner: User, as_user: AsUser
) -> None:
    place = f"/p/{project.slug}/passages/{passages[0].pk}/"
    client = as_user(expert)
    work = client.post(f"{place}write/", {"task": task.slug})["Location"]
    assert work.startswith(f"/p/{project.slug}/work/")
    refused = as_user(owner).post(f"{place}write/", {"task": task.slug}, follow=True).content.decode()
    assert "Edda is writing from this passage now; take another." in refused
    # Whoever writes from it freely all the same sees it too, and so does who began freely.
    free = f"/p/{project.slug}/tasks/{task.slug}/write/"
    assert "<bdi>Edda</bdi>" in as_user(owner).get(f"{free}?passage={passages[0].pk}", follow=True).content.decode()
    Draft.objects.create(user=owner, task=task, key=f"passage-{passages[5].pk}-abc", version=1)
    assert writers_now(project, [passages[5].pk], expert) == {passages[5].pk: ["Olga"]}
    Draft.objects.update(updated_at=timezone.now() - timedelta(hours=1))
    assert writers_now(project, [passages[5].pk], expert) == {}
    free_pair = pair_submit(actor=owner, task=task, texts=Texts("Who says?", "We."), passage=passages[0])
    assert (free_pair.passage, states(passages[0])) == (passages[0], ("open", ["claimed"]))
    client.post(work, TYPED)
    assert states(passages[0]) == ("done", ["submitted"])


def test_a_hold_that_ran_out_loses_neither_draft_nor_pair(
    project: Project, task: Task, passages: list[Passage], expert: User, owner: User, as_user: AsUser
) -> None:
    held = next_passage(expert, project)
    client, key = as_user(expert), f"passage-{passages[0].pk}-work{held.pk}"
    kept = client.post(
        f"/p/{project.slug}/tasks/{task.slug}/drafts/{key}/",
        {"version": 0, "fields": {"instruction": "Is a per"}}, content_type="application/json",
    )  # fmt: skip
    known = kept.json()["version"]
    begun = f"/p/{project.slug}/tasks/{task.slug}/write/?key={key}"
    assert client.get(begun)["Location"] == f"/p/{project.slug}/work/{held.pk}/"
    Assignment.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert next_passage(owner, project).item == held.item
    assert client.post(f"/p/{project.slug}/work/{held.pk}/renew/").status_code == 410
    there = client.get(f"/p/{project.slug}/work/{held.pk}/")["Location"]
    assert there.endswith(f"/write/?key={key}")
    assert "Is a per" in client.get(there).content.decode()
    assert "Is a per" in client.get(f"/p/{project.slug}/write/").content.decode()
    free = client.get(begun).content.decode()
    assert "Is a per" in free
    assert passages[0].text in free
    client.post(f"/p/{project.slug}/work/{held.pk}/", {**TYPED, "version": known})
    assert Pair.objects.get().passage == passages[0]
    assert states(passages[0]) == ("open", ["released", "claimed"])
    assert not Draft.objects.exists()


def test_one_more_pair_from_the_same_passage_and_a_skip(
    project: Project, task: Task, passages: list[Passage], expert: User, as_user: AsUser
) -> None:
    client = as_user(expert)
    page = client.post(f"/p/{project.slug}/work/next/", {"kind": "passage"})["Location"]
    more = client.post(page, {**TYPED, "more": "yes"})["Location"]
    assert more.startswith(f"/p/{project.slug}/tasks/{task.slug}/write/?new=1&passage={passages[0].pk}&done=")
    assert passages[0].text in client.get(more, follow=True).content.decode()
    page = client.post(f"/p/{project.slug}/work/next/", {"kind": "passage"})["Location"]
    client.post(f"{page}skip/", {"reason": "A table without its head"})
    assert states(passages[1]) == ("open", ["skipped"])
    history = client.get(f"/p/{project.slug}/work/").content.decode()
    assert "A table without its head" in history
    assert f'href="/p/{project.slug}/passages/{passages[1].pk}/"' in history
    empty = client.post(
        page.replace(page.split("/")[-2], str(Assignment.objects.latest("pk").pk)), {**TYPED, "response": ""}
    )
    assert empty.status_code == 400
    assert passages[2].text in empty.content.decode()


def test_a_program_claims_a_passage_and_writes_from_it(
    project: Project, task: Task, passages: list[Passage], expert: User, stranger: User, api_as: Any
) -> None:
    client = api_as(expert)
    held = client.post("/api/v1/work-items/claim/", {"project": project.slug, "kind": "passage"}).json()
    assert (held["passage"]["text"], held["passage"]["task"]) == (passages[0].text, task.pk)
    made = client.post(f"/api/v1/work-items/{held['id']}/pair/", {"instruction": "Needed?", "response": "Yes."})
    assert (made.status_code, made.json()["passage"]) == (201, passages[0].pk)
    twice = client.post(f"/api/v1/work-items/{held['id']}/pair/", {"instruction": "Needed?", "response": "Yes."})
    assert twice.json()["id"] == made.json()["id"]
    assert states(passages[0]) == ("done", ["submitted"])
    one = client.get(f"/api/v1/passages/{passages[1].pk}/").json()
    assert (one["text"], one["writers"]) == (passages[1].text, [])
    assert api_as(stranger).get(f"/api/v1/passages/{passages[1].pk}/").status_code == 404


def test_people_talk_about_a_passage_and_who_is_named_finds_it(
    project: Project, passages: list[Passage], expert: User, viewer: User, owner: User, as_user: AsUser, api_as: Any
) -> None:
    place = f"/p/{project.slug}/passages/{passages[0].pk}/"
    client = as_user(expert)
    assert client.post(f"{place}comments/", {"body": "Is this in force, @Olga?"})["Location"] == f"{place}#thread"
    notice = Notice.objects.get()
    assert (notice.user, notice.kind, notice.url) == (owner, "mentioned", place)
    assert "Is this in force" in as_user(owner).get(notice.url).content.decode()
    assert as_user(viewer).post(f"{place}comments/", {"body": "No."}).status_code == 403
    said = api_as(owner).post(f"/api/v1/passages/{passages[0].pk}/comments/", {"body": "Yes, @Edda."})
    assert said.json()["mentioned"] == [{"id": expert.pk, "name": "Edda"}]
    rows = api_as(viewer).get(f"/api/v1/passages/{passages[0].pk}/comments/").json()["results"]
    assert [row["body"] for row in rows] == ["Yes, @Edda.", "Is this in force, @Olga?"]
    settled = api_as(expert).post(f"/api/v1/passages/{passages[0].pk}/thread/", {"settled": True})
    assert settled.json()["state"] == "settled"
    client.post(f"{place}thread/", {"settled": ""})
    removed = client.post(f"/p/{project.slug}/comments/{rows[1]['id']}/remove/")
    assert removed["Location"] == place


def test_lists_of_passages_cost_the_same_however_many_there_are(
    project: Project, task: Task, passages: list[Passage], expert: User, django_assert_num_queries: Any
) -> None:
    next_passage(expert, project)
    with django_assert_num_queries(4):
        assert [row.writer for row in passages_waiting(project)] == ["Edda", *[""] * 7]
    assert {hold.state for hold in Assignment.objects.all()} == {AssignmentState.CLAIMED}
