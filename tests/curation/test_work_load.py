"""What a person waits for all day: the next item and the submit. Few statements, however much waits beside."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from core.choices import WorkKind
from core.models import Project, User
from core.selectors.work import work_open_to
from curation.fingerprints import Texts
from curation.models import Pair, Task
from curation.selectors.questions import asked_kinds, declined_share, question_counts
from curation.selectors.reviews import reviews_waiting
from curation.services.pairs import pair_submit
from curation.services.questions import questions_ask
from curation.services.tasks import task_create
from tests.world import api_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise", guidelines="Be **brief**.")


@pytest.fixture
def waiting(task: Task, expert: User) -> list[Pair]:
    """Three pairs in which the checks found nothing."""
    texts = [Texts(instruction=f"How high may fence {n} be?", response=f"Rule {n} says one metre.") for n in range(3)]
    return [pair_submit(actor=expert, task=task, texts=text) for text in texts]


def test_the_review_page_and_its_decision_ask_the_database_little(
    waiting: list[Pair],
    project: Project,
    reviewer: User,
    as_user: Callable[[User], Client],
    django_assert_num_queries: Any,
) -> None:
    browser = as_user(reviewer)
    page = browser.post(f"/p/{project.slug}/review/next/").headers["Location"]
    browser.get(page)
    with django_assert_num_queries(8):
        browser.get(page)
    with django_assert_num_queries(17 + 6):  # six mark the transactions within that of the test
        found = browser.post(f"{page}approve/", {"revision": waiting[0].current_id, "reason": ""})
    assert found.headers["Location"] != page
    waiting[0].refresh_from_db()
    assert waiting[0].state == "approved"


def test_an_empty_page_to_write_on_asks_little(
    task: Task, expert: User, as_user: Callable[[User], Client], django_assert_num_queries: Any
) -> None:
    browser = as_user(expert)
    page = browser.get(f"/p/{task.project.slug}/tasks/{task.slug}/write/?new=1").headers["Location"]
    browser.get(page)
    with django_assert_num_queries(9):
        assert browser.get(page).status_code == 200


def test_what_waits_is_counted_without_passing_what_is_done(
    waiting: list[Pair], project: Project, reviewer: User
) -> None:
    """A few done items are no burden; half a million are, so the plan is looked at, not the time."""
    counted = work_open_to(reviewer, project, WorkKind.REVIEW)[:100]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        plan = counted.explain()
    assert "using work_next on core_workitem" in plan, plan


def test_claiming_and_deciding_by_a_program_ask_little_too(
    waiting: list[Pair], project: Project, reviewer: User, django_assert_num_queries: Any
) -> None:
    client = api_client(reviewer)
    client.get("/api/v1/projects/")
    with django_assert_num_queries(8 + 2):
        held = client.post("/api/v1/work-items/claim/", {"project": project.slug}, format="json").json()
    body = {"decision": "approve", "reason": "", "revision": held["pair"]["current"]["id"]}
    with django_assert_num_queries(13 + 4):
        assert client.post(f"/api/v1/work-items/{held['id']}/submit/", body, format="json").status_code == 201


def test_count_queries_never_touch_the_json_and_text_columns(
    waiting: list[Pair], project: Project, reviewer: User, owner: User, django_assert_num_queries: Any
) -> None:
    questions_ask(actor=owner, task=waiting[0].task, rows=[{"instruction": "Why?"}])
    with django_assert_num_queries(9) as asked:
        assert (reviews_waiting(project, reviewer), reviews_waiting(project)) == (3, 3)
        assert question_counts(project) == {"open": 1}
        assert [row.waiting for row in asked_kinds(project, owner)] == [1]
        assert declined_share(waiting[0].task)[1] == 0
    for query in asked.captured_queries:
        assert "COUNT(" in query["sql"].upper()
    for column in ('"instruction"', '"response"', '"metadata"', '"texts"', '"turns"', '"search"', '"note"'):
        assert not [query["sql"] for query in asked.captured_queries if column in query["sql"]]
