"""Actions over a whole filter: each kind, its refusals, its undoing, and what happens when it is interrupted."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from core.denied import ApplicationError
from core.jobs import JobContext, JobDrained, job_claim
from core.models import Event, Job, Project, User, WorkItem
from core.services.jobs import job_stop
from curation.choices import BulkKind, Decision
from curation.fingerprints import Texts
from curation.models import BulkAction, BulkRow, Pair, Revision, Task
from curation.selectors.pair_filters import pairs_filtered
from curation.services import bulk
from curation.services.building import version_build
from curation.services.bulk import bulk_run, bulk_start, bulk_undo
from curation.services.glossary import glossary_add
from curation.services.pairs import pair_revise, pair_submit, pair_trash
from curation.services.reviews import review_decide
from curation.services.tasks import task_create
from curation.services.verifying import version_sha256
from curation.services.versions import version_freeze
from tests.world import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


def write(task: Task, user: User, name: str, response: str = "An answer.", topic: str = "") -> Pair:
    return pair_submit(actor=user, task=task, texts=Texts(instruction=name, response=response, topic=topic))


def approve(pair: Pair, reviewer: User) -> Pair:
    review_decide(actor=reviewer, pair=pair, revision_id=pair.current_id or 0, decision=Decision.APPROVE)
    pair.refresh_from_db()
    return pair


def carry_out(action: BulkAction, steps: Callable[[], None] = lambda: None) -> BulkAction:
    """What the worker does with it, within the test's transaction."""
    Job.objects.filter(state="queued").exclude(pk=action.job_id).update(state="held")
    job = job_claim(queue="default", worker="test")
    assert job is not None
    assert job.arguments == {"action": action.pk}
    bulk_run(BulkAction.objects.get(pk=action.pk), JobContext(job), steps)
    Job.objects.filter(pk=job.pk).update(state="done")
    return BulkAction.objects.select_related("job").get(pk=action.pk)


def act(user: User, task: Task, kind: str, value: str = "", **query: str) -> BulkAction:
    key = f"key-{BulkAction.objects.count()}-12345"
    return carry_out(bulk_start(actor=user, task=task, kind=BulkKind(kind), value=value, query=query, key=key))


def undo(user: User, action: BulkAction) -> BulkAction:
    return carry_out(bulk_undo(actor=user, action=action))


def counts(action: BulkAction) -> tuple[int, int, int]:
    return action.changed, action.unchanged, action.refused


def states(task: Task) -> list[str]:
    return list(Pair.objects.filter(task=task).order_by("pk").values_list("state", flat=True))


def test_a_tag_goes_on_every_pair_of_the_filter_and_off_again(task: Task, expert: User, owner: User) -> None:
    for name in ("one", "two"):
        write(task, expert, name, topic="walls")
    other = write(task, owner, "other")
    first = act(expert, task, "tag", "fire", topic="walls")
    assert counts(first) == (2, 0, 0)
    assert pairs_filtered(task, {"tag": "fire"}).count() == 2
    full = write(task, owner, "full")
    Pair.objects.filter(pk=full.pk).update(tags=[str(number) for number in range(30)])
    second = act(expert, task, "tag", "fire")
    assert counts(second) == (1, 2, 1)
    assert counts(undo(expert, second)) == (1, 0, 0)  # not what was refused
    other.refresh_from_db()
    assert other.tags == []
    assert pairs_filtered(task, {"tag": "fire"}).count() == 2
    assert counts(act(expert, task, "untag", "fire")) == (2, 2, 0)


def test_an_undone_action_gives_back_only_what_it_changed_and_nobody_touched(
    task: Task, expert: User, owner: User
) -> None:
    kept, moved = write(task, expert, "kept", topic="old"), write(task, expert, "moved", topic="old")
    done = act(owner, task, "topic", "new")
    moved.refresh_from_db()
    pair_revise(
        actor=expert, pair=moved, texts=Texts(instruction="moved", response="Better.", topic="other"),
        version=moved.version,
    )  # fmt: skip
    back = undo(owner, done)
    assert counts(back) == (1, 0, 1)
    assert BulkRow.objects.get(action=back, pair=moved).reason == "Somebody changed this pair since; it stays as it is."
    assert dict(Pair.objects.values_list("pk", "topic")) == {kept.pk: "old", moved.pk: "other"}


def test_another_topic_keeps_approvals_and_frozen_versions(
    task: Task, expert: User, reviewer: User, owner: User
) -> None:
    pair = approve(write(task, expert, "What is a beam?", topic="wood"), reviewer)
    version = version_build(version_freeze(actor=owner, task=task), lambda *_: None, lambda: None)
    act(owner, task, "topic", "timber")
    pair.refresh_from_db()
    assert (pair.topic, pair.state, pair.version, pair.approved_id) == ("timber", "approved", 2, pair.current_id)
    assert pair.current is not None
    assert pair.current.author == expert
    assert [review.reviewer for review in pair.current.reviews.all()] == [reviewer]
    assert version.rows.get().revision.topic == "wood"
    assert version_sha256(version)[0] == version.sha256
    assert set(Revision.objects.values_list("fingerprint", flat=True)) == {pair.current.fingerprint}
    newer = version_build(version_freeze(actor=owner, task=task), lambda *_: None, lambda: None)
    assert (newer.rows.get().revision.topic, newer.counts["unreviewed"]) == ("timber", 0)


