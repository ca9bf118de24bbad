"""services/launch.py, the gate, and a run from its form to its model version."""

import json
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from core import registries
from core.denied import ApplicationError, Denied
from core.models import Event, Job, Project, Tokenizer, User
from curation.models import DatasetVersion, Revision, VersionPair
from ml.recipe import METHODS, Recipe, recipe_fields
from ml.store import ModelRef
from tests.world import api_client, run_jobs, sign_in
from training import presets
from training.choices import RunState
from training.models import Audit, BaseModel, ModelVersion, Run, RunEvent
from training.presets import measured
from training.selectors.estimates import (
    PASSES,
    START,
    disk_need,
    forecast,
    memory_need,
    preset_seconds,
    time_need,
    trained_weights,
)
from training.selectors.gate import launch_refusals
from training.selectors.refs import model_ref
from training.services.directories import run_write
from training.services.launch import run_launch, run_prepare

pytestmark = pytest.mark.django_db(transaction=True)
Prepare = Callable[..., Run]


def train(run: Run, actor: User) -> Run:
    run_launch(actor=actor, run=run)
    run_jobs("train")
    run.refresh_from_db()
    return run


@pytest.mark.slow
@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_run_becomes_a_model_version_that_can_be_asked(prepare: Prepare, owner: User, method: str) -> None:
    run = train(prepare(method=method), owner)
    assert (run.state, run.error, run.step, run.steps) == (RunState.DONE, "", 4, 4)
    version = ModelVersion.objects.get(run=run)
    assert (version.number, version.method) == (1, method)
    folder = settings.MODEL_STORE / version.folder
    assert {"README.md", "recipe.json", "lineage.json", "template.json"} <= {path.name for path in folder.iterdir()}
    reference = ModelRef.from_json(model_ref(version.base, version))
    reference.verify()
    assert reference.adapter == (str(folder) if method == "lora" else None)
    assert json.loads((folder / "lineage.json").read_text())["provenance"]["run"] == run.name
    assert RunEvent.objects.filter(run=run, type="step").count() == 4
    assert run.live["isolation"]
    assert Event.objects.filter(action="model_version.made", object_id=str(version.pk)).exists()


def test_the_audit_tells_what_each_pair_becomes(prepare: Prepare) -> None:
    audit = prepare().audit
    assert audit is not None
    assert audit.state == "ready", audit.error
    assert audit.report["counts"] == {"train": 12, "develop": 3, "test": 3}
    assert 0 < audit.report["share_trained"] < 1
    kinds = {kind for runs in audit.report["segments"].values() for _text, kind in runs}
    assert kinds == {"context", "trained"}


def test_the_same_question_is_examined_once(prepare: Prepare) -> None:
    first, second = prepare(), prepare(epochs=3.0)
    assert first.audit == second.audit
    assert Audit.objects.count() == Job.objects.filter(kind="audit").count() == 1


def test_a_second_click_does_not_launch_twice(prepare: Prepare, owner: User) -> None:
    run = prepare()
    run_launch(actor=owner, run=run)
    run_launch(actor=owner, run=run)
    assert Job.objects.filter(kind="train").count() == 1


def refused(run: Run, actor: User, reason: str) -> None:
    """Both ask the gate and press the button; nothing may have changed."""
    assert reason in " ".join(map(str, launch_refusals(run)))
    with pytest.raises(ApplicationError, match=reason):
        run_launch(actor=actor, run=run)
    run.refresh_from_db()
    assert run.state == RunState.DRAFT
    assert not Job.objects.filter(kind="train").exists()


def test_a_version_without_pairs_to_train_on_is_refused(
    prepare: Prepare, owner: User, freeze: Callable[..., DatasetVersion]
) -> None:
    refused(prepare(of=freeze(train=0)), owner, "no pair to train on")


def test_pairs_that_are_all_too_long_are_refused_with_the_cure(
    prepare: Prepare, owner: User, freeze: Callable[..., DatasetVersion]
) -> None:
    run = prepare(of=freeze(response="a very long answer " * 200))
    refused(run, owner, "longer than 256 tokens")
    assert "Raise “Longest pair”" in str(launch_refusals(run)[0])


def test_a_short_disk_is_refused(prepare: Prepare, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    run = prepare()
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage(10**9, 10**9 - 1000, 1000))
    refused(run, owner, "The disk is short")


def test_a_changed_tokenizer_is_refused(
    prepare: Prepare, owner: User, spoilt_folder: Path, tiny_base: BaseModel
) -> None:
    BaseModel.objects.filter(pk=tiny_base.pk).update(folder=str(spoilt_folder.relative_to(settings.MODEL_STORE)))
    run = prepare()
    settings_file = spoilt_folder / "tokenizer_config.json"
    settings_file.write_text(
        settings_file.read_text().replace('"eos_token": "<|im_end|>"', '"eos_token": "<|im_start|>"')
    )
    refused(run, owner, "tokenizer of “Tiny” has changed")


def test_another_station_may_forbid_a_launch(prepare: Prepare, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registries.guards, "launch", [lambda run: [Denied("Not today.")]])
    refused(prepare(), owner, "Not today")


