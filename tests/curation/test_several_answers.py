"""Several people answer the same question without seeing each other, and an owner chooses or merges."""

import json
from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from core.choices import WorkKind
from core.models import Assignment, Project, User, WorkItem
from core.services.work import work_claim_next
from curation.choices import PairState, QuestionState
from curation.models import Answer, Draft, Pair, Question, Review, Task
from curation.services.answers import answers_choose, answers_merge
from tests.asking_world import (  # noqa: F401  the fixtures are used by their names
    ASKED,
    answer,
    ask,
    hold,
    second_fixture,
    task_fixture,
    texts,
)
from tests.world import api_client

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


def test_several_answer_apart_and_an_owner_chooses(
    task: Task, project: Project, expert: User, second: User, owner: User
) -> None:
    asked = ask(task, needed=2)
    mine, theirs = answer(expert, project, "One metre."), answer(second, project, "1.1 metres, by the plan.")
    asked.refresh_from_db()
    assert (asked.state, Pair.objects.count()) == (QuestionState.TO_SETTLE, 0)
    pair = answers_choose(actor=owner, assignment=hold(owner, project, WorkKind.ADJUDICATE), answer=theirs)
    assert (pair.author, pair.state) == (second, PairState.APPROVED)
    assert Review.objects.get().reviewer == owner
    asked.refresh_from_db()
    mine.refresh_from_db()
    assert (asked.state, asked.pair, mine.pair) == (QuestionState.ANSWERED, pair, None)
    assert not WorkItem.objects.filter(state="open").exists()


def test_a_merged_text_is_the_owners_and_somebody_else_reviews_it(
    task: Task, project: Project, expert: User, second: User, owner: User, reviewer: User
) -> None:
    ask(task, needed=2)
    answer(expert, project, "One metre.")
    answer(second, project, "By the plan.")
    pair = answers_merge(
        actor=owner, assignment=hold(owner, project, WorkKind.ADJUDICATE), texts=texts("One metre, by the plan.")
    )
    assert (pair.author, pair.state) == (owner, PairState.SUBMITTED)
    assert work_claim_next(user=owner, project=project, kind=WorkKind.REVIEW) is None
    assert work_claim_next(user=reviewer, project=project, kind=WorkKind.REVIEW) is not None


def test_what_an_owner_types_while_merging_is_kept_until_it_is_submitted(
    task: Task, project: Project, expert: User, second: User, owner: User, as_user: AsUser
) -> None:
    asked = ask(task, needed=2)
    answer(expert, project, "One metre.")
    answer(second, project, "By the plan.")
    client, root = as_user(owner), f"/p/{project.slug}"
    page = client.post(f"{root}/review/next/", {"kind": "adjudicate"})["Location"]
    draft = f"{root}/tasks/{task.slug}/drafts/settle-{asked.pk}/"
    assert f'data-autosave="{draft}"' in client.get(page).content.decode()
    body = json.dumps({"version": 0, "fields": {"response": "One metre, by"}})
    known = client.post(draft, body, content_type="application/json").json()["version"]
    assert "\nOne metre, by</textarea>" in client.get(page).content.decode()
    whole = client.post(
        f"{page}merge/", {**ASKED, "response": "One metre, by the plan.", "language": "en", "version": known}
    )
    assert whole["Location"].endswith(f"?done=task-{task.pk}-settle-{asked.pk}")
    assert (Draft.objects.count(), Pair.objects.get().author) == (0, owner)


def test_who_answered_does_not_choose(task: Task, project: Project, expert: User, owner: User) -> None:
    ask(task, needed=2)
    answer(expert, project, "One metre.")
    answer(owner, project, "By the plan.")
    assert work_claim_next(user=owner, project=project, kind=WorkKind.ADJUDICATE) is None


def test_overlap_of_n_people_is_held_by_the_database(task: Task, project: Project, expert: User, second: User) -> None:
    ask(task, needed=2)
    answer(expert, project, "One metre.")
    answer(second, project, "By the plan.")
    item = WorkItem.objects.get(kind=WorkKind.WRITE)
    with pytest.raises(IntegrityError), transaction.atomic():
        Assignment.objects.create(item=item, user=task.created_by, slot=2, lease_until=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        Answer.objects.create(question=Question.objects.get(), author=expert, texts={}, fingerprint="x")
    assert Answer.objects.count() == 2


def test_answers_stay_hidden_until_the_question_is_settled(
    task: Task, project: Project, expert: User, second: User, owner: User, as_user: AsUser
) -> None:
    asked = ask(task, needed=2)
    answer(expert, project, "One metre exactly.")
    page = f"/p/{project.slug}/questions/{asked.pk}/"
    assert "One metre exactly" not in as_user(second).get(page).content.decode()
    assert api_client(second).get(f"/api/v1/questions/{asked.pk}/").json()["answers"] == []
    answer(second, project, "By the plan.")
    browser, way_on = as_user(owner), "Choose among them on the page of reviews."
    assert [way_on in one.get(page).content.decode() for one in (browser, as_user(expert))] == [True, False]
    choice = browser.post(f"/p/{project.slug}/review/next/", {"kind": "adjudicate"}).headers["Location"]
    shown = browser.get(choice).content.decode()
    assert "One metre exactly" in shown
    assert "Edda" not in shown
    chosen = Answer.objects.get(author=second)
    browser.post(f"{choice}choose/", {"answer": chosen.pk})
    assert "One metre exactly" in as_user(second).get(page).content.decode()