def test_pairs_are_assigned_and_found_by_it(task: Task, expert: User, owner: User, stranger: User) -> None:
    pair = write(task, owner, "one")
    done = act(owner, task, "assign", str(expert.pk))
    assert list(pairs_filtered(task, {"assigned": expert.pk})) == [pair]
    undo(owner, done)
    assert not pairs_filtered(task, {"assigned": expert.pk}).exists()
    with pytest.raises(ApplicationError, match="Choose a member of this project"):
        act(owner, task, "assign", str(stranger.pk))


def test_the_trash_is_emptied_and_filled_with_its_reviews(
    task: Task, expert: User, reviewer: User, owner: User
) -> None:
    approve(write(task, expert, "approved"), reviewer)
    returned = write(task, expert, "returned")
    review_decide(
        actor=reviewer, pair=returned, revision_id=returned.current_id or 0, decision=Decision.RETURN, reason="Wrong."
    )
    write(task, expert, "waiting")
    pair_trash(actor=expert, pair=write(task, expert, "gone"))
    done = act(owner, task, "trash")
    assert counts(done) == (3, 0, 0)
    assert states(task) == ["trashed"] * 4
    assert not WorkItem.objects.filter(state="open").exists()
    undo(owner, done)
    assert states(task) == ["approved", "returned", "submitted", "trashed"]
    assert WorkItem.objects.filter(state="open").count() == 1
    assert Event.objects.filter(action="pair.trashed").count() == 4
    assert counts(act(owner, task, "restore", state="trashed")) == (1, 0, 0)
    assert counts(act(owner, task, "restore")) == (0, 0, 4)


def test_what_is_sent_to_review_is_approved_until_somebody_says_otherwise(
    task: Task, expert: User, reviewer: User, owner: User
) -> None:
    first, second = (approve(write(task, expert, name), reviewer) for name in ("first", "second"))
    done = act(owner, task, "review", state="approved")
    assert states(task) == ["submitted", "submitted"]
    assert Pair.objects.filter(approved__isnull=False).count() == 2
    review_decide(
        actor=reviewer, pair=first, revision_id=first.current_id or 0, decision=Decision.RETURN, reason="No longer so."
    )
    first.refresh_from_db()
    assert (first.state, first.approved_id) == ("returned", None)
    back = undo(owner, done)
    assert counts(back) == (1, 0, 1)
    second.refresh_from_db()
    assert second.state == "approved"
    assert not WorkItem.objects.filter(state="open", subject_id=second.pk).exists()


def test_checking_again_follows_the_glossary(task: Task, expert: User) -> None:
    pair = write(task, expert, "What is it?", "A fense.")
    assert pair.found == ["misspelling"]
    glossary_add(actor=expert, project=task.project, word="fense", language="en")
    done = act(expert, task, "recheck", finding="any")
    pair.refresh_from_db()
    assert (pair.found, counts(done)) == ([], (1, 0, 0))
    with pytest.raises(ApplicationError, match="nothing to undo"):
        bulk_undo(actor=expert, action=done)


def test_a_job_that_is_interrupted_goes_on_behind_its_mark_and_does_nothing_twice(
    task: Task, expert: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "BATCH", 2)
    for number in range(5):
        write(task, expert, f"pair {number}")
    action = bulk_start(actor=expert, task=task, kind=BulkKind.TAG, value="x", query={"tag": ""}, key="abcdefgh")
    calls: list[int] = []

    def drained() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise JobDrained

    with pytest.raises(JobDrained):
        carry_out(action, drained)
    assert pairs_filtered(task, {"tag": "x"}).count() == 2
    late = write(task, expert, "came later")
    bulk_run(BulkAction.objects.get(), JobContext(Job.objects.get(kind="bulk")), lambda: None)
    done = BulkAction.objects.get()
    assert (counts(done), done.total) == ((5, 0, 0), 5)
    assert list(BulkRow.objects.order_by("pair").values_list("pair", flat=True)) == list(
        Pair.objects.exclude(pk=late.pk).order_by("pk").values_list("pk", flat=True)
    )
    late.refresh_from_db()
    assert late.tags == []


