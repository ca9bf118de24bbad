"""Runs in the queue: their order, holds, priority and nights by page and API; one that fails stops no other."""

import queue
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from core.jobs import job_claim
from core.models import Project, User
from tests.world import run_jobs
from training import slots
from training.choices import RunState
from training.models import Run
from training.selectors.queue import waiting_runs
from training.services.launch import run_launch

pytestmark = pytest.mark.django_db(transaction=True)
ApiAs = Callable[..., APIClient]


@pytest.fixture
def three(owner: User, prepare: Callable[..., Run]) -> list[Run]:
    """Launched one after the other: a, b, c."""
    runs = [prepare(), prepare(), prepare()]
    launched = [run_launch(actor=owner, run=run) for run in runs]
    for name, run in zip("abc", launched, strict=True):
        run.name, run.estimate = name, {"seconds": 600.0}
        run.save()
    return launched


def order(project: Project) -> str:
    """Names as they will start; held ones in brackets."""
    rows = waiting_runs(project)
    assert [row.place for row in rows if row.place] == list(range(1, sum(row.place is not None for row in rows) + 1))
    return "".join(row.run.name if row.place else f"({row.run.name})" for row in rows)


def test_runs_are_held_moved_and_preferred_and_the_list_says_so(
    three: list[Run], project: Project, owner: User, admin: User, api_as: ApiAs, as_user: Callable[[User], Client]
) -> None:
    jobs = {run.name: f"/api/v1/jobs/{run.job_id}" for run in three}
    api, chief = api_as(owner), api_as(admin)
    assert order(project) == "abc"
    assert chief.post(f"{jobs['c']}/move/", {"to": "first"}, format="json").status_code == 200
    assert order(project) == "cab"
    chief.post(f"{jobs['c']}/move/", {"to": "down"}, format="json")
    chief.post(f"{jobs['b']}/move/", {"to": "up"}, format="json")
    assert order(project) == "abc"
    assert api.post(f"{jobs['b']}/move/", {"to": "first"}, format="json").status_code in (403, 404)
    api.post(f"{jobs['a']}/hold/", {"hold": True}, format="json")
    assert order(project) == "bc(a)"
    page = as_user(owner).get(f"/p/{project.slug}/training/").content.decode()
    assert "Held" in page
    api.post(f"{jobs['a']}/hold/", {"hold": False}, format="json")
    assert api.post(f"{jobs['c']}/plan/", {"priority": 5}, format="json").status_code in (403, 404)
    chief.post(f"{jobs['c']}/plan/", {"priority": 5}, format="json")
    assert order(project) == "cab"
    ahead = [row["run"] for row in api.get(f"/api/v1/runs/waiting/?project={project.slug}").json()]
    assert ahead == [three[2].pk, three[0].pk, three[1].pk]


def test_a_run_for_the_night_lets_others_pass_by_day_and_the_list_foretells_when(
    three: list[Run], project: Project, owner: User, api_as: ApiAs, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.NIGHT_HOURS, settings.TIME_ZONE = (20, 6), "UTC"
    api = api_as(owner)  # whose token is made today
    api.post(f"/api/v1/jobs/{three[0].job_id}/plan/", {"nights": True}, format="json")
    noon = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
    monkeypatch.setattr("django.utils.timezone.now", lambda: noon)
    starts = {row.run.name: row.starts_at for row in waiting_runs(project)}
    assert (starts["b"], starts["c"]) == (noon, noon + timedelta(seconds=600))
    assert starts["a"] == noon.replace(hour=20)
    claimed = job_claim(queue="train", worker="w")
    assert claimed is not None
    assert claimed.pk == three[1].job_id


@pytest.mark.slow
def test_a_run_that_fails_does_not_stop_the_rest(three: list[Run]) -> None:
    broken, second, _third = three
    everything = [str(key) for key in broken.version.rows.values_list("revision__pair", flat=True)]
    Run.objects.filter(pk=broken.pk).update(excluded={"by_hand": everything})
    run_jobs("train", most=2)
    states = [Run.objects.get(pk=run.pk) for run in (broken, second)]
    assert [run.state for run in states] == [RunState.FAILED, RunState.DONE], states[1].error
    assert "has no pair to train on" in states[0].error


@pytest.fixture
def two_devices(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    free = slots.places("01")
    monkeypatch.setattr(slots, "_free", free)
    yield
    assert free.qsize() == 2


@pytest.mark.usefixtures("two_devices")
def test_each_device_holds_one_training_at_a_time() -> None:
    taken: queue.SimpleQueue[str] = queue.SimpleQueue()
    release = threading.Semaphore(0)

    def train() -> None:
        with slots.device_slot() as device:
            taken.put(device[slots.VARIABLE])
            release.acquire()

    threads = [threading.Thread(target=train) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert {taken.get(timeout=10), taken.get(timeout=10)} == {"0", "1"}
    assert taken.empty()  # the third waits
    release.release()
    assert taken.get(timeout=10) in ("0", "1")
    for _ in range(2):
        release.release()
    for thread in threads:
        thread.join(10)


def test_without_a_gpu_the_processor_is_the_one_device() -> None:
    free = slots.places([])
    assert (free.qsize(), free.get()) == (1, {})


@pytest.mark.slow
@pytest.mark.usefixtures("two_devices")
def test_a_training_sees_the_device_of_its_slot_alone(
    trained_by: Callable[[list[dict[str, Any]], str], Run], tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    trained_by([], f"open({str(seen)!r}, 'a').write(os.environ[{slots.VARIABLE!r}]); sys.exit(1)")
    assert seen.read_text() == "0"
