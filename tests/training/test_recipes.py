"""Recipes beyond one launch: as YAML and back, as own presets, cloned and compared; warm starts; half the batch."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.choices import NoticeKind
from core.denied import ApplicationError
from core.models import Notice, Project, User
from core.registries import lineage_of
from core.services.webhooks import mail_server_create
from curation.models import DatasetVersion
from ml.recipe import Recipe
from tests.training_world import TINY
from tests.world import run_jobs
from training.choices import RunState, Tell
from training.models import BaseModel, ModelVersion, OwnPreset, Run
from training.selectors.refs import folder_of, model_ref
from training.services.launch import Wishes, run_launch, run_prepare
from training.services.presets import preset_keep
from training.services.runs import run_retry_halved

pytestmark = pytest.mark.django_db(transaction=True)
AsUser = Callable[[User], Client]
Prepare = Callable[..., Run]


def url(name: str, project: Project, *args: object) -> str:
    return reverse(f"training:{name}", args=[project.slug, *args])


@pytest.fixture
def done(owner: User, prepare: Prepare) -> Run:
    run = run_launch(actor=owner, run=prepare())
    run_jobs("train")
    return Run.objects.select_related("project").get(pk=run.pk)


def test_a_recipe_leaves_as_yaml_and_comes_back_into_the_form(
    as_user: AsUser, owner: User, project: Project, prepare: Prepare
) -> None:
    client, run = as_user(owner), prepare(seed=7)
    answer = client.get(url("run-recipe", project, run.pk))
    assert answer["Content-Type"] == "application/yaml"
    text = answer.content.decode()
    assert Recipe.from_yaml(text).to_json() == run.recipe
    page = client.post(url("run-recipe-upload", project), {"recipe": text}).content.decode()
    assert 'name="seed" value="7"' in page
    assert f'action="{url("run-new", project)}"' in page
    wrong = client.post(url("run-recipe-upload", project), {"recipe": "epochs: 0"})
    assert wrong.status_code == 400
    assert "epochs: Passes over the data must lie between" in wrong.content.decode()


def test_an_own_preset_decides_like_the_others(
    as_user: AsUser, owner: User, project: Project, prepare: Prepare, frozen: DatasetVersion, tiny_base: BaseModel
) -> None:
    client, run = as_user(owner), prepare(method="partial", last_layers=1)
    client.post(url("run-preset-keep", project, run.pk), {"name": "Ours"})
    preset = OwnPreset.objects.get()
    assert "Ours" in client.get(url("run-new", project)).content.decode()
    assert client.get(url("run-new", project), {"preset": f"own-{'9' * 5000}"}).status_code == 200
    made = run_prepare(
        actor=owner, project=project, version=frozen, base=tiny_base, preset=f"own-{preset.pk}", method="", changes={}
    )
    assert made.recipe == run.recipe
    with pytest.raises(ApplicationError, match="already"):
        preset_keep(actor=owner, run=run, name="Ours")
    client.post(url("run-preset-drop", project, preset.pk))
    assert not OwnPreset.objects.exists()
    assert client.get(url("run-edit", project, made.pk)).status_code == 200  # its recipe stays its own


def test_the_form_asks_the_database_as_often_for_one_own_preset_as_for_many(
    as_user: AsUser, owner: User, project: Project, prepare: Prepare
) -> None:
    client, run = as_user(owner), prepare()
    preset_keep(actor=owner, run=run, name="One")
    client.get(url("run-new", project))  # what is looked up once in a while is looked up now
    with CaptureQueriesContext(connection) as one:
        assert client.get(url("run-new", project)).status_code == 200
    made = [OwnPreset(project=project, name=f"P{n}", recipe=run.recipe, created_by=owner) for n in range(12)]
    OwnPreset.objects.bulk_create(made)
    with CaptureQueriesContext(connection) as many:
        assert "P11" in client.get(url("run-new", project)).content.decode()
    assert len(many) <= len(one)
    assert len(one) <= 20


def test_cloning_fills_the_form_and_comparing_tells_the_difference(
    as_user: AsUser, owner: User, project: Project, prepare: Prepare
) -> None:
    one, other = prepare(seed=1), prepare(seed=2)
    client = as_user(owner)
    assert 'name="seed" value="1"' in client.get(f"{url('run-new', project)}?from={one.pk}").content.decode()
    page = client.get(f"{url('run-compare', project)}?a={one.pk}&b={other.pk}").content.decode()
    differing = page.split("In what they differ</h2>")[1].split("</table>")[0]
    assert "Seed" in differing
    assert "Learning rate" not in differing
    assert "How much of it" not in differing
    assert client.get(f"{url('run-compare', project)}?a=999999&b={other.pk}").status_code == 404
    assert client.get(url("run-compare", project)).status_code == 200


def test_a_share_of_the_pairs_is_chosen_under_details_and_told_wherever_the_run_is(
    as_user: AsUser, owner: User, project: Project, prepare: Prepare
) -> None:
    run, other, client = prepare(), prepare(), as_user(owner)
    given = {"version": run.version_id, "base": run.base_id, "preset": "quick", "data_share": 25, "data_seed": 3}
    answer = client.post(url("run-edit", project, run.pk), {**given, "data_share": 0})
    assert answer.status_code == 400
    client.post(url("run-edit", project, run.pk), given)
    run.refresh_from_db()
    assert run.subset == {"share": 0.25, "seed": 3}
    told = "25 % of the train part, by seed 3"
    assert told in client.get(url("run-check", project, run.pk)).content.decode()
    page = client.get(f"{url('run-compare', project)}?a={run.pk}&b={other.pk}").content.decode()
    assert told in page.split("In what they differ</h2>")[1].split("</table>")[0]
    assert 'name="data_share" value="25.0"' in client.get(f"{url('run-new', project)}?from={run.pk}").content.decode()
    [material] = [entry for entry in lineage_of("run", run) if entry.kind == "Dataset version"]
    assert material.label == f"{run.version} ({told})"
    Run.objects.filter(pk=run.pk).update(state=RunState.CANCELLED)
    assert told in client.get(url("run-detail", project, run.pk)).content.decode()
    client.post(url("run-edit", project, other.pk), {**given, "objective": "preferences"})
    other.refresh_from_db()
    assert (other.subset, other.recipe["objective"]) == ({}, "answers")


@pytest.mark.slow
def test_a_warm_start_goes_on_from_a_model_version(
    owner: User, project: Project, frozen: DatasetVersion, tiny_base: BaseModel, done: Run
) -> None:
    first = ModelVersion.objects.get(run=done)
    second = run_prepare(
        actor=owner, project=project, version=frozen, base=tiny_base, preset="quick", method="full", start=first,
        changes={**TINY, "max_steps": 2},
    )  # fmt: skip
    run_launch(actor=owner, run=second)
    run_jobs("train")
    made = ModelVersion.objects.select_related("run__start", "base").get(run=second)
    assert made.run.result["develop_loss_before"] == pytest.approx(done.result["develop_loss_after"], abs=1e-4)
    assert model_ref(tiny_base, made)["path"] == folder_of(made)
    with pytest.raises(ApplicationError, match="only be trained on by the same method"):
        run_prepare(
            actor=owner, project=project, version=frozen, base=tiny_base, preset="quick", method="dora", start=first,
            changes=TINY,
        )  # fmt: skip


@pytest.mark.slow
def test_half_the_batch_goes_on_from_the_old_runs_checkpoint(owner: User, prepare: Prepare) -> None:
    """The failed run had saved a checkpoint at its second step; the twin takes it over and ends with equal weights."""
    whole = run_launch(actor=owner, run=prepare())
    run_jobs("train")
    failed = Run.objects.get(pk=whole.pk)
    assert failed.state == RunState.DONE
    ModelVersion.objects.filter(run=failed).delete()
    Run.objects.filter(pk=failed.pk).update(state=RunState.FAILED, error="out of memory", result={})
    twin = run_retry_halved(actor=owner, run=failed)
    assert (twin.recipe["batch_size"], twin.recipe["accumulation"]) == (1, 2)
    run_jobs("train")
    twin = Run.objects.get(pk=twin.pk)
    assert twin.state == RunState.DONE, twin.error
    assert twin.result["resumed_from"] == 2
    assert Run.objects.get(pk=failed.pk).state == RunState.CANCELLED
    with pytest.raises(ApplicationError, match="even number"):
        run_retry_halved(actor=owner, run=twin)


@pytest.mark.slow
@pytest.mark.parametrize(("tell", "told"), [(Tell.NOBODY, 0), (Tell.REQUESTER, 1), (Tell.MEMBERS, 4)])
def test_those_whom_the_launch_named_hear_of_the_end(
    admin: User, owner: User, expert: User, reviewer: User, viewer: User, project: Project,
    prepare: Prepare, trained: Callable[[User, Run], Run], tell: Tell, told: int,
) -> None:  # fmt: skip
    run = prepare()
    Run.objects.filter(pk=run.pk).update(tell=tell)
    mail = mail_server_create(actor=admin, url="smtps://mail.example.org:465", sender="a@example.org", site="")
    trained(owner, run)
    mails = [json.loads(delivery.body) for delivery in mail.deliveries.all()][:-1]  # without the first one
    assert [each["path"] for each in mails] == [f"/p/{project.slug}/training/{run.pk}/"] * told
    heard = Notice.objects.filter(kind=NoticeKind.RUN)
    assert heard.count() == told
    for notice in heard:
        assert "is done: model version 1" in notice.text
        assert notice.url == f"/p/{project.slug}/training/{run.pk}/"


@pytest.mark.slow
def test_a_wish_that_cannot_be_kept_is_said_before_the_launch(
    as_user: AsUser, owner: User, project: Project, prepare: Prepare, trained: Callable[[User, Run], Run]
) -> None:
    trained(owner, prepare())
    run = prepare()
    Run.objects.filter(pk=run.pk).update(wanted_by=timezone.now() - timedelta(hours=1))
    page = as_user(owner).get(url("run-check", project, run.pk)).content.decode()
    assert "it is wanted by" in page


def test_wishes_are_kept_with_the_run(
    owner: User, project: Project, frozen: DatasetVersion, tiny_base: BaseModel
) -> None:
    wishes = Wishes(tell=Tell.OWNERS, nights=True)
    run = run_prepare(
        actor=owner, project=project, version=frozen, base=tiny_base, preset="quick", method="lora", changes=TINY,
        wishes=wishes,
    )  # fmt: skip
    run_jobs()
    launched = run_launch(actor=owner, run=run)
    assert launched.job is not None
    assert (launched.tell, launched.job.nights) == (Tell.OWNERS, True)