def test_the_same_key_is_one_action_and_so_is_undoing_twice(task: Task, expert: User) -> None:
    write(task, expert, "one")
    first, second = (
        bulk_start(actor=expert, task=task, kind=BulkKind.TAG, value="x", query={}, key="abcdefgh") for _ in range(2)
    )
    assert first == second
    done = carry_out(first)
    assert bulk_undo(actor=expert, action=done) == bulk_undo(actor=expert, action=done)
    assert Job.objects.filter(kind="bulk").count() == 2


@pytest.mark.parametrize(
    ("kind", "value", "query", "said"),
    [
        ("tag", "", {}, "Give a tag"),
        ("tag", "x" * 41, {}, "Give a tag"),
        ("tag", "a\x00", {}, "NUL"),
        ("topic", "x" * 121, {}, "at most 120"),
        ("assign", "99999999", {}, "Choose a member"),
        ("tag", "x", {"nix": "1"}, "There is no filter"),
        ("trash", "", {"state": "nonsense"}, "state:"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_queued(
    task: Task, owner: User, kind: str, value: str, query: dict[str, str], said: str
) -> None:
    write(task, owner, "one")
    with pytest.raises(ApplicationError, match=said):
        bulk_start(actor=owner, task=task, kind=BulkKind(kind), value=value, query=query, key="abcdefgh")
    assert not Job.objects.exists()


def test_the_pages_ask_watch_refuse_and_undo(task: Task, expert: User, viewer: User, owner: User) -> None:
    write(task, expert, "one", topic="walls")
    write(task, expert, "two")
    client, base = sign_in(owner), f"/p/{task.project.slug}"
    page = client.get(f"{base}/tasks/{task.slug}/bulk/?topic=walls")
    assert "1 pair<" in page.content.decode()
    answer = client.post(
        f"{base}/tasks/{task.slug}/bulk/?topic=walls", {"kind": "tag", "tag": "fire", "key": "abcdefgh"}
    )
    action = BulkAction.objects.get()
    assert answer["Location"] == f"{base}/bulk/{action.pk}/"
    assert b"The change is under way" in client.get(answer["Location"]).content
    carry_out(action)
    assert b"Undo the whole action" in client.get(answer["Location"]).content
    assert b"Undo the whole action" not in sign_in(viewer).get(answer["Location"]).content
    assert client.post(f"{answer['Location']}undo/").status_code == 302
    assert b"It was undone" in client.get(answer["Location"]).content
    bad = client.post(f"{base}/tasks/{task.slug}/bulk/", {"kind": "tag", "tag": "", "key": "abcdefgi"})
    assert (bad.status_code, b"Give a tag" in bad.content) == (400, True)
    assert client.get(f"{base}/tasks/{task.slug}/bulk/?nix=1").status_code == 400
    theirs = sign_in(expert).post(f"{base}/tasks/{task.slug}/bulk/", {"kind": "trash", "key": "abcdefgj"})
    assert (theirs.status_code, BulkAction.objects.count()) == (400, 2)


def test_the_api_does_the_same_and_keeps_the_owners_actions_to_them(
    task: Task, expert: User, owner: User, api_as: Any
) -> None:
    write(task, expert, "one")
    body = {"task": task.pk, "kind": "trash", "query": {}, "key": "abcdefgh"}
    refused = api_as(expert).post("/api/v1/bulk-actions/", body, format="json")
    assert refused.status_code == 403
    api = api_as(owner)
    made = api.post("/api/v1/bulk-actions/", body, format="json")
    assert made.status_code == 202
    carry_out(BulkAction.objects.get())
    address = f"/api/v1/bulk-actions/{made.json()['id']}/"
    assert api.get(address).json()["changed"] == 1
    assert api.get(f"{address}refusals/").json()["results"] == []
    assert api.post(f"{address}undo/").status_code == 202
    assert api.post(f"{address}undo/").json()["undoes"] == made.json()["id"]


def test_a_stopped_action_keeps_what_it_did(task: Task, expert: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.jobs import JobStopped

    monkeypatch.setattr(bulk, "BATCH", 1)
    for name in ("one", "two"):
        write(task, expert, name)
    action = bulk_start(actor=expert, task=task, kind=BulkKind.TAG, value="x", query={}, key="abcdefgh")
    with pytest.raises(JobStopped):
        carry_out(action, lambda: job_stop(actor=expert, job=Job.objects.get()) and None)
    assert pairs_filtered(task, {"tag": "x"}).count() == 1
    Job.objects.update(state="cancelled")
    assert BulkAction.objects.select_related("job").get().can_be_undone


def test_pages_of_actions_are_kept_within_the_project(task: Task, expert: User, stranger: User) -> None:
    write(task, expert, "one")
    action = bulk_start(actor=expert, task=task, kind=BulkKind.TAG, value="x", query={}, key="abcdefgh")
    client: Client = sign_in(stranger)
    assert client.get(f"/p/{task.project.slug}/bulk/{action.pk}/").status_code == 404
    assert client.get(f"/p/elsewhere/bulk/{action.pk}/").status_code == 404
