"""The pages that join the stations: what each role sees first, and the walk through lineage."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.access import Access
from core.choices import Role
from core.models import Job, Project, User
from core.registries import NextAction
from core.services.events import event_record
from core.services.people import membership_set
from core.services.projects import project_update
from curation import wiring
from curation.choices import Decision, ImportState, LeftOut, Origin, ReviewBasis, VersionState
from curation.fingerprints import Texts
from curation.models import DatasetVersion, Import, Pair, Review, Revision, Task, VersionLeftOut
from curation.selectors.freezing import freeze_preview
from curation.services.pairs import pair_submit
from curation.services.reviews import review_decide
from curation.services.tasks import task_create
from evaluation.choices import EvaluationState
from evaluation.models import Candidate, Evaluation
from evaluation.services.rounds import round_open
from home.selectors.lineage import targets_of
from home.selectors.overview import checklist
from home.selectors.stations import next_actions, stations_of
from tests.world import api_client
from training.choices import RunState
from training.models import ModelVersion, Run

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
        return str(next_actions(Access(task.project, owner, "owner"))[0].text)

    assert "are wanted" in first()
    batch = Import.objects.create(task=task, file_name="faq.jsonl", size=1, state=ImportState.RUNNING)
    assert first() == "Pairs are being brought in"
    Import.objects.filter(pk=batch.pk).update(state=ImportState.DONE)
    assert "are wanted" in first()


def test_each_role_gets_its_own_next_action(evaluated: Evaluation, owner: User, reviewer: User, viewer: User) -> None:
    project = evaluated.project

    def texts(user: User, role: str) -> list[str]:
        return [str(action.text) for action in next_actions(Access(project, user, role))]

    assert any("Let people grade the answers blind" in text for text in texts(owner, "owner"))
    assert texts(viewer, "viewer") == []
    round_open(actor=owner, evaluation=evaluated, items=2)
    assert any("4 answers wait for you" in text for text in texts(reviewer, "reviewer"))
    ranks = [action.rank for action in next_actions(Access(project, owner, "owner"))]
    assert ranks == sorted(ranks)
    assert all(isinstance(action, NextAction) for action in next_actions(Access(project, owner, "owner")))


def test_the_checklist_ticks_what_is_there(evaluated: Evaluation, owner: User) -> None:
    done = [step["done"] for step in checklist(Access(evaluated.project, owner, "owner"))]
    # The pairs of this world were approved without a review row, and nobody has graded.
    assert done == [True, True, False, True, True, True, False]
    # Each step leads on whom it is for: no reviewer is sent to what owners do, and no viewer anywhere.
    offered = {role: [bool(step["url"]) for step in checklist(Access(evaluated.project, owner, role))] for role in Role}
    assert offered == {
        Role.OWNER: [True] * 7, Role.EXPERT: [False, True] + [False] * 5,
        Role.REVIEWER: [False, False, True] + [False] * 4, Role.VIEWER: [False] * 7,
    }  # fmt: skip


def test_a_new_project_begins_with_a_task_and_goes_on_with_a_pair(
    project: Project, owner: User, as_user: AsUser
) -> None:
    def first_step() -> str:
        page = as_user(owner).get(f"/p/{project.slug}/").content.decode()
        step = page[page.index('aria-current="step"') :]
        return step[: step.index("</li>")]

    assert f'href="/p/{project.slug}/tasks/new/">New task' in first_step()
    task_create(actor=owner, project=project, name="Advise")
    assert f'href="/p/{project.slug}/write/">Write' in first_step()


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


def test_a_step_of_the_walk_asks_for_all_its_objects_of_a_kind_at_once(
    project: Project,
    owner: User,
    stranger: User,
    django_assert_num_queries: Callable[..., AbstractContextManager[None]],
) -> None:
    tasks = [task_create(actor=owner, project=project, name=f"Task {number}") for number in range(3)]
    theirs = task_create(actor=stranger, project=Project.objects.get(slug="elsewhere"), name="Theirs")
    pages = {reverse("curation:task-detail", args=[project.slug, task.slug]): task for task in tasks}
    others = [f"/p/{project.slug}/tasks/{theirs.slug}/", f"/p/{project.slug}/pairs/", "/nowhere/at/all/"]
    with django_assert_num_queries(1):
        found = targets_of(project, [*pages, f"{next(iter(pages))}#pairs", *others])
    assert found == {url: ("task", task) for url, task in [*pages.items(), (f"{next(iter(pages))}#pairs", tasks[0])]}


def test_an_unknown_kind_has_no_lineage(project: Project, owner: User, as_user: AsUser) -> None:
    assert as_user(owner).get(lineage(project, "user", owner.pk)).status_code == 404


def test_the_guide_explains_five_steps_to_everyone(viewer: User, as_user: AsUser) -> None:
    text = as_user(viewer).get("/guide/").content.decode()
    assert text.count('<li class="card">') == 5


def test_the_same_thing_done_often_is_one_line(project: Project, owner: User, expert: User, as_user: AsUser) -> None:
    membership_set(actor=owner, project=project, user=expert, role=Role.VIEWER)
    for _ in range(4):
        event_record(actor=owner, action="task.changed", project=project)
    text = as_user(expert).get(f"/p/{project.slug}/").content.decode()
    assert text.count("changed a task") == 1
    assert "4 times" in text
    assert text.count("gave Edda the role Viewer") == text.count("gave Edda the role Expert") == 1


def test_a_writer_is_led_to_the_editor_even_when_the_target_is_reached(project: Project, owner: User) -> None:
    task = task_create(actor=owner, project=project, name="Advise")
    Task.objects.filter(pk=task.pk).update(target_pairs=0)
    (action,) = next_actions(Access(project, owner, "expert"))
    assert (str(action.text), str(action.button)) == ("Write a pair for “Advise”", "Write a pair")
    assert next_actions(Access(project, owner, "reviewer")) == []


def test_what_can_be_frozen_is_counted_as_the_page_of_the_freeze_counts_it(
    advice_version: DatasetVersion, project: Project, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "ENOUGH_TO_FREEZE", 2)
    task = advice_version.task

    def said() -> list[str]:
        return [
            str(action.text)
            for action in next_actions(Access(project, owner, "owner"))
            if str(action.button) == "Freeze"
        ]

    assert said() == []
    newer = []
    for pair in Pair.objects.filter(task=task).order_by("pk")[:3]:
        text = {"instruction": f"Anew {pair.pk}?", "response": "So.", "fingerprint": f"new-{pair.pk}"}
        newer.append(Revision.objects.create(pair=pair, number=2, **text))
        Pair.objects.filter(pk=pair.pk).update(current=newer[-1], approved=newer[-1])
    assert said() == ["3 approved texts of “Advice” are new since its last version"]
    left = {"version": advice_version, "pair": newer[0].pair, "revision": newer[0], "reason": LeftOut.LEAK}
    VersionLeftOut.objects.create(**left)
    assert said() == ["2 approved texts of “Advice” are new since its last version"]
    assert freeze_preview(task, 0.5).fresh == 2
    DatasetVersion.objects.filter(pk=advice_version.pk).update(state=VersionState.FAILED)
    assert said() == ["40 approved pairs of “Advice” can be frozen"]


def test_what_is_under_way_is_said_at_its_stop_and_leads_there(
    evaluated: Evaluation, taught_model: ModelVersion, owner: User, as_user: AsUser
) -> None:
    project = evaluated.project
    job = Job.objects.create(
        kind="evaluate", project=project, state="running", started_at=timezone.now(),
        progress_total=10, result={"rate": 0.05},
    )  # fmt: skip
    Evaluation.objects.filter(pk=evaluated.pk).update(state=EvaluationState.RUNNING)
    Candidate.objects.filter(evaluation=evaluated, ordinal__gt=0).update(state=EvaluationState.RUNNING, job=job)
    Run.objects.filter(pk=taught_model.run_id).update(state=RunState.RUNNING, live={"eta_seconds": 300})
    found = {station.key: (station.going, str(station.detail)) for station in stations_of(project)}
    assert found["outputs"] == (True, "1 under way, about 3\u00a0min left")
    assert found["run"] == (True, "1 under way, about 5\u00a0min left")
    said = {str(action.text): str(action.button) for action in next_actions(Access(project, owner, "owner"))}
    assert said[f"The evaluation “{evaluated.name}” is under way"] == "See how far"
    assert not any("graded" in text or "Find out" in text for text in said)
    page = as_user(owner).get(f"/p/{project.slug}/").content.decode()
    assert (page.count("Under way"), page.count(">Next<")) == (2, 0)
    assert "You may leave; it goes on." in page


def test_how_pairs_came_to_count_is_told_apart(project: Project, owner: User, expert: User, as_user: AsUser) -> None:
    task = task_create(actor=owner, project=project, name="Advise")
    home = f"/p/{project.slug}/"
    own, imported = "their own authors approved them", "came approved with an import"

    def told() -> list[bool]:
        page = as_user(expert).get(home).content.decode()
        return [words in page for words in (own, imported)]

    pair = pair_submit(actor=owner, task=task, texts=Texts(instruction="A", response="B"))
    assert told() == [False, False]
    project_update(actor=owner, project=project, solo=True)
    review_decide(actor=owner, pair=pair, revision_id=pair.current_id or 0, decision=Decision.APPROVE)
    project_update(actor=owner, project=project, solo=False)
    assert told() == [True, False]
    brought = pair_submit(
        actor=owner, task=task, texts=Texts(instruction="C", response="D"), origin=Origin.IMPORTED
    ).current
    assert brought is not None
    Review.objects.create(
        revision=brought, decision=Decision.APPROVE, basis=ReviewBasis.IMPORT, fingerprint=brought.fingerprint
    )
    Pair.objects.filter(current=brought).update(state="approved", approved=brought)
    assert told() == [True, True]


def test_programs_read_the_loop_and_walk_the_lineage(
    project: Project, owner: User, viewer: User, stranger: User
) -> None:
    api, root = api_client(owner), f"/api/v1/projects/{project.slug}"
    empty = api.get(f"{root}/overview/").json()
    assert (len(empty["stations"]), empty["next_key"], empty["evaluation"]) == (8, "task", None)
    assert empty["actions"][0]["text"] == "Make the first task"
    task = task_create(actor=owner, project=project, name="Advise")
    pair = pair_submit(actor=owner, task=task, texts=Texts(instruction="A", response="B"))
    full = api.get(f"{root}/overview/").json()
    assert [(one["key"], one["value"], one["done"]) for one in full["stations"]][:2] == [
        ("task", 1, True), ("pairs", 1, True),
    ]  # fmt: skip
    assert full["steps"][:3] == [
        {"label": "A task is made", "done": True}, {"label": "A pair is written", "done": True},
        {"label": "A pair is approved", "done": False},
    ]  # fmt: skip
    assert (full["activity"][0]["text"], full["activity"][0]["actor"]["name"]) == (
        "submitted a pair for review",
        "Olga",
    )
    assert api_client(viewer).get(f"{root}/overview/").json()["actions"] == []
    way = api.get(f"{root}/lineage/pair/{pair.pk}/").json()
    assert (way["kind"], way["url"], way["up"], way["down"]) == ("Pair", f"/p/{project.slug}/pairs/{pair.pk}/", [], [])
    for path in ("overview", f"lineage/pair/{pair.pk}"):
        assert api_client(stranger).get(f"{root}/{path}/").status_code == 404
    assert api.get(f"{root}/lineage/user/1/").status_code == 404
