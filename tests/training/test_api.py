"""The training endpoints: the same services as the pages, found by id through the project."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from core.denied import ApplicationError
from core.model_server import ModelServerBusy, ModelServerDown
from core.models import Job, Project, User
from curation.models import DatasetVersion
from tests.training_world import TINY
from tests.world import run_jobs
from training.choices import RunState
from training.models import BaseModel, ModelVersion, Run, RunEvent
from training.services.launch import run_launch

pytestmark = pytest.mark.django_db(transaction=True)
ApiAs = Callable[..., APIClient]
Prepare = Callable[..., Run]


def asked(project: Project, frozen: DatasetVersion, tiny_base: BaseModel, **more: Any) -> dict[str, Any]:
    where = {"project": project.slug, "version": frozen.pk, "base": tiny_base.pk}
    return {**where, "preset": "quick", "recipe": {**TINY, "max_steps": 3}, **more}


@pytest.fixture
def made(prepare: Prepare, owner: User, trained: Callable[[User, Run], Run]) -> ModelVersion:
    return ModelVersion.objects.get(run=trained(owner, prepare()))


@pytest.mark.slow(seconds=20)
def test_a_run_from_preparing_to_its_events(
    api_as: ApiAs, owner: User, project: Project, frozen: DatasetVersion, tiny_base: BaseModel
) -> None:
    api = api_as(owner)
    answer = api.post("/api/v1/runs/", asked(project, frozen, tiny_base), format="json")
    assert answer.status_code == 201, answer.json()
    key = answer.json()["id"]
    assert api.get(f"/api/v1/runs/{key}/").json()["refusals"] == [
        "The pairs are still being examined. This takes seconds to a few minutes."
    ]
    early = api.post(f"/api/v1/runs/{key}/launch/")
    assert (early.status_code, Job.objects.filter(kind="train").count()) == (400, 0)
    run_jobs()
    assert api.get(f"/api/v1/audits/{answer.json()['audit']}/").json()["report"]["launchable"] is True
    assert api.post(f"/api/v1/runs/{key}/launch/").json()["state"] == "queued"
    run_jobs("train")
    done = api.get(f"/api/v1/runs/{key}/").json()
    assert (done["state"], done["step"]) == ("done", 3)
    first = api.get(f"/api/v1/runs/{key}/events/").json()
    steps = [event["step"] for event in first["events"] if event["type"] == "step"]
    assert steps == [1, 2, 3]
    rest = api.get(f"/api/v1/runs/{key}/events/", {"after": first["next"]}).json()
    assert rest["events"] == []
    half = first["events"][3]
    after = api.get(f"/api/v1/runs/{key}/events/", {"after": f"{half['attempt']}.{half['seq']}"}).json()
    assert after["events"] == first["events"][4:]
    told = api.get(f"/api/v1/runs/{key}/metrics/", {"names": "loss,memory", "after": 1}).json()
    assert [(each["name"], [step for step, _ in each["points"]]) for each in told["metrics"]] == [
        ("loss", [2, 3]), ("memory", [2, 3])
    ]  # fmt: skip
    losses = [event["data"]["loss"] for event in first["events"] if event["type"] == "step"]
    assert [value for _, value in told["metrics"][0]["points"]] == losses[1:]
    every = {each["name"] for each in api.get(f"/api/v1/runs/{key}/metrics/").json()["metrics"]}
    assert every >= {"loss", "learning_rate", "grad_norm", "develop_loss", "general_loss", "tokens_per_second"}
    wrong = api.get(f"/api/v1/runs/{key}/metrics/", {"names": "joy"})
    assert (wrong.status_code, "no measure “joy”" in wrong.content.decode()) == (400, True)
    assert api.get(f"/api/v1/runs/{key}/log/").json()["attempt"] == 1
    version = api.get(f"/api/v1/model-versions/{done['model_version']}/").json()
    assert version["result"]["final_step"] == 3
    assert api.get("/api/v1/runs/", {"project": project.slug}).json()["results"][0]["id"] == key
    assert api.get("/api/v1/model-versions/").json()["results"][0]["id"] == version["id"]


def test_what_the_pages_do_with_recipes_and_prepared_runs_programs_do_too(
    api_as: ApiAs, owner: User, project: Project, frozen: DatasetVersion, tiny_base: BaseModel, prepare: Prepare
) -> None:
    run, other, api = prepare(seed=7), prepare(max_tokens=24), api_as(owner)
    text = api.get(f"/api/v1/runs/{run.pk}/recipe/").content.decode()
    read = api.post("/api/v1/recipes/", {"project": project.slug, "recipe": text}, format="json").json()
    assert {"method": read["method"], **read["recipe"]} == run.recipe
    wrong = api.post("/api/v1/recipes/", {"project": project.slug, "recipe": "epochs: 0"}, format="json")
    assert (wrong.status_code, wrong.json()["field"]) == (400, "epochs")
    body = {**asked(project, frozen, tiny_base), **read, "data_share": 0.5}
    changed = api.put(f"/api/v1/runs/{other.pk}/", body, format="json").json()
    assert (changed["recipe"], changed["subset"]) == (run.recipe, {"share": 0.5, "seed": 0})
    kept = api.post("/api/v1/presets/", {"run": run.pk, "name": "Ours"}, format="json").json()
    assert api.get(f"/api/v1/presets/?project={project.slug}").json()["results"] == [kept]
    third = api.post("/api/v1/runs/", {**asked(project, frozen, tiny_base), "preset": kept["key"], "recipe": {}},
                     format="json").json()  # fmt: skip
    assert third["recipe"] == run.recipe
    assert api.delete(f"/api/v1/presets/{kept['id']}/").status_code == 204
    found = api.get(f"/api/v1/runs/compare/?a={run.pk}&b={other.pk}").json()
    assert [line["label"] for line in found["differences"]] == ["How much of it"]
    assert found["outcomes"][0] == {"label": "State", "left": "Being prepared", "right": "Being prepared"}
    assert api.get(f"/api/v1/runs/compare/?a={run.pk}").status_code == 400
    assert api.delete(f"/api/v1/runs/{third['id']}/").status_code == 204
    launched = run_launch(actor=owner, run=run)
    [waits] = api.get(f"/api/v1/runs/waiting/?project={project.slug}").json()
    assert (waits["run"], waits["job"], waits["place"], waits["late"]) == (run.pk, launched.job_id, 1, False)
    assert api.put(f"/api/v1/runs/{run.pk}/", body, format="json").status_code == 400
    assert api.delete(f"/api/v1/runs/{run.pk}/").status_code == 400


def test_the_pairs_behind_a_number_of_the_audit_can_be_asked_for(api_as: ApiAs, viewer: User, prepare: Prepare) -> None:
    run = prepare(max_tokens=16)
    assert run.audit is not None
    code = run.audit.report["problems"][0]["code"]
    rows = api_as(viewer).get(f"/api/v1/audits/{run.audit_id}/rows/?code={code}").json()
    assert {row["code"] for row in rows} == {code}
    assert all(row["overflow"] > 0 and "What is number" in row["instruction"] for row in rows)
    assert api_as(viewer).get(f"/api/v1/audits/{run.audit_id}/rows/?code=none").json() == []


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"recipe": {"no_such": 1}}, "recipe"),
        ({"recipe": {"learning_rate": 5}}, "recipe"),
        ({"preset": "magic"}, "preset"),
        ({"version": 999_999}, "version"),
        ({"base": 999_999}, "base"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_made(
    api_as: ApiAs, owner: User, project: Project, frozen: DatasetVersion, tiny_base: BaseModel,
    change: dict[str, Any], where: str,
) -> None:  # fmt: skip
    answer = api_as(owner).post("/api/v1/runs/", asked(project, frozen, tiny_base, **change), format="json")
    assert answer.status_code == 400
    assert where in {*answer.json(), answer.json().get("field")}
    assert not Run.objects.exists()


def test_a_combination_that_cannot_work_is_refused_by_the_recipe(
    api_as: ApiAs, owner: User, project: Project, frozen: DatasetVersion, tiny_base: BaseModel
) -> None:
    body = asked(project, frozen, tiny_base, method="full", recipe={"learning_rate": 0.05})
    answer = api_as(owner).post("/api/v1/runs/", body, format="json")
    assert (answer.status_code, answer.json()["field"]) == (400, "learning_rate")


def test_a_dataset_version_of_another_project_is_not_there(
    api_as: ApiAs, stranger: User, frozen: DatasetVersion, tiny_base: BaseModel
) -> None:
    elsewhere = Project.objects.get(name="Elsewhere")
    answer = api_as(stranger).post("/api/v1/runs/", asked(elsewhere, frozen, tiny_base), format="json")
    assert answer.status_code == 400
    assert "no such dataset version" in str(answer.json())
    assert not Run.objects.exists()


@pytest.mark.slow
def test_roles_and_tokens_decide(
    api_as: ApiAs, owner: User, expert: User, stranger: User, project: Project, prepare: Prepare
) -> None:
    run = prepare()
    for verb in ("launch", "stop", "cancel", "resume"):
        path = f"/api/v1/runs/{run.pk}/{verb}/"
        assert api_as(expert).post(path).status_code == 403
        assert api_as(stranger).post(path).status_code == 404
        assert api_as(owner, may_write=False).post(path).status_code == 403
        assert APIClient().post(path).status_code == 401
    assert api_as(stranger).get(f"/api/v1/runs/{run.pk}/").status_code == 404
    assert api_as(stranger).get(f"/api/v1/runs/{run.pk}/events/").status_code == 404
    assert api_as(stranger).get("/api/v1/runs/").json()["results"] == []
    assert api_as(expert).get(f"/api/v1/runs/{run.pk}/").status_code == 200
    run.refresh_from_db()
    assert run.state == RunState.DRAFT


@pytest.mark.parametrize("after", ["x", "-1.0", "1.x", "²", "99999999999999.1"])
def test_a_position_that_is_none_is_refused(api_as: ApiAs, owner: User, prepare: Prepare, after: str) -> None:
    assert api_as(owner).get(f"/api/v1/runs/{prepare().pk}/events/", {"after": after}).status_code == 400


def test_only_admins_register_models(api_as: ApiAs, owner: User, admin: User, tiny_folder: object) -> None:
    body = {"folder": "base/tiny", "name": "Tiny"}
    assert api_as(owner).post("/api/v1/base-models/", body).status_code == 404
    assert not BaseModel.objects.exists()
    answer = api_as(admin).post("/api/v1/base-models/", body)
    assert (answer.status_code, answer.json()["state"]) == (201, "checking")


def test_events_of_a_resumed_run_come_in_the_order_of_attempts(api_as: ApiAs, owner: User, prepare: Prepare) -> None:
    run = prepare()
    for attempt, seq in ((1, 1), (1, 2), (2, 1)):
        RunEvent.objects.create(run=run, attempt=attempt, seq=seq, type="step", at=0)
    found = api_as(owner).get(f"/api/v1/runs/{run.pk}/events/", {"after": "1.1"}).json()
    assert [(event["attempt"], event["seq"]) for event in found["events"]] == [(1, 2), (2, 1)]


class FakeServer:
    """Stands where the model server's client is; what the server itself does is proven in tests/ml and tests/e2e."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.asked = error, {}

    def __call__(self, **asked: Any) -> Iterator[bytes]:
        if self.error:
            raise self.error
        self.asked = asked
        return iter([b'{"text": "Hel"}\n', b'{"text": "lo"}\n', b'{"done": true}\n'])


