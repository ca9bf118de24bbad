"""The pages of training: who may, what they show, and a run from form to chat through them."""

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.models import Event, Job, Project, User
from core.services.projects import project_create
from curation.models import Corpus, DatasetVersion
from ml.phrases import Phrase, beside
from ml.prompting import PROBLEMS
from tests.training_world import TINY
from tests.world import run_jobs
from training.choices import RUN_OPEN, RunState
from training.forms import LaunchForm
from training.models import BaseModel, ModelVersion, Run, RunEvent
from training.pretrain_forms import PretrainForm
from training.selectors.curves import loss_chart, measured_points
from training.services.launch import run_launch

pytestmark = pytest.mark.django_db(transaction=True)
AsUser = Callable[[User], Client]
Prepare = Callable[..., Run]


def url(name: str, project: Project, *args: object) -> str:
    return reverse(f"training:{name}", args=[project.slug, *args])


def settings_of(version: DatasetVersion, base: BaseModel, **more: object) -> dict[str, object]:
    return {"version": version.pk, "base": base.pk, "preset": "quick", "method": "lora", "name": "First", **more}


@pytest.mark.slow
def test_from_the_form_to_a_model_version(
    as_user: AsUser, owner: User, project: Project, frozen: DatasetVersion, tiny_base: BaseModel
) -> None:
    client = as_user(owner)
    page = client.get(url("run-new", project)).content.decode()
    assert "Pack pairs together" in page
    assert "Time: Twice the passes take twice as long. Quality: More passes fit" in page
    assert "Time, Memory: The same." in page
    when = {name: re.search(rf'name="{name}"[^>]*data-when="([^"]*)"', page) for name in ("lora_rank", "last_layers")}
    assert [found and found[1] for found in when.values()] == ["method  lora dora qlora", "method partial"]
    assert "Presets: Quick: 25; Balanced: 0; Best: 0." in page
    asked = settings_of(frozen, tiny_base, **TINY, max_steps=4)
    answer = client.post(url("run-new", project), asked, follow=True)
    run = Run.objects.get()
    assert answer.redirect_chain == [(url("run-check", project, run.pk), 302)]
    assert "being examined" in answer.content.decode()
    run_jobs()
    checked = client.get(url("run-check", project, run.pk)).content.decode()
    assert "Ready to launch" in checked
    assert 'data-kind="trained"' in checked
    client.post(url("run-launch", project, run.pk))
    waiting = client.get(url("run-detail", project, run.pk)).content.decode()
    assert "Place 1 in the queue" in waiting
    assert 'hx-trigger="every 2s"' in waiting
    run_jobs("train")
    done = client.get(url("run-detail", project, run.pk)).content.decode()
    version = ModelVersion.objects.get()
    assert url("model-detail", project, version.pk) in done
    assert "<svg" in done
    assert "Preset “Quick”; what differs from it is marked." in done
    assert "4 steps" in done
    assert "1 batch" in done
    assert "every 2s" not in done
    model = client.get(url("model-detail", project, version.pk)).content.decode()
    assert version.fingerprint in model
    assert "LoRA: a small adapter beside the model" in model
    assert "adapter_model.safetensors" in model
    assert f"Tiny, finetuned in run {run.pk}" in model or "finetuned in run" in model
    assert client.get(url("model-list", project)).status_code == 200
    assert client.get(url("run-list", project)).status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("learning_rate", "7", "Learning rate must lie between"),
        ("max_tokens", "999999", "must lie between"),
        ("max_steps", "-5", "must lie between 0 and 10000000, not -5"),
        ("max_tokens", "4096", "the model holds 2048"),
        ("epochs", "often", "Enter a number"),
        ("preset", "magic", "not one of the available choices"),
    ],
)
def test_a_wrong_setting_is_named_at_its_field_and_nothing_is_lost(
    as_user: AsUser, owner: User, project: Project, frozen: DatasetVersion, tiny_base: BaseModel,
    field: str, value: str, sentence: str,
) -> None:  # fmt: skip
    asked = settings_of(frozen, tiny_base, **{field: value, "seed": 42})
    answer = as_user(owner).post(url("run-new", project), asked)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert sentence in page
    assert 'value="42"' in page
    assert not Run.objects.exists()
    assert not Job.objects.filter(kind="audit").exists()


def test_a_prepared_run_opens_in_the_form_with_what_differs_from_its_preset(
    as_user: AsUser, owner: User, project: Project, prepare: Prepare
) -> None:
    run = prepare(packing=False)
    page = as_user(owner).get(url("run-edit", project, run.pk)).content.decode()
    assert '<option value="false" selected>' in page
    assert 'name="save_every" value="2"' in page
    assert 'name="lora_dropout" value=' not in page


