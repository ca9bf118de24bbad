"""What people make of a model's drafts: accept, change, prefer, nod through; and whether the model gets better."""

import json
from collections.abc import Callable
from importlib import import_module

import pytest
from django.db import connection
from django.test import Client

from core.choices import WorkKind, WorkState
from core.models import Project, User, WorkItem
from curation.choices import Decision, Origin, Part
from curation.fingerprints import Texts
from curation.models import Answer, DatasetVersion, Drafting, Pair, Question, Task
from curation.selectors.corrections import alarms_of, pace_of, releases_of
from curation.selectors.exports import version_lines
from curation.selectors.preferences import preference_examples
from curation.selectors.tasks import task_row
from curation.services.answers import answer_submit
from curation.services.building import version_build
from curation.services.pairs import pair_revise
from curation.services.questions import questions_ask
from curation.services.reviews import review_decide
from tests.drafting_world import (  # noqa: F401  the fixtures are used by their names
    ASKED,
    WRITTEN,
    base_fixture,
    correct,
    hold,
    questions_fixture,
    start,
    task_fixture,
    write,
)
from tests.world import api_client
from training.models import BaseModel

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


def test_an_unchanged_accept_is_recorded_as_one(
    task: Task, questions: list[Question], base: BaseModel, project: Project, expert: User
) -> None:
    write(start(task, base))
    same = correct(expert, project, f"{WRITTEN}\n")
    other = correct(expert, project, "A fence may be 1.1 metres high.")
    assert (same.origin, same.unchanged, same.distance) == (Origin.DRAFT_ACCEPTED, True, 0.0)
    assert (other.origin, other.unchanged, other.distance) == (Origin.DRAFT_EDITED, False, pytest.approx(4 / 10))
    assert same.pair is not None
    assert same.pair.current.origin == Origin.DRAFT_ACCEPTED
    assert task_row(task).pairs == 2


def test_a_blind_draft_is_seen_after_the_answer(
    task: Task,
    questions: list[Question],
    base: BaseModel,
    project: Project,
    expert: User,
    viewer: User,
    as_user: AsUser,
) -> None:
    drafting = start(task, base, most=1, blind=True)
    write(drafting, finish_reason="length")
    browser = as_user(expert)
    cards = browser.get(f"/p/{project.slug}/write/").content.decode()
    assert ("Answer a question" in cards, "3 wait" in cards, "Correct what a model wrote" in cards) == (
        True,
        True,
        False,
    )
    page = browser.post(f"/p/{project.slug}/work/next/", {"kind": "write"}).headers["Location"]
    hidden = browser.get(page).content.decode()
    refused = browser.post(page, {"instruction": ASKED[0], "language": "en", "key": "k", "base": "0"})
    for shown in (hidden, refused.content.decode()):
        assert all(said in shown for said in ("Answer this question", "What should the reviewer know?"))
        assert not any(said in shown for said in (WRITTEN, "What did you change", "draft was cut", "model drafted"))
    assert WRITTEN not in as_user(viewer).get(f"/p/{project.slug}/drafts/{drafting.pk}/").content.decode()
    assert api_client(viewer).get(f"/api/v1/drafts/{drafting.pk}/").json()["drafts"] == []
    typed = {"instruction": ASKED[0], "response": "By the plan.", "language": "en", "key": "k", "base": "0"}
    beside = browser.post(page, typed).headers["Location"]
    shown = browser.get(beside).content.decode()
    assert all(said in shown for said in (WRITTEN, "cut at the longest draft"))
    made = Answer.objects.get()
    assert (made.origin, made.draft.text, made.unchanged) == (Origin.HUMAN, WRITTEN, False)
    assert as_user(viewer).get(beside).status_code == 403
    assert 'name="kind" value="write"' in shown
    done = browser.get(f"/p/{project.slug}/work/").content.decode()
    assert ('data-label="Kind">Write<' in done, 'data-label="Kind">Correct<' in done) == (True, False)


def test_an_update_asks_for_the_blind_drafts_of_before_as_for_any_other_question(
    task: Task, questions: list[Question], base: BaseModel, project: Project, expert: User, as_user: AsUser
) -> None:
    """They were work of the kind “correct”, beside the closed work that they took the place of."""
    write(start(task, base, most=2, blind=True))
    write(start(task, base))
    blind = WorkItem.objects.filter(subject_type="question", subject_id__in=[asked.pk for asked in questions[:2]])
    before = [WorkItem(**{**row, "id": None, "state": WorkState.CLOSED}) for row in blind.values()]
    blind.update(kind=WorkKind.CORRECT)
    WorkItem.objects.bulk_create(before)
    done, held = correct(expert, project, "One metre."), hold(expert, project)
    with connection.cursor() as cursor:
        cursor.execute(import_module("curation.migrations.0028_blind_drafts").ASKED)
    rows = WorkItem.objects.filter(subject_type="question").order_by("subject_id", "state")
    assert list(rows.values_list("kind", "state")) == [
        ("write", "closed"), ("write", "done"), ("write", "closed"), ("write", "open"), ("write", "closed"),
        ("correct", "open"),
    ]  # fmt: skip
    assert (done.question, held.item.subject_id) == (questions[0], questions[1].pk)
    page = as_user(expert).get(f"/p/{project.slug}/work/{held.pk}/")
    assert (page.status_code, WRITTEN in page.content.decode()) == (200, False)