@pytest.mark.slow
def test_a_chat_asks_in_the_words_of_the_training_and_streams(
    api_as: ApiAs, expert: User, made: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = FakeServer()
    monkeypatch.setattr("training.services.chat.chat", server)
    DatasetVersion.objects.filter(pk=made.run.version_id).update(system_prompt="Answer like a carpenter.")
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    body = {"message": "How thick is a joist?", "turns": turns, "max_new_tokens": 32}
    answer = api_as(expert).post(f"/api/v1/model-versions/{made.pk}/chat/", body, format="json")
    lines = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]
    assert lines == [{"text": "Hel"}, {"text": "lo"}, {"done": True}]
    assert server.asked["template"] == made.template
    assert server.asked["model"]["adapter"].endswith(made.folder)
    example = server.asked["example"]
    assert (example["instruction"], example["system"]) == ("How thick is a joist?", "Answer like a carpenter.")
    assert example["turns"] == turns
    assert server.asked["max_new_tokens"] == 32


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "status"),
    [("{", 400), ("[" * 100_000, 400), ("[]", 400), ('{"message": " "}', 400), ('{"message": "a", "turns": [1]}', 400),
     ('{"message": "a", "temperature": "hot"}', 400), ('{"message": "a", "max_new_tokens": 99999}', 400)],
)  # fmt: skip
def test_a_page_tells_what_is_wrong_with_a_question(
    as_user: Callable[..., Any], expert: User, made: ModelVersion, body: str, status: int
) -> None:
    path = f"/p/{made.project.slug}/models/{made.pk}/chat/"
    answer = as_user(expert).post(path, body, content_type="application/json")
    assert answer.status_code == status
    assert answer.json()["detail"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ModelServerDown("It does not answer."), 503),
        (ModelServerBusy("Too many wait."), 503),
        (ApplicationError("Too long."), 400),
    ],
)  # fmt: skip
def test_a_page_tells_when_the_model_server_cannot(
    as_user: Callable[..., Any], expert: User, stranger: User, made: ModelVersion, monkeypatch: pytest.MonkeyPatch,
    error: Exception, status: int,
) -> None:  # fmt: skip
    monkeypatch.setattr("training.services.chat.chat", FakeServer(error))
    path = f"/p/{made.project.slug}/models/{made.pk}/chat/"
    answer = as_user(expert).post(path, '{"message": "Hi"}', content_type="application/json")
    assert (answer.status_code, answer.json()["detail"]) == (status, str(error))
    assert as_user(stranger).post(path, '{"message": "Hi"}', content_type="application/json").status_code == 404
