"""Evaluation through the API: the same services as the pages, behind the same door."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from core.models import Project, User
from curation.models import Suite
from evaluation.models import Evaluation, Grade
from evaluation.services.rounds import round_open
from training.models import BaseModel, ModelVersion

ApiAs = Callable[..., APIClient]
pytestmark = pytest.mark.django_db


def test_an_evaluation_is_made_read_and_cancelled(
    project: Project, advice_suite: Suite, plain_base: BaseModel, taught_model: ModelVersion, owner: User, api_as: ApiAs
) -> None:
    client = api_as(owner)
    body = {
        "project": project.slug,
        "suite": advice_suite.pk,
        "models": [{"base": plain_base.pk}, {"model_version": taught_model.pk}],
        "answers": 3,
    }
    made = client.post("/api/v1/evaluations/", body, format="json")
    assert made.status_code == 201, made.json()
    number = made.json()["id"]
    assert [row["name"] for row in made.json()["candidates"]] == ["Plain", "Advice 1"]
    listed = client.get(f"/api/v1/evaluations/?project={project.slug}").json()["results"]
    assert [row["id"] for row in listed] == [number]
    assert client.post(f"/api/v1/evaluations/{number}/cancel/").json()["state"] == "cancelled"
    refused = client.post(f"/api/v1/evaluations/{number}/cancel/")
    assert (refused.status_code, refused.json()["detail"]) == (400, "This evaluation has ended already.")
    assert client.post(f"/api/v1/evaluations/{number}/retry/").json()["state"] == "queued"


@pytest.mark.parametrize(
    ("change", "field"),
    [({"suite": 999999}, "suite"), ({"models": [{"model_version": 999999}]}, "models"), ({"answers": -1}, "answers")],
)
def test_what_cannot_work_is_refused_with_its_field(
    change: dict[str, object], field: str, project: Project, advice_suite: Suite, plain_base: BaseModel,
    owner: User, api_as: ApiAs,
) -> None:  # fmt: skip
    body = {"project": project.slug, "suite": advice_suite.pk, "models": [{"base": plain_base.pk}], **change}
    answer = api_as(owner).post("/api/v1/evaluations/", body, format="json")
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert Evaluation.objects.count() == 0


def test_outputs_come_with_scores_unless_they_are_being_graded_blind(
    evaluated: Evaluation, viewer: User, owner: User, api_as: ApiAs
) -> None:
    client = api_as(viewer)
    rows = client.get(f"/api/v1/outputs/?evaluation={evaluated.pk}&page_size=500").json()["results"]
    assert len(rows) == 2 * evaluated.suite.size
    assert {score["metric"] for score in rows[0]["scores"]} == {"rouge_l", "check.repetition"}
    round_open(actor=owner, evaluation=evaluated, items=1)
    refused = client.get(f"/api/v1/outputs/?evaluation={evaluated.pk}")
    assert refused.status_code == 403
    assert "graded blind" in refused.json()["detail"]


def test_a_grader_claims_and_submits_without_learning_the_model(
    evaluated: Evaluation, owner: User, reviewer: User, api_as: ApiAs
) -> None:
    body = {"evaluation": evaluated.pk, "items": 1}
    made = api_as(owner).post("/api/v1/grading-rounds/", body, format="json")
    assert made.status_code == 201
    number = made.json()["id"]
    client = api_as(reviewer)
    claim = client.post(f"/api/v1/grading-rounds/{number}/claim/").json()
    assert {"candidate", "model", "output", "item"} & set(claim) == set()
    grade = {
        "round": number,
        "assignment": claim["assignment"],
        "token": claim["token"],
        "values": {row["key"]: 4 for row in claim["criteria"]},
        "usable": "as_is",
    }
    given = client.post("/api/v1/grades/", grade, format="json")
    assert (given.status_code, given.json()["output"]) == (201, None)
    assert client.post("/api/v1/grades/", {**grade, "values": {}}, format="json").status_code == 400
    assert len(client.get(f"/api/v1/grades/?round={number}").json()["results"]) == 1
    assert api_as(owner).get(f"/api/v1/grades/?round={number}").json()["results"] == []
    assert api_as(owner).post(f"/api/v1/grading-rounds/{number}/close/").status_code == 200
    shown = api_as(owner).get(f"/api/v1/grades/?round={number}").json()["results"]
    assert [row["output"] for row in shown] == [Grade.objects.get().output_id]
    assert client.post(f"/api/v1/grading-rounds/{number}/claim/").status_code == 204


def test_rubrics_are_editions(project: Project, owner: User, viewer: User, api_as: ApiAs) -> None:
    body = {"project": project.slug, "criteria": [{"label": "Polite", "low": "rude", "high": "kind"}]}
    assert api_as(viewer).post("/api/v1/rubrics/", body, format="json").status_code == 403
    made = api_as(owner).post("/api/v1/rubrics/", body, format="json").json()
    assert (made["number"], made["criteria"][0]["key"]) == (2, "polite")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "evaluations/{e}/"),
        ("post", "evaluations/{e}/cancel/"),
        ("get", "outputs/?evaluation={e}"),
        ("get", "grading-rounds/?evaluation={e}"),
        ("post", "grading-rounds/{r}/claim/"),
        ("post", "grading-rounds/{r}/close/"),
        ("get", "grades/?round={r}"),
    ],
)
def test_strangers_and_tokens_of_other_projects_find_nothing(
    method: str, path: str, evaluated: Evaluation, owner: User, stranger: User, api_as: ApiAs
) -> None:
    grading = round_open(actor=owner, evaluation=evaluated, items=1)
    address = "/api/v1/" + path.format(e=evaluated.pk, r=grading.pk)
    assert getattr(api_as(stranger), method)(address).status_code == 404
    elsewhere = Project.objects.get(slug="elsewhere")
    assert getattr(api_as(owner, project=elsewhere), method)(address).status_code == 404
    assert getattr(APIClient(), method)(address).status_code == 401


def test_a_token_that_may_only_read_starts_nothing(evaluated: Evaluation, owner: User, api_as: ApiAs) -> None:
    body = {"evaluation": evaluated.pk, "items": 1}
    answer = api_as(owner, may_write=False).post("/api/v1/grading-rounds/", body, format="json")
    assert answer.status_code == 403
    assert evaluated.rounds.count() == 0