OWNERS_ONLY = ("run-launch", "run-stop", "run-cancel", "run-resume", "run-discard")


@pytest.mark.parametrize("name", OWNERS_ONLY)
def test_only_owners_decide_about_runs(
    as_user: AsUser, expert: User, reviewer: User, viewer: User, stranger: User, project: Project, prepare: Prepare,
    name: str,
) -> None:  # fmt: skip
    run = prepare()
    events = Event.objects.count()
    for person, status in ((expert, 403), (reviewer, 403), (viewer, 403), (stranger, 404)):
        assert as_user(person).post(url(name, project, run.pk)).status_code == status
    assert as_user(run.requested_by).get(url(name, project, run.pk)).status_code == 405
    run.refresh_from_db()
    assert run.state == RunState.DRAFT
    assert Event.objects.count() == events


READ = ("run-list", "model-list")


@pytest.mark.parametrize("name", READ)
def test_members_read_and_strangers_find_nothing(
    as_user: AsUser, viewer: User, stranger: User, project: Project, name: str
) -> None:
    assert as_user(viewer).get(url(name, project)).status_code == 200
    assert as_user(stranger).get(url(name, project)).status_code == 404
    assert Client().get(url(name, project)).status_code == 302


def test_a_run_of_another_project_is_not_there(as_user: AsUser, stranger: User, prepare: Prepare) -> None:
    run = prepare()
    elsewhere = Project.objects.get(name="Elsewhere")
    for name in ("run-detail", "run-live", "run-check", "run-check-live", "run-edit"):
        assert as_user(stranger).get(url(name, elsewhere, run.pk)).status_code == 404


def test_pages_say_what_to_do_when_there_is_nothing(as_user: AsUser, owner: User, project: Project) -> None:
    assert "Freeze one first" in as_user(owner).get(url("run-list", project)).content.decode()
    assert "Freeze one first" in as_user(owner).get(url("run-new", project)).content.decode()
    assert "No base model yet" in as_user(owner).get(url("model-list", project)).content.decode()


