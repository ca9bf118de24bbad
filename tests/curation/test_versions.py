"""A version is fixed: numbered safely, split for good, hashed over its rows, exported byte by byte alike."""

import hashlib
import json
from datetime import timedelta

import pytest
from django.urls import reverse

from core import registries
from core.denied import ApplicationError, Denied, Refused
from core.models import Event, Job, Project, User
from core.services.projects import project_remove_demo, project_update
from curation.choices import Decision, VersionState
from curation.fingerprints import Texts
from curation.models import DatasetVersion, Pair, Place, Revision, Suite, Task, VersionPair
from curation.selectors import freezing
from curation.selectors.examples import suite_examples, task_template, version_examples
from curation.selectors.exports import FORMATS, version_lines
from curation.selectors.freezing import freeze_preview, fresh_count
from curation.services import previewing, verifying
from curation.services.likeness import likeness_due
from curation.services.pairs import pair_revise, pair_submit, pair_trash
from curation.services.reviews import review_decide
from curation.services.tasks import task_create, task_update
from curation.services.verifying import version_sha256, version_verify
from curation.services.versions import rows_sha256, version_freeze
from ml.hashing import text_sha256
from tests.world import api_client, run_jobs, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise", system_prompt="You advise builders.")


def approved(task: Task, expert: User, reviewer: User, instruction: str, response: str = "") -> Pair:
    texts = Texts(instruction=instruction, response=response or f"About {instruction}")
    pair = pair_submit(actor=expert, task=task, texts=texts)
    review_decide(actor=reviewer, pair=pair, revision_id=pair.current_id or 0, decision=Decision.APPROVE)
    pair.refresh_from_db()
    return pair


WORDS = (
    "stone", "timber", "glass", "slate", "copper", "brick", "straw", "clay", "lime", "cork", "zinc", "felt", "reed",
    "tile", "marble",
)  # fmt: skip


def many(task: Task, expert: User, reviewer: User, count: int, start: int = 0) -> list[Pair]:
    """Pairs that share hardly a word, so that each is a group of its own."""
    pairs = []
    for number in range(start, start + count):
        code = hashlib.sha256(str(number).encode()).hexdigest()
        words = " ".join(f"{WORDS[int(letter, 16) % 15]}{letter}{code[i : i + 5]}" for i, letter in enumerate(code[:8]))
        pairs.append(approved(task, expert, reviewer, words, words[::-1]))
    return pairs


def freeze(task: Task, owner: User, **options: object) -> DatasetVersion:
    version = version_freeze(actor=owner, task=task, **options)
    run_jobs()
    version.refresh_from_db()
    assert version.state == VersionState.READY, version.error
    return version


def test_without_an_approved_pair_it_is_refused_with_the_cure(task: Task, owner: User, expert: User) -> None:
    pair_submit(actor=expert, task=task, texts=Texts(instruction="a", response="b"))
    with pytest.raises(ApplicationError, match="Review the submitted pairs"):
        version_freeze(actor=owner, task=task)
    assert not DatasetVersion.objects.exists()


def test_what_is_gone_when_its_turn_comes_makes_no_empty_version(
    task: Task, owner: User, expert: User, reviewer: User
) -> None:
    pair = approved(task, expert, reviewer, "a roof")
    version = version_freeze(actor=owner, task=task)
    pair_trash(actor=owner, pair=pair)
    run_jobs()
    version.refresh_from_db()
    assert (version.state, version.rows.count()) == (VersionState.FAILED, 0)
    assert "none is approved any more" in version.error
    assert not Suite.objects.exists()


