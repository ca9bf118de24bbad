"""The pages of the queue: who sees and moves what, and that ended jobs stop asking for themselves."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.choices import JobState
from core.models import Event, Heartbeat, Job, JobLog, Project, User

pytestmark = pytest.mark.django_db


def make(project: Project | None, state: str = JobState.QUEUED, **more: Any) -> Job:
    return Job.objects.create(kind="none.such", project=project, state=state, subject="rows.jsonl", **more)


def test_a_running_job_polls_and_an_ended_one_does_not(project: Project, viewer: User, as_user: object) -> None:
    job = make(project, JobState.RUNNING, progress_done=1, progress_total=4, message="Row 1 of 4")
    JobLog.objects.create(job=job, attempt=1, level="info", message="<b>begun</b>")
    client = as_user(viewer)
    page = client.get(f"/jobs/{job.pk}/").content.decode()
    assert f'hx-get="/jobs/{job.pk}/live/" hx-trigger="every 2s"' in page
    assert "Row 1 of 4" in page
    assert "&lt;b&gt;begun&lt;/b&gt;" in page
    Job.objects.filter(pk=job.pk).update(state=JobState.DONE, ended_at=timezone.now())
    for part in ("live", "panel"):
        fragment = client.get(f"/jobs/{job.pk}/{part}/").content.decode()
        assert "hx-trigger" not in fragment
        assert "Done" in fragment
        assert "<html" not in fragment


def test_a_panel_has_its_page_loaded_again_when_its_job_has_just_ended(
    project: Project, viewer: User, as_user: object
) -> None:
    job, client = make(project, JobState.RUNNING), as_user(viewer)

    def refresh() -> str | None:
        return client.get(f"/jobs/{job.pk}/panel/", headers={"HX-Request": "true"}).headers.get("HX-Refresh")

    assert refresh() is None
    Job.objects.filter(pk=job.pk).update(state=JobState.DONE, ended_at=timezone.now())
    assert refresh() == "true"
    assert "HX-Refresh" not in client.get(f"/jobs/{job.pk}/panel/").headers
    Job.objects.filter(pk=job.pk).update(ended_at=timezone.now() - timedelta(minutes=1))
    assert refresh() is None


def test_a_job_is_for_members_of_its_project_and_admins(
    project: Project, viewer: User, stranger: User, admin: User, as_user: object
) -> None:
    job, of_nobody = make(project), make(None)
    for part in ("", "live/", "panel/"):
        assert as_user(viewer).get(f"/jobs/{job.pk}/{part}").status_code == 200
        assert as_user(stranger).get(f"/jobs/{job.pk}/{part}").status_code == 404
        assert as_user(viewer).get(f"/jobs/{of_nobody.pk}/{part}").status_code == 404
        assert as_user(admin).get(f"/jobs/{of_nobody.pk}/{part}").status_code == 200
    assert as_user(admin).get("/jobs/999999/").status_code == 404


@pytest.mark.parametrize("verb", ["stop", "cancel", "hold", "release", "retry"])
def test_a_viewer_and_a_stranger_change_no_job(
    verb: str, project: Project, viewer: User, stranger: User, as_user: object
) -> None:
    job = make(project)
    before = Job.objects.filter(pk=job.pk).values().get()
    assert as_user(viewer).post(f"/jobs/{job.pk}/{verb}/").status_code == 403
    assert as_user(stranger).post(f"/jobs/{job.pk}/{verb}/").status_code == 404
    assert Job.objects.filter(pk=job.pk).values().get() == before
    assert not Event.objects.filter(object_type="job").exists()


def test_who_asked_for_a_job_and_an_owner_may_end_it(
    project: Project, owner: User, expert: User, as_user: object
) -> None:
    for person in (owner, expert):
        job = make(project, requested_by=expert)
        assert as_user(person).post(f"/jobs/{job.pk}/cancel/")["Location"] == f"/jobs/{job.pk}/"
        assert Job.objects.get(pk=job.pk).state == JobState.CANCELLED


def test_hold_release_retry_and_their_refusals(project: Project, owner: User, as_user: object) -> None:
    job, client = make(project), as_user(owner)
    client.post(f"/jobs/{job.pk}/hold/")
    assert Job.objects.get(pk=job.pk).state == JobState.HELD
    told = client.post(f"/jobs/{job.pk}/hold/", follow=True)
    assert b"not waiting any more" in told.content
    client.post(f"/jobs/{job.pk}/release/")
    assert Job.objects.get(pk=job.pk).state == JobState.QUEUED
    assert b"Only a failed or cancelled job" in client.post(f"/jobs/{job.pk}/retry/", follow=True).content
    client.post(f"/jobs/{job.pk}/cancel/")
    client.post(f"/jobs/{job.pk}/retry/")
    assert Job.objects.get(pk=job.pk).state == JobState.QUEUED


def test_an_admin_moves_jobs_in_the_queue_and_an_owner_does_not(
    project: Project, owner: User, admin: User, as_user: object
) -> None:
    first, second = make(project), make(project)
    assert as_user(owner).post(f"/jobs/{second.pk}/move/", {"to": "first"}).status_code == 404
    page = as_user(admin).get("/jobs/")
    assert [(row.job.pk, row.position) for row in page.context["open"]] == [(first.pk, 1), (second.pk, 2)]
    moved = as_user(admin).post(f"/jobs/{second.pk}/move/", {"to": "first", "back": "jobs"})
    assert moved["Location"] == "/jobs/"
    page = as_user(admin).get("/jobs/")
    assert [(row.job.pk, row.position) for row in page.context["open"]] == [(second.pk, 1), (first.pk, 2)]


def test_a_place_in_the_queue_counts_jobs_of_other_projects_without_showing_them(
    project: Project, viewer: User, stranger: User, as_user: object
) -> None:
    make(Project.objects.get(name="Elsewhere"))
    mine = make(project)
    page = as_user(viewer).get(f"/p/{project.slug}/jobs/")
    assert [(row.job.pk, row.position) for row in page.context["open"]] == [(mine.pk, 2)]
    assert b"Elsewhere" not in page.content
    assert b"Place 2 in the queue of imports, checks and freezes." in as_user(viewer).get(f"/jobs/{mine.pk}/").content


def test_ended_jobs_page_by_position_and_each_is_on_one_page(project: Project, viewer: User, as_user: object) -> None:
    made = [make(project, JobState.DONE, ended_at=timezone.now()).pk for _ in range(120)]
    client, seen, link, pages = as_user(viewer), [], "", 0
    while True:
        page = client.get(f"/p/{project.slug}/jobs/{link}").context
        seen += [row["job"].pk for row in page["ended"]]
        pages += 1
        if not page["page"].older:
            break
        link = page["page"].older
    assert (seen, pages) == (made[::-1], 3)
    back = client.get(f"/p/{project.slug}/jobs/{page['page'].newer}").context
    assert [row["job"].pk for row in back["ended"]] == made[::-1][50:100]
    assert client.get(f"/p/{project.slug}/jobs/?before=x%00").status_code == 200


def test_the_list_asks_the_database_as_often_for_many_jobs(
    project: Project, admin: User, as_user: object, django_assert_max_num_queries: Any
) -> None:
    client = as_user(admin)
    for state in (JobState.QUEUED, JobState.RUNNING, JobState.DONE):
        for _ in range(20):
            make(project, state, requested_by=admin)
    client.get("/jobs/")
    with django_assert_max_num_queries(12):
        client.get("/jobs/")


def test_the_page_tells_which_workers_are_alive(admin: User, as_user: object) -> None:
    client = as_user(admin)
    assert b"No worker has ever been heard" in client.get("/jobs/").content
    Heartbeat.objects.create(name="worker-default@a", queue="default", seen_at=timezone.now())
    old = timezone.now() - timezone.timedelta(minutes=5)
    Heartbeat.objects.create(name="worker-train@a", queue="train", seen_at=old)
    rows = client.get("/jobs/").context["workers"]
    assert [(row.heartbeat.queue, row.alive) for row in rows] == [("default", True), ("train", False)]
