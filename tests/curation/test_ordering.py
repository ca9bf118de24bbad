"""In which order people get what waits, and that what is opened later finds its own place in it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from core.choices import Queue, WorkKind
from core.denied import ApplicationError
from core.models import Project, User, WorkItem
from core.services.work import work_claim_next, work_skip
from curation.choices import Decision, WorkOrder
from curation.fingerprints import Texts
from curation.models import Question, Task
from curation.services.ordering import work_order_set, work_reorder
from curation.services.pairs import pair_submit
from curation.services.questions import questions_ask
from curation.services.reviews import review_decide
from curation.services.tasks import task_create
from curation.services.uncertainty import disagreement, losses_store, uncertainty_store
from ml.store import fingerprint, tokenizer_fingerprint
from ml.tiny import make_tiny_model
from tests.world import api_client, run_jobs
from training.choices import ModelState
from training.models import BaseModel

pytestmark = pytest.mark.django_db
ROWS = [
    {"instruction": f"What is said of {topic}?", "topic": topic} for topic in ("fences", "roofs", "stairs", "walls")
]


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


def ask(task: Task, rows: list[dict[str, str]] = ROWS) -> list[Question]:
    return questions_ask(actor=task.created_by, task=task, rows=rows)


def choose(task: Task, order: WorkOrder) -> None:
    Task.objects.filter(pk=task.pk).update(work_order=order)
    task.refresh_from_db()
    work_reorder(task)


def given(user: User, project: Project) -> list[str]:
    """The topics in the order in which this person gets them."""
    found = []
    while held := work_claim_next(user=user, project=project, kind=WorkKind.WRITE):
        found.append(Question.objects.get(pk=held.item.subject_id).topic)
        work_skip(assignment=held)
    return found


def approve(task: Task, expert: User, reviewer: User, topic: str, count: int) -> None:
    for number in range(count):
        texts = Texts(instruction=f"What is {topic} number {number}?", response=f"It is {number}.", topic=topic)
        pair = pair_submit(actor=expert, task=task, texts=texts)
        review_decide(actor=reviewer, pair=pair, revision_id=pair.current_id or 0, decision=Decision.APPROVE)


def test_topics_that_lack_pairs_come_first(task: Task, project: Project, expert: User, reviewer: User) -> None:
    approve(task, expert, reviewer, "fences", 3)
    approve(task, expert, reviewer, "walls", 1)
    ask(task)
    assert given(reviewer, project) == ["fences", "roofs", "stairs", "walls"]
    choose(task, WorkOrder.TOPIC)
    [late] = ask(task, [{"instruction": "What else of walls?", "topic": "walls"}])
    assert WorkItem.objects.get(subject_type="question", subject_id=late.pk).order == 1
    assert given(expert, project) == ["roofs", "stairs", "walls", "walls", "fences"]


def test_a_mixture_is_always_the_same_and_new_work_finds_its_place(task: Task, project: Project, expert: User) -> None:
    early = ask(task, ROWS[:2])
    choose(task, WorkOrder.RANDOM)
    late = ask(task, ROWS[2:])
    before = dict(WorkItem.objects.values_list("subject_id", "order"))
    assert len(set(before.values())) == 4
    work_reorder(task)
    assert dict(WorkItem.objects.values_list("subject_id", "order")) == before
    by_order = sorted((before[question.pk], question.topic) for question in (*early, *late))
    assert given(expert, project) == [topic for _order, topic in by_order]
    choose(task, WorkOrder.AGE)
    assert set(WorkItem.objects.values_list("order", flat=True)) == {0}


def test_what_differs_most_comes_first_and_what_nobody_measured_last(
    task: Task, project: Project, expert: User
) -> None:
    fences, roofs, stairs, _walls = ask(task)
    choose(task, WorkOrder.UNCERTAINTY)
    said = {
        fences: ["a b", "a b", "a b", "a b"],
        roofs: ["a b", "c d", "e f", "g h"],
        stairs: ["a b", "a b", "a b", "a c"],
    }
    rows = [{"id": f"{key.pk}-{n}", "text": text} for key, texts in said.items() for n, text in enumerate(texts)]
    assert uncertainty_store(task, rows) == 3
    stairs.refresh_from_db()
    assert stairs.uncertainty == pytest.approx(0.25)
    assert given(expert, project) == ["roofs", "stairs", "fences", "walls"]


def test_disagreement_is_the_mean_over_all_two() -> None:
    assert disagreement(["a", "a", "b"]) == pytest.approx(2 / 3)
    assert disagreement(["a"]) == disagreement([]) == 0.0


def test_reviews_are_ordered_by_how_unlikely_the_model_finds_them(
    task: Task, project: Project, expert: User, reviewer: User
) -> None:
    pairs = [
        pair_submit(actor=expert, task=task, texts=Texts(instruction=f"Why {n}?", response=f"Because of {n}."))
        for n in range(3)
    ]
    losses: list[dict[str, Any]] = [
        {"id": str(pair.pk), "reference_loss": loss} for pair, loss in zip(pairs, (1.5, None, 3.25), strict=True)
    ]
    assert losses_store(task, losses) == 2
    held = work_claim_next(user=reviewer, project=project, kind=WorkKind.REVIEW)
    assert held is not None
    assert (held.item.subject_id, held.item.order) == (pairs[2].pk, -3_250_000)


def test_an_owner_chooses_on_the_page_and_by_program(
    task: Task, project: Project, owner: User, as_user: Callable[[User], Client]
) -> None:
    ask(task)
    page = f"/p/{project.slug}/tasks/{task.slug}/order/"
    browser = as_user(owner)
    assert browser.post(page, {"order": "uncertainty", "model": ""}).status_code == 400
    assert browser.post(page, {"order": "random", "model": ""}).status_code == 302
    task.refresh_from_db()
    assert task.work_order == WorkOrder.RANDOM
    made = api_client(owner).post(f"/api/v1/tasks/{task.pk}/work-order/", {"order": "topic"}, format="json")
    assert (made.status_code, made.json()["kind"]) == (202, "order")
    with pytest.raises(ApplicationError, match="Choose the model"):
        work_order_set(actor=owner, task=task, order=WorkOrder.UNCERTAINTY, model_key="base-0")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_real_model_says_where_it_is_unsure(task: Task, expert: User, owner: User) -> None:
    ask(task, ROWS[:1])
    pair_submit(actor=expert, task=task, texts=Texts(instruction="Why?", response="Because of the law."))
    folder = settings.MODEL_STORE / "base" / "unsure"
    if not folder.exists():
        make_tiny_model(folder, seed=3)
    base = BaseModel.objects.create(
        name="Unsure", folder="base/unsure", state=ModelState.READY, fingerprint=fingerprint(folder),
        tokenizer_fingerprint=tokenizer_fingerprint(folder),
    )  # fmt: skip
    work_order_set(actor=owner, task=task, order=WorkOrder.UNCERTAINTY, model_key=f"base-{base.pk}")
    [job] = run_jobs(Queue.GENERATE)
    assert (job.state, job.error, job.result) == ("done", "", {"questions": 1, "reviews": 1})
    asked = Question.objects.get()
    assert asked.uncertainty is not None
    assert 0 < asked.uncertainty <= 1
    orders = dict(WorkItem.objects.values_list("kind", "order"))
    assert orders["write"] == -round(asked.uncertainty * 1_000_000)
    assert orders["review"] < 0