def test_a_guard_of_a_higher_app_can_refuse(
    task: Task, owner: User, expert: User, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    approved(task, expert, reviewer, "What is a fence?")
    monkeypatch.setitem(registries.guards, "freeze", [lambda subject: [Denied(f"Not now, {subject}.")]])
    with pytest.raises(Refused, match="Not now, Advise"):
        version_freeze(actor=owner, task=task)
    assert not DatasetVersion.objects.exists()


def test_a_second_click_while_it_is_frozen_gives_the_same_version(
    task: Task, owner: User, expert: User, reviewer: User
) -> None:
    approved(task, expert, reviewer, "What is a fence?")
    first = version_freeze(actor=owner, task=task)
    assert version_freeze(actor=owner, task=task) == first
    run_jobs()
    assert version_freeze(actor=owner, task=task).number == 2


@pytest.mark.slow
def test_parts_stay_when_the_data_grows_and_the_ratio_moves_only_the_boundary(
    task: Task, owner: User, expert: User, reviewer: User
) -> None:
    many(task, expert, reviewer, 40)
    first = freeze(task, owner)
    assert first.counts["parts"]["test"] == 8
    many(task, expert, reviewer, 20, start=100)
    second = freeze(task, owner)
    assert second.counts["pairs"] == 60
    before, after = parts_of(first), parts_of(second)
    assert {pair: after[pair] for pair in before} == before
    third = freeze(task, owner, train_share=0.7)
    assert all(parts_of(third)[pair] == "test" for pair, part in after.items() if part == "test")
    assert third.counts["parts"]["test"] > second.counts["parts"]["test"]


def parts_of(version: DatasetVersion) -> dict[int, str]:
    return dict(VersionPair.objects.filter(version=version).values_list("revision__pair_id", "part"))


@pytest.mark.slow
def test_pairs_that_say_the_same_stand_on_one_side_and_a_bridge_is_left_out_and_listed(
    task: Task, owner: User, expert: User, reviewer: User
) -> None:
    pairs = many(task, expert, reviewer, 40)
    first = freeze(task, owner)
    parts = parts_of(first)
    train = next(pair for pair in pairs if parts[pair.pk] == "train")
    test = next(pair for pair in pairs if parts[pair.pk] == "test")
    assert train.current is not None
    twin = approved(task, expert, reviewer, train.current.instruction.upper(), "Other words altogether.")
    assert test.current is not None
    long_answer = " ".join(test.current.response.split() * 4)
    pair_revise(
        actor=expert, pair=test, texts=Texts(instruction=test.current.instruction, response=long_answer), version=1
    )
    test.refresh_from_db()
    review_decide(actor=reviewer, pair=test, revision_id=test.current_id or 0, decision=Decision.APPROVE)
    bridge = approved(task, expert, reviewer, train.current.instruction, long_answer)
    second = freeze(task, owner)
    assert parts_of(second)[twin.pk] == "train"
    assert bridge.pk not in parts_of(second)
    left = second.left_out.get()
    assert (left.pair, left.reason) == (bridge, "bridge")
    assert str(train.pk) in left.detail
    bridge.refresh_from_db()
    assert not Place.objects.filter(pair=bridge).exists()


def test_the_hash_holds_place_and_part_and_digest_of_every_row() -> None:
    rows = [(0, "train", "aa"), (1, "test", "bb")]
    assert rows_sha256(iter(rows)) == text_sha256("0 train aa\n1 test bb\n")


def test_the_hash_is_computed_again_from_the_rows_and_notices_a_changed_text(
    task: Task, owner: User, expert: User, reviewer: User
) -> None:
    many(task, expert, reviewer, 5)
    version = freeze(task, owner)
    assert version_sha256(version) == (version.sha256, 0)
    assert version_verify(actor=owner, version=version).verified_same
    Revision.objects.filter(in_versions__version=version, in_versions__ordinal=2).update(response="tampered")
    assert version_sha256(version)[1] == 1
    version_verify(actor=owner, version=version)
    version.refresh_from_db()
    assert (version.verified_same, version.verified_changed, version.verification) == (False, 1, None)


def test_a_small_version_is_verified_at_once_and_the_page_keeps_saying_so(
    task: Task, owner: User, expert: User, reviewer: User
) -> None:
    many(task, expert, reviewer, 5)
    version = freeze(task, owner)
    client, path = sign_in(owner), f"/p/{task.project.slug}/versions/{version.pk}/"
    assert "Verified on" not in client.get(path).content.decode()
    answer = client.post(f"{path}verify/", follow=True).content.decode()
    assert "Verified: every text is exactly as it was frozen." in answer
    assert not Job.objects.filter(kind="verify-version").exists()
    assert ": every text is exactly as it was frozen." in client.get(path).content.decode()
    Revision.objects.filter(in_versions__version=version, in_versions__ordinal=2).update(response="tampered")
    client.post(f"{path}verify/")
    assert "1 row has other texts." in client.get(path).content.decode()
    version.rows.filter(ordinal__gte=2).delete()
    assert api_client(owner).post(f"/api/v1/dataset-versions/{version.pk}/verify/").json()["same"] is False
    assert "Rows are missing, or stand in another place." in client.get(path).content.decode()


def test_a_large_version_is_verified_by_a_job_that_tells_how_far_it_is(
    task: Task, owner: User, expert: User, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(task, expert, reviewer, 5)
    version = freeze(task, owner)
    monkeypatch.setattr(verifying, "AT_ONCE", 4)
    monkeypatch.setattr(verifying, "BATCH", 2)
    client, path = sign_in(owner), f"/p/{task.project.slug}/versions/{version.pk}/"
    api, address = api_client(owner), f"/api/v1/dataset-versions/{version.pk}/"
    client.post(f"{path}verify/")
    job = Job.objects.get(kind="verify-version")
    asked = api.post(f"{address}verify/")
    nothing_yet = {"same": None, "sha256": version.sha256, "changed": None, "job": job.pk}
    assert (asked.status_code, asked.json()) == (202, nothing_yet)
    page = client.get(path).content.decode()
    assert reverse("jobs-panel", args=[job.pk]) in page
    assert "/verify/" not in page
    told: list[tuple[int, int]] = []
    version_sha256(version, lambda done, total, _message: told.append((done, total)))
    assert told == [(0, 5), (2, 5), (4, 5)]
    [done] = run_jobs()
    assert (done.state, done.result) == ("done", {"version": version.pk, "same": True, "changed": 0})
    page = client.get(path).content.decode()
    assert ": every text is exactly as it was frozen." in page
    assert "/verify/" in page
    found = api.get(address).json()
    assert (found["verified_same"], found["verified_changed"], found["verification"]) == (True, 0, job.pk)
    event = Event.objects.get(action="version.verified")
    assert (event.actor, event.data) == (owner, {"same": True, "changed": 0})


def test_a_version_that_is_not_frozen_yet_is_not_verified(
    task: Task, owner: User, expert: User, reviewer: User
) -> None:
    many(task, expert, reviewer, 2)
    version = version_freeze(actor=owner, task=task)
    with pytest.raises(ApplicationError, match="not frozen"):
        version_verify(actor=owner, version=version)


def test_what_changes_later_does_not_change_a_version(task: Task, owner: User, expert: User, reviewer: User) -> None:
    pairs = many(task, expert, reviewer, 6)
    version = freeze(task, owner)
    before = b"".join(version_lines(version, "apprentice"))
    pair_revise(actor=expert, pair=pairs[0], texts=Texts(instruction="changed", response="changed"), version=1)
    pair_trash(actor=expert, pair=pairs[1])
    task_update(actor=owner, task=task, system_prompt="Other.", template={"kind": "text", "prompt": "{{instruction}}"})
    version.refresh_from_db()
    assert b"".join(version_lines(version, "apprentice")) == before
    assert {row["system"] for row in version_examples(version)} == {"You advise builders."}
    assert task_template(version)["kind"] == "chat"
    assert version_sha256(version)[0] == version.sha256
    assert freeze(task, owner).counts["pairs"] == 5


def test_every_form_of_export_is_one_json_object_a_line(task: Task, owner: User, expert: User, reviewer: User) -> None:
    approved(task, expert, reviewer, "Hur högt\nfår ett plank vara?", "Högst 1,1 m. “Utan” lov 😀")
    version = freeze(task, owner)
    rows = {name: [json.loads(line) for line in version_lines(version, name)] for name in FORMATS}
    assert rows["apprentice"][0]["response"] == "Högst 1,1 m. “Utan” lov 😀"
    assert rows["messages"][0]["messages"] == [
        {"role": "system", "content": "You advise builders."},
        {"role": "user", "content": "Hur högt\nfår ett plank vara?"},
        {"role": "assistant", "content": "Högst 1,1 m. “Utan” lov 😀"},
    ]
    assert rows["alpaca"][0] == {
        "instruction": "Hur högt\nfår ett plank vara?",
        "input": "",
        "output": "Högst 1,1 m. “Utan” lov 😀",
        "system": "You advise builders.",
    }
    assert next(iter(version_lines(version, "apprentice"))).count(b"\n") == 1


def test_what_its_author_approved_is_marked_as_not_reviewed_by_a_second_person(
    task: Task, owner: User, expert: User, reviewer: User
) -> None:
    seen = approved(task, expert, reviewer, "How high may a fence be?")
    project_update(actor=owner, project=task.project, solo=True)
    own = approved(task, owner, owner, "When does the office open?")
    version = freeze(task, owner)
    assert dict(version.rows.values_list("revision__pair", "unreviewed")) == {seen.pk: False, own.pk: True}
    assert version.counts["unreviewed"] == freeze_preview(task, task.train_share).unreviewed == 1


@pytest.mark.slow
def test_the_test_and_develop_parts_are_suites(task: Task, owner: User, expert: User, reviewer: User) -> None:
    many(task, expert, reviewer, 30)
    version = freeze(task, owner)
    suites = {suite.role: suite for suite in Suite.objects.filter(version=version)}
    for role, suite in suites.items():
        expected = [row["instruction"] for row in version_examples(version, [role])]
        assert [example["instruction"] for _, example in suite_examples(suite)] == expected
        assert suite.size == len(expected) > 0
        assert len(suite.sha256) == 64
    assert set(suites) == {"test", "develop"}


@pytest.mark.slow
def test_the_preview_tells_what_the_freeze_then_does(task: Task, owner: User, expert: User, reviewer: User) -> None:
    many(task, expert, reviewer, 20)
    assert freeze_preview(task, task.train_share).waiting == 20
    likeness_due()
    run_jobs()
    preview = freeze_preview(task, task.train_share)
    version = freeze(task, owner)
    assert preview.facts is not None
    assert preview.facts.parts == version.counts["parts"]
    assert (preview.approved, preview.fresh, preview.unreviewed) == (20, 20, 0)
    assert freeze_preview(task, task.train_share).fresh == 0


def test_of_a_large_task_what_is_new_is_counted_once_a_minute_and_after_each_freeze(
    task: Task, owner: User, expert: User, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(task, expert, reviewer, 5)
    assert fresh_count(task, 5) == 5
    monkeypatch.setattr(freezing, "MANY", 5)
    assert fresh_count(task, 5) == 5
    many(task, expert, reviewer, 1, start=50)
    assert fresh_count(task, 6) == 5, "a minute has not passed"
    freeze(task, owner)
    assert fresh_count(task, 6) == 0


@pytest.mark.slow
def test_of_a_large_task_a_job_counts_and_the_page_shows_what_it_counted_last(
    task: Task,
    owner: User,
    expert: User,
    reviewer: User,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries,
) -> None:
    monkeypatch.setattr(freezing, "MANY", 5)
    monkeypatch.setattr(previewing, "REST", timedelta(0))
    many(task, expert, reviewer, 6)
    likeness_due()
    run_jobs()
    client, api = sign_in(owner), api_client(owner)
    address, endpoint = f"/p/{task.project.slug}/tasks/{task.slug}/freeze/", f"/api/v1/tasks/{task.pk}/freeze-preview/"
    page = client.get(address).content.decode()
    assert "In so large a task the numbers take a while" in page
    assert "Freeze now" in page
    seen = api.get(endpoint).json()
    job = Job.objects.get(kind="freeze-preview")
    assert (seen["approved"], seen["parts"], seen["job"]) == (None, None, job.pk)
    run_jobs()
    monkeypatch.setattr(previewing, "freeze_counts", None)
    page = client.get(address).content.decode()
    assert "Counted 20" in page
    assert "being counted" not in page, "nothing happened since"
    monkeypatch.undo()
    monkeypatch.setattr(freezing, "MANY", 5)
    monkeypatch.setattr(previewing, "REST", timedelta(0))
    seen = api.get(endpoint).json()
    assert (seen["approved"], seen["job"]) == (6, None)
    facts = freeze_preview(task, task.train_share).facts
    assert facts is not None
    assert seen["parts"] == facts.parts
    assert client.get(f"{address}left-out/").status_code == 200
    many(task, expert, reviewer, 1, start=50)
    page = client.get(address).content.decode()
    assert "The pairs are being counted" in page
    assert api.get(endpoint).json()["approved"] == 6, "the older numbers, until it has counted"
    run_jobs()
    assert api.get(endpoint).json()["approved"] == 7


@pytest.mark.slow
def test_a_demo_with_frozen_versions_can_still_be_removed(
    task: Task, owner: User, expert: User, reviewer: User, project: Project
) -> None:
    many(task, expert, reviewer, 10)
    freeze(task, owner)
    project.is_demo = True
    project_remove_demo(actor=owner, project=project)
    assert not DatasetVersion.objects.exists()
    assert not Revision.objects.exists()
