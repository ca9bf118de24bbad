"""What training tells the other stations: lineage, next actions, the loop."""

from collections.abc import Callable

import pytest

from core.access import Access
from core.models import Project, User
from core.registries import lineage_of
from curation.choices import Part
from curation.models import DatasetVersion, VersionPair
from training.choices import RunState
from training.models import BaseModel, ModelVersion, Run
from training.wiring import next_actions, shots, stations

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
Prepare = Callable[..., Run]


@pytest.fixture
def made(prepare: Prepare, owner: User, trained: Callable[[User, Run], Run]) -> ModelVersion:
    trained(owner, prepare())
    return ModelVersion.objects.select_related("run__version", "run__project", "project").get()


def steps(kind: str, subject: object) -> list[tuple[str, str]]:
    return [(entry.direction, str(entry.kind)) for entry in lineage_of(kind, subject)]


def test_one_can_walk_both_ways_from_a_pair_to_a_model_version(made: ModelVersion) -> None:
    rows = VersionPair.objects.filter(version=made.run.version).select_related("revision__pair")
    learned = rows.filter(part=Part.TRAIN).first()
    tested = rows.filter(part=Part.TEST).first()
    assert learned is not None
    assert tested is not None
    down = [("down", "Run"), ("down", "Model version")]
    assert [step for step in steps("pair", learned.revision.pair) if step in down] == down
    assert not set(steps("pair", tested.revision.pair)) & set(down)
    assert [step for step in steps("dataset_version", made.run.version) if step in down] == down
    assert {("up", "Dataset version"), ("up", "Base model"), ("down", "Model version")} <= set(steps("run", made.run))
    assert {("up", "Run"), ("up", "Dataset version"), ("up", "Base model")} <= set(steps("model_version", made))


def test_owners_are_told_what_to_do_next_and_others_are_not(
    project: Project, owner: User, viewer: User, frozen: DatasetVersion, tiny_base: BaseModel, prepare: Prepare
) -> None:
    first = next_actions(Access(project, owner, "owner"))
    assert [action.url for action in first] == [f"/p/{project.slug}/training/new/?version={frozen.pk}"]
    assert next_actions(Access(project, viewer, "viewer")) == []
    run = prepare()
    told = next_actions(Access(project, owner, "owner"))
    assert ["waits to be launched" in str(action.text) for action in told] == [True]
    Run.objects.filter(pk=run.pk).update(state=RunState.FAILED, error="Out of memory.")
    told = next_actions(Access(project, owner, "owner"))
    assert [action.detail for action in told] == ["Out of memory."]


def test_the_loop_shows_how_many_runs_and_model_versions_there_are(project: Project, made: ModelVersion) -> None:
    assert [(station.key, station.value, station.done) for station in stations(project)] == [
        ("run", 1, True),
        ("model", 1, True),
    ]


def test_the_pages_to_be_photographed_are_there(made: ModelVersion, as_user: Callable, owner: User) -> None:
    client = as_user(owner)
    found = shots()
    assert {name for name, _path, _role in found} >= {"runs", "run", "run-check", "model", "base-model"}
    answers = [client.get(path).status_code for _name, path, role in found if role != "admin"]
    assert answers == [200] * len(answers)
