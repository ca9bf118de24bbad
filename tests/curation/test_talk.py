"""Threads on pairs, and what curation puts into inboxes: returned texts, assignments, changed guidelines."""

from typing import Any

import pytest

from core.jobs import JobContext, job_claim
from core.models import Comment, Job, Notice, Project, User
from core.registries import Erased
from core.scrubbing import Needles
from core.services.threads import comment_add
from curation.choices import BulkKind, Decision
from curation.fingerprints import Texts
from curation.models import BulkAction, Pair, Task
from curation.selectors.pair_filters import pairs_filtered
from curation.services.bulk import bulk_run, bulk_start
from curation.services.pairs import pair_submit
from curation.services.reviews import review_decide
from curation.services.talk import talk_erase
from curation.services.tasks import guideline_save, task_create
from tests.world import api_client, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


@pytest.fixture
def pair(task: Task, expert: User) -> Pair:
    return pair_submit(actor=expert, task=task, texts=Texts(instruction="What?", response="That."))


def kinds(user: User) -> list[str]:
    return list(Notice.objects.filter(user=user).order_by("pk").values_list("kind", flat=True))


def test_a_pair_has_a_thread_that_its_filter_finds(
    task: Task, pair: Pair, expert: User, reviewer: User, viewer: User, stranger: User
) -> None:
    base = f"/p/{task.project.slug}/pairs/{pair.pk}"
    assert not pairs_filtered(task, {"thread": "any"}).exists()
    sign_in(reviewer).post(f"{base}/comments/", {"body": "Why so, @Edda? <i>x</i>"})
    page = sign_in(viewer).get(f"{base}/").content.decode()
    assert "Why so, <strong>@Edda</strong>? &lt;i&gt;x&lt;/i&gt;" in page
    assert "Say something about it" not in page
    assert sign_in(viewer).post(f"{base}/comments/", {"body": "No."}).status_code == 403
    assert sign_in(stranger).post(f"{base}/comments/", {"body": "No."}).status_code == 404
    assert Comment.objects.count() == 1
    assert kinds(expert) == ["mentioned"]
    assert list(pairs_filtered(task, {"thread": "open"})) == [pair]
    sign_in(expert).post(f"{base}/thread/", {"settled": "yes"})
    assert not pairs_filtered(task, {"thread": "open"}).exists()
    assert list(pairs_filtered(task, {"thread": "settled"})) == [pair]


def test_the_api_talks_about_a_pair(pair: Pair, expert: User, viewer: User) -> None:
    address = f"/api/v1/pairs/{pair.pk}"
    said = api_client(expert).post(f"{address}/comments/", {"body": "So, @Vera?"}, format="json")
    assert (said.status_code, said.json()["mentioned"]) == (201, [{"id": viewer.pk, "name": "Vera"}])
    assert [row["body"] for row in api_client(viewer).get(f"{address}/comments/").json()["results"]] == ["So, @Vera?"]
    assert api_client(viewer).post(f"{address}/comments/", {"body": "No."}, format="json").status_code == 403
    settled = api_client(expert).post(f"{address}/thread/", {"settled": True}, format="json")
    assert settled.json()["state"] == "settled"


def test_a_returned_text_is_in_its_authors_inbox(pair: Pair, expert: User, reviewer: User) -> None:
    review_decide(
        actor=reviewer, pair=pair, revision_id=pair.current_id or 0, decision=Decision.RETURN, reason="Too short."
    )
    notice = Notice.objects.get()
    assert (notice.user, notice.kind, notice.text) == (expert, "returned", "Too short.")
    assert notice.url == f"/p/{pair.project.slug}/pairs/{pair.pk}/"


def test_an_assignment_is_told_with_how_many(task: Task, pair: Pair, owner: User, expert: User) -> None:
    pair_submit(actor=owner, task=task, texts=Texts(instruction="Who?", response="Them."))
    action = bulk_start(actor=owner, task=task, kind=BulkKind.ASSIGN, value=str(expert.pk), query={}, key="abcdefgh")
    Job.objects.filter(state="queued").exclude(pk=action.job_id).update(state="held")
    job = job_claim(queue="default", worker="test")
    assert job is not None
    bulk_run(BulkAction.objects.get(), JobContext(job), lambda: None)
    notice = Notice.objects.get()
    assert (notice.user, notice.kind, notice.count) == (expert, "assigned", 2)
    page = sign_in(expert).get(notice.url).content.decode()
    assert page.count('class="row-link') == 2


def test_changed_guidelines_reach_those_whose_work_they_touch(
    task: Task, pair: Pair, owner: User, expert: User, reviewer: User, viewer: User
) -> None:
    review_decide(actor=reviewer, pair=pair, revision_id=pair.current_id or 0, decision=Decision.APPROVE)
    guideline_save(actor=owner, task=task, text="A comma.", number=0)
    assert not Notice.objects.exists()
    client = sign_in(owner)
    client.post(
        f"/p/{task.project.slug}/tasks/{task.slug}/guidelines/", {"text": "Be kind.", "number": "1", "reflags": "on"}
    )
    assert (kinds(expert), kinds(reviewer), kinds(owner), kinds(viewer)) == (["guidelines"], ["guidelines"], [], [])
    for user in (expert, reviewer):
        page = sign_in(user).get(Notice.objects.get(user=user).url).content.decode()
        assert page.count('class="row-link') == 1
    assert (
        "The guidelines changed since"
        in sign_in(expert).get(f"/p/{task.project.slug}/pairs/{pair.pk}/").content.decode()
    )


def test_the_page_of_a_pair_costs_the_same_however_much_was_said(
    pair: Pair, expert: User, django_assert_num_queries: Any
) -> None:
    client = sign_in(expert)
    address = f"/p/{pair.project.slug}/pairs/{pair.pk}/"
    for number in range(10):
        client.post(f"{address}comments/", {"body": f"Number {number}"})
    client.get(address)  # what the installation keeps for a minute is there now
    with django_assert_num_queries(18):
        client.get(address)


def test_erasing_a_pair_takes_what_was_said_about_it(task: Task, pair: Pair, expert: User, reviewer: User) -> None:
    other = pair_submit(actor=expert, task=task, texts=Texts(instruction="Who?", response="Them."))
    for about in (pair, other):
        url = f"/p/{task.project.slug}/pairs/{about.pk}/"
        comment_add(actor=reviewer, project=task.project, subject=("pair", about.pk), url=url, body="A name, @Edda.")
    gone = Erased(task.project, frozenset(), frozenset({pair.pk}), Needles())
    assert talk_erase(gone) == {"comments": 1}
    assert Comment.objects.get().thread.subject_id == other.pk
    assert sorted(Notice.objects.values_list("subject_id", "text")) == [(pair.pk, ""), (other.pk, "A name, @Edda.")]
    assert talk_erase(Erased(task.project, frozenset(), frozenset(), Needles(), person=reviewer)) == {"comments": 1}
    assert (Comment.objects.get().body, set(Notice.objects.values_list("text", flat=True))) == ("", {""})
