"""Tasks with output fields: a form instead of free text, one rendering, evidence kept, no answer ever deleted."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.choices import WorkKind
from core.denied import ApplicationError
from core.models import Assignment, Project, User, WorkItem
from curation.choices import Decision
from curation.fingerprints import Texts
from curation.models import Answer, Draft, Drafting, ModelDraft, Pair, Revision, Task
from curation.services.drafts import draft_save
from curation.services.pairs import pair_revise, pair_submit
from curation.services.questions import questions_ask
from curation.services.reviews import review_decide
from curation.services.tasks import guideline_save, task_create, task_update
from tests.world import api_client

AsUser = Callable[[User], Client]
pytestmark = pytest.mark.django_db
FIELDS = [{"name": "part"}, {"name": "height", "kind": "number", "required": False}]
INPUT = "🙂 The oak beam is 3 m up."
RESPONSE = '{\n  "part": "beam",\n  "height": 3\n}'
MARK = {"start": 10, "text": "beam"}


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(
        actor=owner, project=project, name="Read", kind="extraction", output_fields=FIELDS, guidelines="Be exact."
    )


def form(**changes: Any) -> dict[str, Any]:
    return {
        "instruction": "What is where?", "input": INPUT, "output": ["beam", "3"],
        "output_evidence": [json.dumps([MARK]), ""], "language": "en", "topic": "", "key": "k", "base": 0,
        "pasted": 25, **changes,
    }  # fmt: skip


def at(task: Task, path: str) -> str:
    return f"/p/{task.project.slug}/tasks/{task.slug}/{path}"


def test_the_form_becomes_one_text_with_its_evidence_and_how_it_was_written(
    task: Task, expert: User, as_user: AsUser
) -> None:
    page = as_user(expert).get(at(task, "write/?key=k")).content.decode()
    assert page.count('name="output"') == 2
    assert 'name="response"' not in page
    assert as_user(expert).post(at(task, "write/"), form()).status_code == 302
    revision = Revision.objects.get()
    assert revision.response == RESPONSE
    assert revision.evidence == [{"field": "part", "start": 10, "end": 14, "text": "beam"}]
    assert (revision.pasted, revision.guideline) == (25, 1)
    assert revision.pasted_share == pytest.approx(25 / (14 + len(INPUT) + len(RESPONSE)))
    shown = as_user(expert).get(f"/p/{task.project.slug}/pairs/{revision.pair_id}/").content.decode()
    assert '<q dir="auto">beam</q>' in shown
    assert "% pasted" in shown


def test_an_answer_keeps_its_evidence_for_the_pair_it_becomes_and_in_the_draft_it_goes_back_to(
    task: Task, expert: User, owner: User, reviewer: User, as_user: AsUser
) -> None:
    evidence = [{"field": "part", "start": 10, "end": 14, "text": "beam"}]
    client, root = as_user(expert), f"/p/{task.project.slug}"
    for needed in (1, 2):
        row = {"instruction": f"What is where, {needed}?", "input": INPUT}
        questions_ask(actor=owner, task=task, rows=[row], needed=needed)
        page = client.post(f"{root}/work/next/", {"kind": "write"})["Location"]
        assert client.post(page, form(instruction=row["instruction"])).status_code == 302
        answer = Answer.objects.get(question__needed=needed)
        assert (answer.evidence, answer.pasted) == (evidence, 25)
    revision = Revision.objects.get()
    assert (revision.evidence, revision.pasted) == (evidence, 25)
    again = client.get(client.post(f"{root}/actions/undo/")["Location"]).content.decode()
    assert ">\nbeam</textarea>" in again
    assert "&quot;start&quot;: 10" in again
    moved = [{"value": "beam", "evidence": ""}, {"value": "3", "evidence": ""}]
    pair, fields = revision.pair, {"outputs": moved}
    draft_save(actor=expert, task=task, key=f"pair-{pair.pk}", fields=fields, version=0, pair=pair)
    assert Draft.objects.filter(pair=pair).exists(), "to forget a place is a change too"


def test_a_program_tells_where_a_field_is_read_off(task: Task, expert: User) -> None:
    api = api_client(expert)
    place = {"field": "part", **MARK}
    body = {"instruction": "What is where?", "input": INPUT, "response": RESPONSE, "evidence": [place]}
    made = api.post("/api/v1/pairs/", {"task": task.pk, **body}, format="json").json()
    assert made["current"]["evidence"] == [{"field": "part", "start": 10, "end": 14, "text": "beam"}]
    path = f"/api/v1/pairs/{made['id']}/revisions/"
    kept = api.post(path, {"version": 1, "instruction": "Which is where?"}, format="json").json()
    assert kept["current"]["evidence"] == made["current"]["evidence"]
    gone = api.post(path, {"version": 2, "instruction": "And where?", "evidence": []}, format="json").json()
    assert gone["current"]["evidence"] is None


def test_what_a_model_drafted_stands_in_the_fields_to_be_corrected(task: Task, expert: User, as_user: AsUser) -> None:
    texts = ('{"part": "beam", "height": 3}', "The beam, I think.")
    for number, text in enumerate(texts):
        [question] = questions_ask(actor=expert, task=task, rows=[{"instruction": f"Where, {number}?", "input": INPUT}])
        drafting = Drafting.objects.create(
            project=task.project, task=task, model_key="x", model_name="Small", model_fingerprint="f"
        )
        ModelDraft.objects.create(question=question, drafting=drafting, text=text, written_at=timezone.now())
    WorkItem.objects.update(kind=WorkKind.CORRECT)
    client, root = as_user(expert), f"/p/{task.project.slug}"
    first = client.post(f"{root}/work/next/", {"kind": "correct"}, follow=True).content.decode()
    assert ">\nbeam</textarea>" in first
    assert "does not fit the output fields" not in first
    client.post(f"{root}/work/{Assignment.objects.get().pk}/skip/")
    second = client.post(f"{root}/work/next/", {"kind": "correct"}, follow=True).content.decode()
    assert "does not fit the output fields" in second
    assert "The beam, I think." in second


def test_a_value_that_does_not_fit_is_said_and_nothing_stored(task: Task, expert: User, as_user: AsUser) -> None:
    answer = as_user(expert).post(at(task, "write/"), form(output=["beam", "three"]))
    assert answer.status_code == 400
    assert "“height” must be a number such as 12 or 3.5." in answer.content.decode()
    assert "three" in answer.content.decode()
    assert not Pair.objects.exists()


def test_the_editor_is_filled_with_what_was_stored_and_a_draft_is_kept(
    task: Task, expert: User, as_user: AsUser
) -> None:
    client = as_user(expert)
    client.post(at(task, "write/"), form())
    pair = Pair.objects.get()
    page = client.get(f"/p/{task.project.slug}/pairs/{pair.pk}/edit/").content.decode()
    assert ">\nbeam</textarea>" in page
    assert 'value="3"' in page
    assert "&quot;start&quot;: 10" in page
    fields = {"outputs": [{"value": "rafter", "evidence": ""}, {"value": "x", "evidence": ""}], "pasted": "9"}
    path = at(task, f"drafts/pair-{pair.pk}/")
    body = json.dumps({"version": 0, "fields": fields})
    assert client.post(path, body, content_type="application/json").status_code == 200
    assert Draft.objects.get().fields == fields
    assert ">\nrafter</textarea>" in client.get(f"/p/{task.project.slug}/pairs/{pair.pk}/edit/").content.decode()


def test_looking_names_the_field_that_does_not_fit(task: Task, expert: User, as_user: AsUser) -> None:
    fields = {"outputs": [{"value": "", "evidence": ""}, {"value": "x", "evidence": ""}], "input": INPUT}
    answer = as_user(expert).post(at(task, "look/"), json.dumps({"fields": fields}), content_type="application/json")
    assert answer.json()["outputs"] == [
        {"field": "part", "message": "“part” is missing."},
        {"field": "height", "message": "“height” must be a number such as 12 or 3.5."},
    ]


def test_evidence_follows_its_words_and_goes_with_them(task: Task, expert: User) -> None:
    traces_input = f"Now: {INPUT}"
    pair = pair_submit(actor=expert, task=task, texts=Texts(instruction="q", input=INPUT, response=RESPONSE))
    Revision.objects.filter(pair=pair).update(evidence=[{"field": "part", "start": 10, "end": 14, "text": "beam"}])
    pair_revise(actor=expert, pair=pair, version=1, texts=Texts(instruction="q", input=traces_input, response=RESPONSE))
    assert Revision.objects.get(number=2).evidence == [{"field": "part", "start": 15, "end": 19, "text": "beam"}]
    pair_revise(actor=expert, pair=pair, version=2, texts=Texts(instruction="q", input="Gone.", response=RESPONSE))
    assert Revision.objects.get(number=3).evidence is None


def test_changed_output_fields_delete_no_answer_and_the_editor_shows_the_old_one(
    task: Task, expert: User, owner: User, as_user: AsUser
) -> None:
    pair = pair_submit(actor=expert, task=task, texts=Texts(instruction="q", input=INPUT, response=RESPONSE))
    task_update(actor=owner, task=task, output_fields=[{"name": "thing"}])
    pair.refresh_from_db()
    assert pair.current is not None
    assert pair.current.response == RESPONSE
    page = as_user(expert).get(f"/p/{task.project.slug}/pairs/{pair.pk}/edit/").content.decode()
    assert "does not fit the output fields" not in page  # it is JSON, so what it says stands in the form's place
    task_update(actor=owner, task=task, output_fields=[])
    pair_revise(actor=expert, pair=pair, version=1, texts=Texts(instruction="q", response="Free text."))
    task_update(actor=owner, task=task, output_fields=FIELDS)
    page = as_user(expert).get(f"/p/{task.project.slug}/pairs/{pair.pk}/edit/").content.decode()
    assert "does not fit the output fields" in page
    assert "Free text." in page


def test_a_program_is_held_to_the_same_fields(task: Task, expert: User, owner: User) -> None:
    client = api_client(expert)
    body = {"task": task.pk, "instruction": "q", "response": '{"height": 3, "part": "beam"}'}
    answer = client.post("/api/v1/pairs/", body, format="json")
    assert (answer.status_code, answer.json()["current"]["response"]) == (201, RESPONSE)
    refused = client.post("/api/v1/pairs/", {**body, "response": '{"part": 1}'}, format="json")
    assert (refused.status_code, refused.json()["field"]) == (400, "response")
    found = api_client(owner).get(f"/api/v1/tasks/{task.pk}/").json()["output_fields"]
    assert [field["name"] for field in found] == ["part", "height"]
    again = api_client(owner).patch(
        f"/api/v1/tasks/{task.pk}/", {"output_fields": [{"name": "a"}, {"name": "a"}]}, format="json"
    )
    assert again.status_code == 400


def test_a_task_with_output_fields_is_made_on_its_form(project: Project, owner: User, as_user: AsUser) -> None:
    body = {
        "name": "Read invoices", "kind": "extraction", "language": "en", "max_tokens": 256, "target_pairs": 10,
        "template_choice": "chat", "split": "0.8", "out_name": ["trade", " ", "parts"],
        "out_kind": ["choice", "text", "text"], "out_choices": ["wood, stone", "", "ignored"],
        "out_many": ["", "", "yes"], "out_required": ["yes", "yes", ""],
    }  # fmt: skip
    assert as_user(owner).post(f"/p/{project.slug}/tasks/new/", body).status_code == 302
    found = Task.objects.get(name="Read invoices").output_fields
    assert found == [
        {"name": "trade", "kind": "choice", "choices": ["wood", "stone"], "many": False, "required": True},
        {"name": "parts", "kind": "text", "choices": [], "many": True, "required": False},
    ]
    page = as_user(owner).get(f"/p/{project.slug}/tasks/read-invoices/edit/").content.decode()
    assert 'value="wood, stone"' in page
    refused = as_user(owner).post(f"/p/{project.slug}/tasks/new/", {**body, "out_choices": ["", "", ""]})
    assert refused.status_code == 400
    assert "has allowed values" in refused.content.decode()


def test_a_review_names_the_guidelines_it_was_made_by(task: Task, expert: User, reviewer: User, owner: User) -> None:
    pair = pair_submit(actor=expert, task=task, texts=Texts(instruction="q", input=INPUT, response=RESPONSE))
    guideline_save(actor=owner, task=task, text="Be more exact.", number=1)
    assert pair.current_id is not None
    review = review_decide(actor=reviewer, pair=pair, revision_id=pair.current_id, decision=Decision.APPROVE)
    assert (Revision.objects.get().guideline, review.guideline) == (1, 2)


def test_a_definition_that_makes_no_sense_is_refused(project: Project, owner: User) -> None:
    with pytest.raises(ApplicationError, match="has a kind among"):
        task_create(actor=owner, project=project, name="x", output_fields=[{"name": "a", "kind": "b"}])