def test_nothing_is_launched_before_the_pairs_were_examined(
    project: Project, owner: User, frozen: DatasetVersion, tiny_base: BaseModel
) -> None:
    run = run_prepare(
        actor=owner, project=project, version=frozen, base=tiny_base, preset="quick", method="lora",
        changes={"max_tokens": 256},
    )  # fmt: skip
    refused(run, owner, "still being examined")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"learning_rate": 7.0}, "learning_rate"),
        ({"max_tokens": 5000}, "max_tokens"),
        ({"no_such_setting": 1}, "no_such_setting"),
    ],
)
def test_settings_that_cannot_be_used_name_their_field(
    project: Project, owner: User, frozen: DatasetVersion, tiny_base: BaseModel, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(ApplicationError) as caught:
        run_prepare(
            actor=owner, project=project, version=frozen, base=tiny_base, preset="quick", method="lora", changes=changes
        )
    assert caught.value.field == field
    assert not Run.objects.exists()


def test_a_full_training_takes_a_tenth_of_the_learning_rate(prepare: Prepare) -> None:
    assert prepare(method="full").recipe["learning_rate"] == pytest.approx(prepare().recipe["learning_rate"] / 10)


def test_a_nought_that_is_no_number_is_told_in_words() -> None:
    told = {setting.name: measured(setting, 0) for setting in recipe_fields()}
    assert (told["threads"], told["patience"], told["seed"]) == ("all physical cores", "never end early", "0")
    assert told["eval_every"] == "only before and after"


def test_registering_a_model_lets_tasks_meter_with_its_tokenizer(tiny_base: BaseModel, frozen: DatasetVersion) -> None:
    assert Tokenizer.objects.get(fingerprint=tiny_base.tokenizer_fingerprint).folder == tiny_base.folder


def test_the_time_is_told_from_the_last_run_of_the_model_and_not_guessed(prepare: Prepare) -> None:
    first = prepare()
    assert time_need(first, Recipe.from_json(first.recipe)) is None
    Run.objects.filter(pk=first.pk).update(state=RunState.DONE, result={"tokens_per_second": 50})
    run = prepare(max_steps=0, epochs=2.0)
    tokens = run.audit.report["tokens"]["total"]
    assert time_need(run, Recipe.from_json(run.recipe)) == pytest.approx(2 * tokens / 50)
    short = prepare(max_steps=3)  # of 2 pairs each, out of 12
    assert time_need(short, Recipe.from_json(short.recipe)) == pytest.approx(tokens / 2 / 50)


def test_before_the_first_run_the_time_is_guessed_from_how_fast_the_model_is_read(
    prepare: Prepare, owner: User
) -> None:
    run = prepare(max_steps=0, epochs=2.0)
    recipe, page = Recipe.from_json(run.recipe), f"/p/{run.project.slug}/training/"
    measured_so, run.base.report = run.base.report["speed"], {}
    assert (measured_so["device"], measured_so["reading"] > 0, measured_so["step"] > 0) == ("CPU", True, True)
    assert (forecast(run).source, forecast(run).seconds) == ("size", None)
    assert preset_seconds(run.version, run.base, [recipe]) == [None], "nobody has counted tokens"
    total, pairs = run.audit.report["tokens"]["total"], run.audit.report["usable"]["train"]
    Revision.objects.update(tokens=round(total / pairs))
    run.base.report = {"speed": {**measured_so, "reading": 200.0}}
    run.base.save()
    found = forecast(run)
    expected = START + 1.2 * 2.4 * 2 * total / 200
    assert (found.source, found.seconds) == ("registered", pytest.approx(expected))
    assert preset_seconds(run.version, run.base, [recipe]) == pytest.approx([expected], rel=0.1)
    client = sign_in(owner)
    assert "half or twice as long is possible" in client.get(f"{page}{run.pk}/check/").content.decode()
    form = client.get(f"{page}new/?version=x&base=99999999999999999999&preset=quick").content.decode()
    assert "Takes about" not in form, "nothing is chosen that there is"
    assert client.get(f"{page}new/").content.decode().count("Takes about") == 3
    Run.objects.filter(pk=run.pk).update(state=RunState.DONE, result={"tokens_per_second": 50})
    expected = START + 1.2 * 2 * total / 50
    assert preset_seconds(run.version, run.base, [recipe]) == pytest.approx([expected], rel=0.1)


def test_every_method_is_known_wherever_methods_are_told_apart() -> None:
    """docs/howto/add-a-training-method.md names these places."""
    assert {key for key, _label in METHODS} == set(dict(presets.METHODS)) == set(PASSES)


def test_what_is_needed_grows_with_what_is_trained(prepare: Prepare) -> None:
    lora, full = prepare(), prepare(method="full")
    base, recipes = lora.base, [Recipe.from_json(run.recipe) for run in (lora, full)]
    assert trained_weights(base, recipes[0]) == round(base.parameters * 2 * 2 / 32)
    assert trained_weights(base, recipes[1]) == base.parameters
    assert memory_need(base, recipes[1]) == base.parameters * 4 * 4
    assert disk_need(base, recipes[1]).needed == base.parameters * (12 * 3 + 4) + 200 * 1024**2


def test_a_run_learns_from_a_nested_share_of_its_version(
    project: Project, owner: User, frozen: DatasetVersion, tiny_base: BaseModel, prepare: Callable[..., Run]
) -> None:
    for row in frozen.rows.all():
        VersionPair.objects.filter(pk=row.pk).update(digest=f"{row.ordinal:064}")
    run = prepare()
    run.subset = {"share": 0.25, "seed": 3}
    run.save()
    run = run_launch(actor=owner, run=run)
    directory = run_write(run)
    parts = [json.loads(line)["part"] for line in directory.pairs_path.read_text().splitlines()]
    assert (parts.count("train"), parts.count("develop"), parts.count("test")) == (3, 3, 3)
    body = {
        "project": project.slug, "version": frozen.pk, "base": tiny_base.pk, "data_share": 0.5, "data_seed": 7
    }  # fmt: skip
    made = api_client(owner).post("/api/v1/runs/", body, format="json").json()
    assert made["subset"] == {"share": 0.5, "seed": 7}
