"""The core's endpoints: scoped by project, by role and by token, and equal to the pages."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from core.choices import JobState, Role
from core.models import Event, Job, Membership, Project, User

pytestmark = pytest.mark.django_db
API = "/api/v1"


def make(project: Project | None, **more: Any) -> Job:
    return Job.objects.create(kind="none.such", project=project, **more)


def test_without_a_token_the_answer_is_401(project: Project) -> None:
    for path in ("projects/", f"projects/{project.slug}/", "jobs/", "events/"):
        assert APIClient().get(f"{API}/{path}").status_code == 401


def test_projects_are_those_one_belongs_to(project: Project, viewer: User, stranger: User, api_as: Any) -> None:
    rows = api_as(viewer).get(f"{API}/projects/").json()
    assert [row["slug"] for row in rows["results"]] == [project.slug]
    assert api_as(viewer).get(f"{API}/projects/{project.slug}/").json()["role"] == "viewer"
    assert api_as(stranger).get(f"{API}/projects/{project.slug}/").status_code == 404


def test_a_token_of_another_project_finds_nothing(project: Project, admin: User, stranger: User, api_as: Any) -> None:
    elsewhere = Project.objects.get(name="Elsewhere")
    bound = api_as(admin, project=elsewhere)
    job, of_nobody = make(project), make(None)
    assert bound.get(f"{API}/projects/{project.slug}/").status_code == 404
    assert bound.get(f"{API}/jobs/{job.pk}/").status_code == 404
    assert bound.get(f"{API}/jobs/{of_nobody.pk}/").status_code == 404
    assert bound.get(f"{API}/events/").status_code == 404
    assert bound.post(f"{API}/projects/", {"name": "X"}, format="json").status_code == 404
    assert bound.get(f"{API}/jobs/").json()["results"] == []


def test_projects_are_made_by_admins_and_changed_by_owners(
    project: Project, owner: User, expert: User, admin: User, api_as: Any
) -> None:
    made = api_as(admin).post(f"{API}/projects/", {"name": "Payroll", "language": "de"}, format="json")
    assert (made.status_code, made.json()["slug"]) == (201, "payroll")
    assert api_as(owner).post(f"{API}/projects/", {"name": "X"}, format="json").status_code == 404
    path = f"{API}/projects/{project.slug}/"
    assert api_as(expert).patch(path, {"solo": True}, format="json").status_code == 403
    assert api_as(owner).patch(path, {"solo": True}, format="json").json()["solo"] is True
    wrong = api_as(owner).patch(path, {"language": "Klingon!"}, format="json")
    assert (wrong.status_code, wrong.json()["field"]) == (400, "language")
    project.refresh_from_db()
    assert (project.solo, project.language, project.name) == (True, "en", "Building advice")


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 100_000, "{", "1" * 5000])
def test_a_body_that_is_no_json_or_far_too_deep_is_refused(admin: User, api_as: Any, body: str) -> None:
    answer = api_as(admin).post(f"{API}/projects/", body, content_type="application/json")
    assert (answer.status_code, set(answer.json())) == (400, {"detail"})


def test_members_are_listed_for_members_and_changed_by_owners(
    project: Project, owner: User, expert: User, viewer: User, stranger: User, api_as: Any
) -> None:
    path = f"{API}/projects/{project.slug}/members/"
    rows = api_as(viewer).get(path).json()["results"]
    assert {(row["user"]["name"], row["role"]) for row in rows} == {
        ("Olga", "owner"),
        ("Edda", "expert"),
        ("Vera", "viewer"),
    }
    assert api_as(stranger).get(path).status_code == 404
    one = f"{path}{expert.pk}/"
    assert api_as(expert).put(one, {"role": "owner"}, format="json").status_code == 403
    assert api_as(owner).put(one, {"role": "emperor"}, format="json").status_code == 400
    assert api_as(owner).put(one, {"role": "reviewer"}, format="json").json()["role"] == "reviewer"
    assert api_as(owner).put(f"{path}{stranger.pk}/", {"role": "viewer"}, format="json").status_code == 404
    last = api_as(owner).delete(f"{path}{owner.pk}/")
    assert (last.status_code, last.json()["detail"]) == (
        400,
        "A project needs an owner; make somebody else owner first.",
    )
    assert api_as(owner).delete(one).status_code == 204
    assert not Membership.objects.filter(user=expert).exists()


def test_jobs_are_those_of_ones_projects(project: Project, viewer: User, stranger: User, api_as: Any) -> None:
    mine = make(project, state=JobState.FAILED, error="no rows")
    make(Project.objects.get(name="Elsewhere"))
    make(None)
    rows = api_as(viewer).get(f"{API}/jobs/").json()["results"]
    assert [(row["id"], row["project"], row["error"]) for row in rows] == [(mine.pk, project.slug, "no rows")]
    assert api_as(viewer).get(f"{API}/jobs/?project={project.slug}&state=done").json()["results"] == []
    assert api_as(viewer).get(f"{API}/jobs/?project=elsewhere").status_code == 404
    assert api_as(stranger).get(f"{API}/jobs/{mine.pk}/").status_code == 404


def test_jobs_are_stopped_held_and_started_again_by_owners(
    project: Project, owner: User, viewer: User, api_as: Any
) -> None:
    job, client = make(project), api_as(owner)
    path = f"{API}/jobs/{job.pk}"
    assert client.get(f"{path}/").json()["position"] == 1
    assert client.post(f"{path}/hold/", {"hold": True}, format="json").json()["state"] == "held"
    assert client.post(f"{path}/hold/", {"hold": True}, format="json").status_code == 400
    assert client.post(f"{path}/hold/", {"hold": False}, format="json").json()["state"] == "queued"
    assert client.post(f"{path}/stop/", {"intent": "explode"}, format="json").status_code == 400
    assert client.post(f"{path}/stop/", {}, format="json").json()["state"] == "cancelled"
    assert client.post(f"{path}/retry/").json()["state"] == "queued"
    before = Job.objects.filter(pk=job.pk).values().get()
    for verb in ("stop", "hold", "retry"):
        assert api_as(viewer).post(f"{path}/{verb}/").status_code == 403
        assert api_as(owner, may_write=False).post(f"{path}/{verb}/").status_code == 403
    assert client.post(f"{path}/move/", {"to": "first"}, format="json").status_code == 404
    assert Job.objects.filter(pk=job.pk).values().get() == before


def test_an_admin_moves_a_job(project: Project, admin: User, api_as: Any) -> None:
    first, second = make(project), make(project)
    moved = api_as(admin).post(f"{API}/jobs/{second.pk}/move/", {"to": "first"}, format="json")
    assert moved.json()["position"] == 1
    assert api_as(admin).get(f"{API}/jobs/{first.pk}/").json()["position"] == 2


def test_events_are_for_admins_and_a_projects_for_its_owners(
    project: Project, owner: User, expert: User, admin: User, api_as: Any
) -> None:
    assert api_as(expert).get(f"{API}/events/?project={project.slug}").status_code == 403
    assert api_as(owner).get(f"{API}/events/").status_code == 404
    rows = api_as(owner).get(f"{API}/events/?project={project.slug}&action=project.").json()["results"]
    assert [(row["action"], row["actor"]["name"], row["project"]) for row in rows] == [
        ("project.created", "Olga", project.slug)
    ]
    everything = api_as(admin).get(f"{API}/events/?page_size=500").json()["results"]
    assert len(everything) == Event.objects.count()
    assert api_as(admin).post(f"{API}/events/", {}).status_code == 405


def test_pages_of_a_list_follow_each_other(project: Project, viewer: User, api_as: Any) -> None:
    made = [make(project).pk for _ in range(7)]
    client, seen, url = api_as(viewer), [], f"{API}/jobs/?page_size=3"
    while url:
        page = client.get(url).json()
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
    assert seen == made[::-1]


def test_there_is_no_endpoint_that_makes_tokens(project: Project, owner: User, api_as: Any) -> None:
    schema = api_as(owner).get("/api/schema/", HTTP_ACCEPT="application/json").content.decode()
    assert f"{API}/jobs/" in schema
    assert "token" not in [part for line in schema.splitlines() if line.startswith("  /") for part in line.split("/")]


def test_a_browser_session_needs_the_csrf_token(project: Project, owner: User) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(owner, backend="allauth.account.auth_backends.AuthenticationBackend")
    refused = client.patch(f"{API}/projects/{project.slug}/", {"name": "X"}, format="json")
    assert refused.status_code == 403
    assert Project.objects.get(pk=project.pk).name == "Building advice"
    assert Membership.objects.get(user=owner).role == Role.OWNER