def test_while_the_only_base_model_is_examined_the_pages_wait_for_it(
    as_user: AsUser, owner: User, project: Project, frozen: DatasetVersion, tiny_base: BaseModel
) -> None:
    BaseModel.objects.update(state="checking")
    client, live = as_user(owner), url("base-live", project, tiny_base.pk)
    for name in ("run-list", "run-new"):
        text = client.get(url(name, project)).content.decode()
        assert f'hx-get="{live}"' in text
        assert "is being examined" in text
        assert "No model that could learn" not in text
    Corpus.objects.create(project=project, name="Handbook", folder="corpus", created_by=owner)
    form = url("pretrain-new", project)
    assert "when that is done and this page is loaded again: Tiny." in client.get(form).content.decode()
    BaseModel.objects.update(state="ready")
    assert "Still being examined" not in client.get(form).content.decode()
    assert client.get(live, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    assert "is being examined" not in client.get(url("run-list", project)).content.decode()
    BaseModel.objects.update(state="refused")
    text = client.get(url("run-new", project)).content.decode()
    assert "No model that could learn" in text
    assert f'href="{url("base-detail", project, tiny_base.pk)}"' in text
    assert "“Tiny” was refused when it was examined" in text
    BaseModel.objects.all().delete()
    assert "an admin can register others" in client.get(url("run-new", project)).content.decode()


def test_a_refused_launch_says_why_and_stays_on_the_check(
    as_user: AsUser, owner: User, project: Project, prepare: Prepare, freeze: Callable[..., DatasetVersion]
) -> None:
    run = prepare(of=freeze(response="a very long answer " * 200))
    client = as_user(owner)
    page = client.get(url("run-check", project, run.pk)).content.decode()
    assert "It cannot start yet" in page
    assert "Launch the training" not in page
    answer = client.post(url("run-launch", project, run.pk), follow=True)
    assert "longer than 256 tokens" in answer.content.decode()
    rows = client.get(url("run-check-rows", project, run.pk, "too_long")).content.decode()
    assert "What is number 0" in rows
    assert "18 of 18 shown" in rows


@pytest.mark.slow
def test_stop_and_resume_of_a_waiting_run(as_user: AsUser, owner: User, project: Project, prepare: Prepare) -> None:
    run = prepare()
    client = as_user(owner)
    client.post(url("run-launch", project, run.pk))
    client.post(url("run-stop", project, run.pk))
    run.refresh_from_db()
    assert run.state == RunState.STOPPED
    stopped = run.job_id
    client.post(url("run-resume", project, run.pk))
    run.refresh_from_db()
    assert run.state == RunState.QUEUED
    assert run.job_id != stopped  # the worker takes it up by a new job


def test_a_run_that_was_given_up_cannot_be_resumed(
    as_user: AsUser, owner: User, project: Project, prepare: Prepare
) -> None:
    run = prepare()
    client = as_user(owner)
    client.post(url("run-launch", project, run.pk))
    client.post(url("run-cancel", project, run.pk))
    answer = client.post(url("run-resume", project, run.pk), follow=True)
    assert "Only a run that was stopped or failed" in answer.content.decode()
    run.refresh_from_db()
    assert run.state == RunState.CANCELLED


def test_texts_of_people_stay_texts(as_user: AsUser, owner: User, project: Project, prepare: Prepare) -> None:
    run = prepare()
    Run.objects.filter(pk=run.pk).update(name="<script>alert(1)</script>")
    for name in ("run-check", "run-edit"):
        page = as_user(owner).get(url(name, project, run.pk)).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


@pytest.mark.slow
def test_a_run_is_shown_in_each_phase_also_before_its_first_number(
    as_user: AsUser, owner: User, project: Project, prepare: Prepare
) -> None:
    run = prepare()
    run_launch(actor=owner, run=run)
    client = as_user(owner)
    for live in (
        {},
        {"phase": "load", "isolation": "x", "isolation_message": "Network: none."},
        {"loss": 3.25, "step": 1},
    ):
        for state in RunState.values:
            Run.objects.filter(pk=run.pk).update(state=state, live=live, step=live.get("step", 0), steps=4)
            answer = client.get(url("run-live", project, run.pk))
            assert answer.status_code == 200
            open_ = state in (*RUN_OPEN, RunState.WAITING)
            assert ("every 2s" in answer.content.decode()) == open_
    assert "3.250" in answer.content.decode()


def test_what_a_run_tells_is_said_in_the_reader_s_language_and_old_rows_as_they_are(
    as_user: AsUser, owner: User, project: Project, prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = {
        "Continuing from step %(step)d.": "Fortsätter från steg %(step)d.",
        "Pairs left out: %(count)d. %(why)s Their numbers: %(listed)s": (
            "Utelämnade par: %(count)d. %(why)s Nummer: %(listed)s"
        ),
        PROBLEMS["empty_response"].sentence: "Svaret är tomt.",
    }
    monkeypatch.setattr("core.sentences.gettext", lambda text: catalogue.get(text, text))
    run, client = prepare(), as_user(owner)
    going_on = Phrase("Continuing from step %(step)d.", step=8)
    live = {"message": going_on, **beside(going_on), "isolation": "x", "isolation_message": "Network: none."}
    Run.objects.filter(pk=run.pk).update(state=RunState.RUNNING, live=live)
    empty = Phrase(PROBLEMS["empty_response"].sentence)
    left_out = Phrase(
        "Pairs left out: %(count)d. %(why)s Their numbers: %(listed)s", count=2, why=empty, listed="3, 4",
    )  # fmt: skip
    for seq, data in enumerate(({"message": left_out, **beside(left_out)}, {"message": "An old one."}), 1):
        RunEvent.objects.create(run=run, attempt=1, seq=seq, type="warning", at=0, data=data)
    page = client.get(url("run-live", project, run.pk)).content.decode()
    for sentence in (
        "Fortsätter från steg 8.",
        "Utelämnade par: 2. Svaret är tomt. Nummer: 3, 4",
        "An old one.",
        "Network:",
    ):
        assert sentence in page


def test_a_run_that_takes_much_longer_than_foretold_says_so(
    as_user: AsUser, owner: User, project: Project, prepare: Prepare
) -> None:
    run, client = prepare(), as_user(owner)
    Run.objects.filter(pk=run.pk).update(state=RunState.RUNNING, estimate={"seconds": 120}, started_at=timezone.now())
    for left, told in ((100, "Expected to take about 2\u00a0min"), (10_000, "it takes longer")):
        Run.objects.filter(pk=run.pk).update(live={"eta_seconds": left})
        assert told in client.get(url("run-live", project, run.pk)).content.decode()


def test_the_facts_beside_a_run_come_again_with_its_live_part(
    as_user: AsUser, owner: User, project: Project, prepare: Prepare
) -> None:
    run, client = prepare(), as_user(owner)
    Run.objects.filter(pk=run.pk).update(state=RunState.RUNNING, step=1, steps=4, excluded={"end_not_trained": ["7"]})
    page = client.get(url("run-detail", project, run.pk)).content.decode()
    assert 'max="1" value="0.25"' in page, "how far it is, from the first sight on"
    assert page.count('id="run-facts"') == 1
    assert "Ended at" not in page
    Run.objects.filter(pk=run.pk).update(state=RunState.DONE, started_at=timezone.now(), ended_at=timezone.now())
    told = client.get(url("run-live", project, run.pk)).content.decode()
    facts = told[told.index('<dl class="facts" id="run-facts" hx-swap-oob="true">') :]
    for fact in ("Started at", "Ended at", "Left out by hand", "1 pair<"):
        assert fact in facts


def test_a_curve_is_drawn_from_the_second_point_on(
    as_user: AsUser, owner: User, project: Project, prepare: Prepare
) -> None:
    run, client = prepare(), as_user(owner)
    Run.objects.filter(pk=run.pk).update(state=RunState.RUNNING)
    RunEvent.objects.create(run=run, attempt=1, seq=1, type="eval", step=0, at=0, data={"loss": 4.0})
    assert "Loss by step" not in client.get(url("run-live", project, run.pk)).content.decode()
    RunEvent.objects.create(run=run, attempt=1, seq=2, type="step", step=1, at=0, data={"loss": 3.5})
    page = client.get(url("run-live", project, run.pk)).content.decode()
    assert "Loss by step" in page
    assert '<td class="num">4</td>' in page


@pytest.mark.slow
def test_a_long_run_is_read_with_a_fixed_number_of_queries_and_points(
    as_user: AsUser,
    owner: User,
    project: Project,
    prepare: Prepare,
    django_assert_max_num_queries: Callable[..., object],
) -> None:
    run = prepare()
    Run.objects.filter(pk=run.pk).update(state=RunState.RUNNING, step=20_000, steps=20_000)
    rows = [
        RunEvent(run=run, attempt=1, seq=n, type="step", step=n, at=0, data={"loss": 1.0}) for n in range(1, 20_001)
    ]
    RunEvent.objects.bulk_create(rows, batch_size=5000)
    run.refresh_from_db()
    assert loss_chart(run) is not None
    with django_assert_max_num_queries(1):
        found = measured_points(run, ("loss", "grad_norm"))
    assert (len(found["loss"]), found["loss"][-1], found["grad_norm"]) == (800, (20_000, 1.0), [])
    window = measured_points(run, ("loss",), after=10_000, until=10_003)["loss"]
    assert [step for step, _ in window] == [10_001, 10_002, 10_003]
    assert len(measured_points(run, ("loss",), after=19_000, points=10)["loss"]) == 10
    client = as_user(owner)
    with django_assert_max_num_queries(20):
        assert client.get(url("run-live", project, run.pk)).status_code == 200


def test_the_list_of_runs_costs_the_same_for_one_and_many(
    as_user: AsUser, owner: User, project: Project, prepare: Prepare
) -> None:
    run, client = prepare(), as_user(owner)
    client.get(url("run-list", project))  # what is looked up once in a while is looked up now
    with CaptureQueriesContext(connection) as one:
        assert client.get(url("run-list", project)).status_code == 200
    for n in range(30):
        Run.objects.create(
            project=project, version=run.version, base=run.base, name=str(n), recipe=run.recipe, state=RunState.STOPPED
        )
    with CaptureQueriesContext(connection) as many:
        assert client.get(url("run-list", project)).status_code == 200
    assert len(many) <= len(one) + 1


def test_the_forms_have_the_model_of_the_newest_run_chosen_and_else_the_starter(owner: User, project: Project) -> None:
    """Not the first of the alphabet; what another project trains, and what is not ready, is no matter."""
    starter, newer, _refused = (
        BaseModel.objects.create(name=name, folder=f"base/{name}", state=state)
        for name, state in (("Middle", "ready"), ("Aardvark", "ready"), ("Another", "refused"))
    )
    elsewhere = project_create(actor=owner, name="Elsewhere")
    corpora = {
        place: Corpus.objects.create(project=place, name="Texts", folder=f"corpus-{place.slug}")
        for place in (elsewhere, project)
    }
    Run.objects.create(project=elsewhere, corpus=corpora[elsewhere], base=newer, name="Theirs", recipe={})

    def chosen() -> list[object]:
        return [form(project=project)["base"].value() for form in (LaunchForm, PretrainForm)]

    assert chosen() == [starter.pk] * 2
    Run.objects.create(project=project, corpus=corpora[project], base=newer, name="Ours", recipe={})
    assert chosen() == [newer.pk] * 2