def approve(pair: Pair, user: User) -> None:
    pair.refresh_from_db()
    review_decide(actor=user, pair=pair, revision_id=pair.current_id or 0, decision=Decision.APPROVE)


def freeze(task: Task) -> DatasetVersion:
    made = DatasetVersion.objects.create(task=task, number=1, train_share=0.8, template=task.template)
    return version_build(made, lambda *_: None, lambda: None)


def test_each_correction_is_a_training_pair_and_a_preference(
    task: Task,
    questions: list[Question],
    base: BaseModel,
    project: Project,
    expert: User,
    reviewer: User,
    as_user: AsUser,
) -> None:
    write(start(task, base))
    changed = correct(expert, project, "Two metres, on the street side.")
    same = correct(expert, project, WRITTEN)
    held = hold(expert, project)
    other = answer_submit(
        actor=expert, assignment=held, texts=Texts(instruction="Quite another question?", response="Yes.")
    )
    for made in (changed, same, other):
        assert made.pair is not None
        approve(made.pair, reviewer)
    pair = changed.pair
    assert pair is not None
    mended = Texts(instruction=ASKED[0], response="Two metres towards the street.")
    pair_revise(actor=expert, pair=pair, texts=mended, version=1)
    approve(pair, reviewer)
    version = freeze(task)
    assert version.counts["pairs"] == 3
    part = version.rows.get(revision__pair=pair).part
    [found] = list(preference_examples(version))
    assert found == {
        "id": str(pair.pk), "part": part, "system": "", "instruction": ASKED[0], "input": "", "turns": [],
        "language": "en", "chosen": "Two metres towards the street.",
        "response": "Two metres towards the street.", "rejected": WRITTEN, "origin": "draft_edited",
        "source": "correction", "model": "Plain",
    }  # fmt: skip
    pages = [
        as_user(reviewer).get(f"/p/{project.slug}/pairs/{made.pair_id}/").content.decode()
        for made in (changed, same, other)
    ]
    assert ["What Plain had drafted." in page for page in pages] == [True, False, False]
    others = [name for name in Part.values if name != part]
    assert list(preference_examples(version, others)) == []
    [line] = version_lines(version, "preference")
    assert json.loads(line) == {
        "prompt": ASKED[0], "chosen": "Two metres towards the street.", "rejected": WRITTEN,
    }  # fmt: skip
    told = api_client(reviewer).get(f"/api/v1/preferences/?version={version.pk}&part={part}")
    assert b"".join(told.streaming_content).count(b"\n") == 1


def many(task: Task, base: BaseModel, count: int) -> None:
    rows = [{"instruction": f"What does rule {number} of chapter {number * 7} say?"} for number in range(count)]
    questions_ask(actor=task.created_by, task=task, rows=rows)
    write(start(task, base, most=count))


@pytest.mark.slow
def test_the_alarm_names_who_nods_through_with_the_numbers(
    task: Task, base: BaseModel, project: Project, expert: User, owner: User, as_user: AsUser, viewer: User
) -> None:
    many(task, base, 24)
    for number in range(12):
        correct(expert, project, WRITTEN, seconds=0.5)
        correct(owner, project, WRITTEN if number < 3 else f"Rule {number} says otherwise.", seconds=60)
    [alarm] = alarms_of(project)
    assert (alarm.user, alarm.unchanged, alarm.count, alarm.against) == (expert, 12, 12, "others")
    assert (alarm.base, alarm.base_count) == (0.25, 12)
    pace = pace_of(project)
    assert (pace.hasty, pace.unchanged, pace.corrected) == (12, 0.5, 60)
    page = f"/p/{project.slug}/drafts/"
    assert "Edda accepts drafts unchanged strikingly often" in as_user(owner).get(page).content.decode()
    assert "strikingly" not in as_user(viewer).get(page).content.decode()


@pytest.mark.slow
def test_the_alarm_compares_a_person_with_their_own_past(
    task: Task, base: BaseModel, project: Project, expert: User
) -> None:
    many(task, base, 32)
    for number in range(32):
        correct(expert, project, WRITTEN if number >= 12 else f"Rule {number} says otherwise.")
    [alarm] = alarms_of(project)
    assert (alarm.against, alarm.count, alarm.base, alarm.base_count) == ("before", 20, 0.0, 12)


def test_too_few_corrections_raise_no_alarm(task: Task, base: BaseModel, project: Project, expert: User) -> None:
    many(task, base, 9)
    for _number in range(9):
        correct(expert, project, WRITTEN)
    assert alarms_of(project) == []


def test_the_distance_of_each_release_shows_whether_the_model_gets_better(
    task: Task, base: BaseModel, project: Project, expert: User, owner: User, as_user: AsUser
) -> None:
    for release, said in ((1, "No. No. No."), (2, f"{WRITTEN} Mostly.")):
        rows = [{"instruction": f"What is meant by clause {n} in part {release}?"} for n in range(3)]
        questions_ask(actor=owner, task=task, rows=rows)
        drafting = start(task, base)
        Drafting.objects.filter(pk=drafting.pk).update(model_key=f"version-{release}", release=release)
        write(drafting)
        for number in range(3):
            correct(expert, project, f"{said}" + " x" * number)
    first, second = releases_of(project)
    assert (first.release, first.count, second.release, second.count) == (1, 3, 2, 3)
    assert first.distance.estimate > second.distance.estimate > 0
    assert "Does the model get better?" in as_user(owner).get(f"/p/{project.slug}/drafts/").content.decode()
