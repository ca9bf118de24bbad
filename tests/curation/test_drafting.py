"""A model drafts, people correct: nothing counts by itself, whatever the draft was made from."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from core import registries
from core.choices import Queue, WorkKind
from core.denied import ApplicationError
from core.models import Job, Project, User, WorkItem
from curation.choices import Origin, QuestionState
from curation.fingerprints import Texts
from curation.models import Answer, Document, Drafting, Pair, Passage, Question, Task
from curation.selectors.tasks import task_row
from curation.services.answers import answer_submit
from curation.services.documents import document_remove, passages_ask
from curation.services.drafting import draft_store, drafting_start, passage_example, passages_draft, question_read
from curation.services.questions import questions_ask
from ml.store import fingerprint, tokenizer_fingerprint
from ml.tiny import make_tiny_model
from tests.drafting_world import (  # noqa: F401  the fixtures are used by their names
    ASKED,
    WRITTEN,
    base_fixture,
    hold,
    questions_fixture,
    start,
    task_fixture,
    write,
)
from tests.world import run_jobs
from training.models import BaseModel

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


def test_a_draft_is_work_to_correct_and_counts_nowhere(
    task: Task, questions: list[Question], base: BaseModel, project: Project, expert: User
) -> None:
    drafts = write(start(task, base, most=2))
    assert [draft.question for draft in drafts] == questions[:2]
    assert (task_row(task).pairs, Pair.objects.count(), Answer.objects.count()) == (0, 0, 0)
    kinds = WorkItem.objects.filter(state="open").order_by("subject_id").values_list("kind", flat=True)
    assert list(kinds) == ["correct", "correct", "write"]
    assert set(Question.objects.values_list("state", flat=True)) == {QuestionState.OPEN}
    assert hold(expert, project).item.subject_id == questions[0].pk


def test_suggestion_is_visible_to_every_assignee_and_does_not_count_as_done(
    task: Task, owner: User, base: BaseModel, project: Project, expert: User, as_user: AsUser
) -> None:
    questions_ask(actor=owner, task=task, rows=[{"instruction": ASKED[0]}], needed=2)
    drafting = start(task, base)
    write(drafting, finish_reason="length")
    for user in (expert, owner):
        browser = as_user(user)
        page = browser.post(f"/p/{project.slug}/work/next/", {"kind": "correct"}).headers["Location"]
        shown = browser.get(page).content.decode()
        assert shown.count(WRITTEN) == 2  # in the field, and as what the difference is shown against
        assert all(said in shown for said in ("What did you change, and why?", "This draft was cut"))
    assert b"cut at the longest draft" in browser.get(f"/p/{project.slug}/drafts/{drafting.pk}/").content
    assert (Answer.objects.count(), Question.objects.get().state) == (0, QuestionState.OPEN)


def test_people_are_faster_than_the_model(
    task: Task, questions: list[Question], base: BaseModel, project: Project, expert: User, as_user: AsUser
) -> None:
    drafting = start(task, base)
    page = f"/p/{project.slug}/drafts/{drafting.pk}/"
    held = hold(expert, project, WorkKind.WRITE)
    [first, second, third] = list(drafting.drafts.order_by("pk"))
    assert not draft_store(draft=first, text=WRITTEN, finish_reason="stop")
    assert not draft_store(draft=second, text=" \n", finish_reason="stop")
    assert draft_store(draft=third, text=WRITTEN, finish_reason="length")
    assert draft_store(draft=third, text="Another.", finish_reason="stop")
    third.refresh_from_db()
    assert (third.text, third.finish_reason) == (WRITTEN, "length")
    assert b"did not come" not in as_user(expert).get(page).content, "it may still write"
    Job.objects.update(state="done")
    assert b"2 drafts did not come: people had taken the questions up" in as_user(expert).get(page).content
    answer_submit(actor=expert, assignment=held, texts=Texts(instruction=ASKED[0], response="One metre."))
    assert Answer.objects.get().origin == Origin.HUMAN


def test_a_question_is_asked_of_one_model_only(task: Task, questions: list[Question], base: BaseModel) -> None:
    start(task, base)
    with pytest.raises(ApplicationError, match="ask some first"):
        start(task, base)
    with pytest.raises(ApplicationError, match="not registered"):
        drafting_start(actor=task.created_by, task=task, model_key="base-0")
    assert Drafting.objects.count() == 1


@pytest.fixture
def passages(project: Project) -> list[Passage]:
    text = "A permit is needed above fifteen square metres."
    document = Document.objects.create(
        project=project, file_name="p.md", kind="text", title="Permits", text=text, characters=len(text), sha256="0",
        language="en",
    )  # fmt: skip
    return [Passage.objects.create(document=document, ordinal=number, text=f"{number}. {text}") for number in range(3)]


@pytest.mark.slow
def test_a_draft_from_a_passage_is_question_and_answer_and_the_pair_keeps_the_passage(
    task: Task, base: BaseModel, passages: list[Passage], project: Project, expert: User, as_user: AsUser
) -> None:
    ids = [passage.pk for passage in passages]
    passages_ask(actor=expert, task=task, passages=ids)
    assert hold(expert, project, WorkKind.PASSAGE).item.subject_id == ids[0]
    made = passages_draft(actor=task.created_by, task=task, model_key=f"base-{base.pk}", passages=ids)
    assert (made.asked, list(made.drafts.order_by("pk").values_list("passage", flat=True))) == (2, ids[1:])
    assert not Question.objects.exists()
    first, second = made.drafts.order_by("pk")
    assert draft_store(draft=first, text="Above 15 m².", finish_reason="stop", question="When is a permit needed?")
    assert draft_store(draft=first, text="Another.", finish_reason="stop", question="Another?")
    assert not draft_store(draft=second, text="Above 15 m².", finish_reason="stop", question=" ")
    open_work = WorkItem.objects.filter(state="open").order_by("pk").values_list("kind", "subject_id")
    asked = Question.objects.get()
    assert list(open_work) == [("passage", ids[0]), ("passage", ids[2]), ("correct", asked.pk)]
    client = as_user(expert)
    page = client.post(f"/p/{project.slug}/work/next/", {"kind": "correct"})["Location"]
    shown = client.get(page).content.decode()
    assert "When is a permit needed?" in shown
    assert "Above 15 m²." in shown
    assert passages[1].text in shown
    assert "draft was cut" not in shown
    typed = {"instruction": asked.instruction, "response": "Above 15 m².", "language": "en", "base": "0"}
    client.post(page, typed)
    pair = Pair.objects.get()
    assert (pair.passage, pair.current.origin) == (passages[1], Origin.DRAFT_ACCEPTED)
    assert pair.current.source == passages[1].source
    assert Answer.objects.get().unchanged
    # What waits for a person, and what a model was asked about, is not asked again; what was answered may be.
    again = passages_draft(actor=task.created_by, task=task, model_key=f"base-{base.pk}", passages=ids[1:2])
    assert again.asked == 1
    with pytest.raises(ApplicationError, match="Choose at least one passage"):
        passages_draft(actor=task.created_by, task=task, model_key=f"base-{base.pk}", passages=ids)


def test_a_question_from_a_passage_whose_text_is_the_input_of_an_extraction(
    task: Task, base: BaseModel, passages: list[Passage], owner: User, expert: User, api_as: Any
) -> None:
    Task.objects.filter(pk=task.pk).update(kind="extraction")
    asked = {"task": task.pk, "model": f"base-{base.pk}", "passages": [passages[0].pk]}
    assert api_as(expert).post("/api/v1/drafts/", asked).status_code == 403
    made = Drafting.objects.get(pk=api_as(owner).post("/api/v1/drafts/", asked).json()["id"])
    draft = made.drafts.get()
    template = {"kind": "text", "prompt": "{{instruction}} {{input}}", "before_response": "", "after_response": ""}
    assert passage_example(draft, template, "Why?")["input"] == passages[0].text
    bare = passage_example(draft, {**template, "prompt": "{{instruction}}"}, "Why?")
    assert (bare["instruction"], bare["input"]) == (f"{passages[0].text}\n\nWhy?", "")
    assert draft_store(draft=draft, text="Fifteen.", finish_reason="stop", question="How many?")
    assert Question.objects.get().input == passages[0].text
    assert api_as(expert).get(f"/api/v1/drafts/{made.pk}/").json()["drafts"][0]["passage"] == passages[0].pk
    document_remove(actor=owner, document=passages[0].document)
    assert (Question.objects.get().state, WorkItem.objects.filter(state="open").count()) == (QuestionState.CLOSED, 0)


@pytest.mark.parametrize(
    ("said", "question"),
    [
        ("\n Question: “How high?”\nAnswer: two.", "How high?"),
        ("1. How high?", "How high?"),
        ("**Q1:** How high?", "How high?"),
        ("Q: How high?", "How high?"),
        ("Quite how high?", "Quite how high?"),
        (" \n", ""),
    ],
)
def test_a_question_is_read_off_what_a_model_said(said: str, question: str) -> None:
    assert question_read(said) == question


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_job_lets_a_real_model_write(
    task: Task,
    questions: list[Question],
    passages: list[Passage],
    base: BaseModel,
    project: Project,
    owner: User,
    as_user: AsUser,
) -> None:
    folder: Path = settings.MODEL_STORE / "base" / "plain"
    if not folder.exists():
        make_tiny_model(folder, seed=0)
    BaseModel.objects.update(fingerprint=fingerprint(folder), tokenizer_fingerprint=tokenizer_fingerprint(folder))
    asked = {"task": task.pk, "model": f"base-{base.pk}", "topic": "", "most": 2, "max_new_tokens": 8}
    page = as_user(owner).post(f"/p/{project.slug}/drafts/new/", asked).headers["Location"]
    drafting = Drafting.objects.get()
    document = f"/p/{project.slug}/documents/{passages[0].document_id}/draft/"
    chosen = {"task": task.slug, "passage": [passages[0].pk], "model": f"base-{base.pk}", "max_new_tokens": 8}
    assert as_user(owner).post(document, {**chosen, "passage": []}).status_code == 400
    assert as_user(owner).post(document, {**chosen, "model": "none"}).status_code == 400
    from_passage = as_user(owner).post(document, chosen)["Location"]
    job, other = run_jobs(Queue.GENERATE)
    assert (job.state, job.error, other.state, other.error) == ("done", "", "done", "")
    asked_for = settings.RUN_STORE / f"drafts-{other.arguments['drafting']}-questions" / "items.jsonl"
    assert passages[0].text in json.loads(asked_for.read_text())["input"]
    assert other.result == {"asked": 1, "written": Question.objects.filter(passage=passages[0]).count()}
    assert as_user(owner).get(from_passage).status_code == 200
    assert job.result["asked"] == 2
    written = drafting.drafts.filter(written_at__isnull=False)
    assert written.count() == job.result["written"] == drafting.drafts.count()
    assert Question.objects.filter(draft=None).count() == len(ASKED) - written.count()
    assert as_user(owner).get(page).status_code == 200
    # Once more: what is written stays, and nothing is added.
    Job.objects.filter(pk=job.pk).update(state="queued")
    before = list(written.values_list("pk", "text"))
    run_jobs(Queue.GENERATE)
    assert list(written.values_list("pk", "text")) == before


def test_a_model_that_is_gone_fails_the_job_with_a_sentence(
    task: Task, questions: list[Question], base: BaseModel
) -> None:
    drafting = start(task, base)
    BaseModel.objects.all().delete()
    assert registries.models_to_ask(task.project) == []
    with pytest.raises(ApplicationError, match="choose another"):
        start(task, base)
    assert drafting.drafts.filter(written_at__lte=timezone.now()).count() == 0
