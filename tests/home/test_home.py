"""The pages that join the stations: what each role sees first, and the walk through lineage."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from core.access import Access
from core.choices import Role
from core.models import Project, User
from core.registries import NextAction
from core.services.people import membership_set
from curation.choices import ImportState
from curation.models import DatasetVersion, Import, Pair
from curation.services.tasks import task_create
from evaluation.models import Evaluation
from evaluation.services.rounds import round_open
from home.selectors.overview import checklist
from home.selectors.stations import next_actions, stations_of
from training.models import ModelVersion

AsUser = Callable[[User], Client]
pytestmark = pytest.mark.django_db


def test_a_person_sees_their_projects_and_no_other(
    project: Project, expert: User, stranger: User, admin: User, as_user: AsUser
) -> None:
    text = as_user(expert).get("/").content.decode()
    assert "Building advice" in text
    assert "Elsewhere" not in text
    assert "New project" not in text
    everything = as_user(admin).get("/").content.decode()
    assert "Building advice" in everything
    assert "Elsewhere" in everything
    assert "New project" in everything


def test_who_is_in_no_project_is_told_what_to_do(make_user: Callable[..., User], as_user: AsUser) -> None:
    text = as_user(make_user("Nora")).get("/").content.decode()
    assert "Ask an owner or an admin for an invitation link" in text


def test_the_first_admin_is_led_to_the_first_project(admin: User, as_user: AsUser) -> None:
    assert "Make a project" in as_user(admin).get("/").content.decode()


@pytest.mark.slow
def test_the_loop_has_eight_stations_in_order_each_leading_to_its_rows(
    evaluated: Evaluation, viewer: User, as_user: AsUser
) -> None:
    stations = stations_of(evaluated.project)
    keys = [station.key for station in stations]
    assert keys == ["task", "pairs", "review", "versions", "run", "model", "outputs", "grades"]
    assert {station.key: station.value for station in stations} == {
        "task": 1, "pairs": 40, "review": 40, "versions": 1, "run": 1, "model": 1,
        "outputs": 2 * evaluated.suite.size, "grades": 0,
    }  # fmt: skip
    client = as_user(viewer)
    page = client.get(f"/p/{evaluated.project.slug}/")
    for station in stations:
        assert client.get(station.url).status_code == 200, station.url
        assert station.url in page.content.decode()


def test_an_empty_project_begins_with_a_task_for_its_owner(project: Project, owner: User, as_user: AsUser) -> None:
    text = as_user(owner).get(f"/p/{project.slug}/").content.decode()
    assert "Make the first task" in text
    assert "You are alone here" in text


def test_pairs_on_their_way_are_not_asked_for(project: Project, owner: User) -> None:
    task = task_create(actor=owner, project=project, name="Advise")

    def first() -> str:
        return str(next_actions(task.project, owner, "owner")[0].text)

    assert "are wanted" in first()
    batch = Import.objects.create(task=task, file_name="faq.jsonl", size=1, state=ImportState.RUNNING)
    assert first() == "Pairs are being brought in"
    Import.objects.filter(pk=batch.pk).update(state=ImportState.DONE)
    assert "are wanted" in first()


def test_each_role_gets_its_own_next_action(evaluated: Evaluation, owner: User, reviewer: User, viewer: User) -> None:
    project = evaluated.project

    def texts(user: User, role: str) -> list[str]:
        return [str(action.text) for action in next_actions(project, user, role)]

    assert any("Let people grade the answers blind" in text for text in texts(owner, "owner"))
    assert texts(viewer, "viewer") == []
    round_open(actor=owner, evaluation=evaluated, items=2)
    assert any("4 answers wait for you" in text for text in texts(reviewer, "reviewer"))
    ranks = [action.rank for action in next_actions(project, owner, "owner")]
    assert ranks == sorted(ranks)
    assert all(isinstance(action, NextAction) for action in next_actions(project, owner, "owner"))


def test_the_checklist_ticks_what_is_there(evaluated: Evaluation, owner: User) -> None:
    done = [step["done"] for step in checklist(Access(evaluated.project, owner, "owner"))]
    # The pairs of this world were approved without a review row, and nobody has graded.
    assert done == [True, False, True, True, True, False]
    # Each step leads on whom it is for: no reviewer is sent to what owners do, and no viewer anywhere.
    offered = {role: [bool(step["url"]) for step in checklist(Access(evaluated.project, owner, role))] for role in Role}
    assert offered == {
        Role.OWNER: [True] * 6, Role.EXPERT: [True] + [False] * 5, Role.REVIEWER: [False, True] + [False] * 4,
        Role.VIEWER: [False] * 6,
    }  # fmt: skip


def test_home_shows_the_newest_result_and_what_happened(evaluated: Evaluation, viewer: User, as_user: AsUser) -> None:
    text = as_user(viewer).get(f"/p/{evaluated.project.slug}/").content.decode()
    assert "finetuning helped" in text
    assert "finished an evaluation" in text
    assert "The whole audit log" not in text  # which only owners may read


def test_a_solo_project_says_that_one_person_reviewed(
    project: Project, owner: User, as_user: AsUser, evaluated: Evaluation
) -> None:
    Project.objects.filter(pk=project.pk).update(solo=True, attribution="Somebody, CC BY 4.0")
    text = as_user(owner).get(f"/p/{project.slug}/").content.decode()
    assert "one person may approve their own pairs" in text
    assert "Somebody, CC BY 4.0" in text


def lineage(project: Project, kind: str, number: int) -> str:
    return f"/p/{project.slug}/lineage/{kind}/{number}/"


def test_from_a_pair_one_walks_down_to_the_evaluation_and_up_again(
    evaluated: Evaluation, advice_version: DatasetVersion, taught_model: ModelVersion, viewer: User, as_user: AsUser
) -> None:
    project, client = evaluated.project, as_user(viewer)
    taught = Pair.objects.filter(revisions__in_versions__version=advice_version, revisions__in_versions__part="train")
    text = client.get(lineage(project, "pair", taught[0].pk)).content.decode()
    for kind, number in (("dataset_version", advice_version.pk), ("evaluation", evaluated.pk)):
        assert lineage(project, kind, number) in text
    text = client.get(lineage(project, "evaluation", evaluated.pk)).content.decode()
    for kind, number in (
        ("model_version", taught_model.pk),
        ("run", taught_model.run_id),
        ("dataset_version", advice_version.pk),
        ("task", advice_version.task_id),
    ):
        assert lineage(project, kind, number) in text
    links = re.findall(r'href="(/p/[^"]*)"', text)
    assert all(client.get(link).status_code == 200 for link in set(links) if "/lineage/" in link)


@pytest.mark.parametrize("kind", ["task", "pair", "dataset_version", "run", "model_version", "evaluation"])
def test_every_kind_has_a_lineage_for_members_only(
    kind: str, evaluated: Evaluation, taught_model: ModelVersion, viewer: User, stranger: User, as_user: AsUser
) -> None:
    numbers = {
        "task": evaluated.suite.task_id,
        "pair": evaluated.suite.items.first().revision.pair_id,
        "dataset_version": taught_model.run.version_id,
        "run": taught_model.run_id,
        "model_version": taught_model.pk,
        "evaluation": evaluated.pk,
    }
    path = lineage(evaluated.project, kind, numbers[kind])
    assert as_user(viewer).get(path).status_code == 200
    assert as_user(stranger).get(path).status_code == 404
    elsewhere = Project.objects.get(slug="elsewhere")
    assert as_user(stranger).get(lineage(elsewhere, kind, numbers[kind])).status_code == 404


def test_an_unknown_kind_has_no_lineage(project: Project, owner: User, as_user: AsUser) -> None:
    assert as_user(owner).get(lineage(project, "user", owner.pk)).status_code == 404


def test_the_guide_explains_five_steps_to_everyone(viewer: User, as_user: AsUser) -> None:
    text = as_user(viewer).get("/guide/").content.decode()
    assert text.count('<li class="card">') == 5


def test_the_same_thing_done_often_is_one_line(project: Project, owner: User, expert: User, as_user: AsUser) -> None:
    for role in (Role.VIEWER, Role.EXPERT, Role.REVIEWER):
        membership_set(actor=owner, project=project, user=expert, role=role)
    text = as_user(expert).get(f"/p/{project.slug}/").content.decode()
    assert text.count("gave somebody a role") == 1
    assert "4 times" in text
