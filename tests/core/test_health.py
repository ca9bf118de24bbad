"""/health/ and /metrics: what is told, and to whom."""

from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from core.choices import Queue
from core.models import Heartbeat, Job, Project, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def workers(db: None) -> None:
    for queue in Queue.values:
        Heartbeat.objects.create(name=f"worker-{queue}", queue=queue, seen_at=timezone.now())


def test_a_stranger_is_told_only_whether_all_is_well(workers: None) -> None:
    well = Client().get("/health/")
    assert (well.status_code, well.json()) == (200, {"ok": True})
    Heartbeat.objects.all().delete()
    ill = Client().get("/health/")
    assert (ill.status_code, ill.json()) == (503, {"ok": False})
    page = Client().get("/health/", HTTP_ACCEPT="text/html")
    assert (page.status_code, b"worker" in page.content.lower()) == (503, False)


def test_a_person_with_a_session_is_told_which_part(viewer: User, as_user: object) -> None:
    parts = {part["name"]: part for part in as_user(viewer).get("/health/").json()["parts"]}
    assert {name: part["ok"] for name, part in parts.items()} == {"database": True, "redis": True, "workers": False}
    assert (
        parts["workers"]["text"]
        == "No worker was heard in the last 30 s for: imports, checks and freezes; answers of models; trainings."
    )
    assert b"Does not answer" in as_user(viewer).get("/health/", HTTP_ACCEPT="text/html").content


def test_a_stopped_redis_is_found_quickly_and_told(workers: None, viewer: User, as_user: object, settings: Any) -> None:
    settings.REDIS_URL = "redis+socket:///nowhere/redis.sock"
    answer = as_user(viewer).get("/health/")
    parts = {part["name"]: part for part in answer.json()["parts"]}
    assert (answer.status_code, parts["redis"]["ok"], parts["database"]["ok"]) == (503, False, True)
    assert parts["redis"]["seconds"] < 1


def test_metrics_tell_of_jobs_and_workers(project: Project, workers: None) -> None:
    Job.objects.create(kind="x", project=project)
    text = Client().get("/metrics").content.decode()
    assert 'apprentice_jobs{queue="default",state="queued"} 1.0' in text
    assert 'apprentice_heartbeat_age_seconds{name="worker-train"}' in text
    assert "django_http_requests_total" in text


@pytest.mark.parametrize(
    "where",
    [{"REMOTE_ADDR": "192.0.2.7"}, {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.7"}],
    ids=["another machine", "through a proxy"],
)
def test_metrics_from_elsewhere_are_for_admins(
    where: dict[str, str], owner: User, admin: User, as_user: object, api_as: object, project: Project
) -> None:
    assert Client().get("/metrics", **where).status_code == 404
    assert as_user(owner).get("/metrics", **where).status_code == 404
    assert api_as(owner).get("/metrics", **where).status_code == 404
    assert api_as(admin, project=project).get("/metrics", **where).status_code == 404
    assert Client(HTTP_AUTHORIZATION="Token ap_wrong").get("/metrics", **where).status_code == 404
    assert as_user(admin).get("/metrics", **where).status_code == 200
    assert api_as(admin).get("/metrics", **where).status_code == 200


def test_behind_a_declared_proxy_loopback_proves_nothing(settings: Any) -> None:
    settings.TRUSTED_PROXY = "127.0.0.1"
    assert Client().get("/metrics").status_code == 404


def test_a_banner_asks_for_itself_until_there_is_nothing_to_tell(viewer: User, as_user: object) -> None:
    near, client = caches["near"], as_user(viewer)
    assert b"notices-live" not in client.get("/profile/").content
    near.set("notices", [("warn", "No worker is running.")], None)
    try:
        for path in ("/profile/", "/notices/"):
            page = client.get(path).content.decode()
            assert 'id="notices-live" hx-get="/notices/"' in page, path
            assert "No worker is running." in page, path
    finally:
        near.set("notices", [], None)
    quiet = client.get("/notices/")
    assert (b"hx-get" in quiet.content, "no-store" in quiet["Cache-Control"]) == (False, True)
