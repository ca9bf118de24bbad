"""The demo project comes in once, by the ordinary import, and says whose texts it holds."""

import json
import zipfile
from pathlib import Path

import pytest

from core.models import Job, Project
from core.services.projects import project_remove_demo
from curation import demo
from curation.choices import Origin, PairState, ReviewBasis
from curation.models import Pair, Review
from tests.world import run_jobs

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ROWS = [
    {
        "id": "bygglov-001",
        "category": "bygglov",
        "q": "What is a bygglov?",
        "a": "A building permit.",
        "sources": ["PBL 9"],
    },
    {
        "id": "rot-001",
        "category": "rot",
        "q": "What is ROT?",
        "a": "A tax deduction for work on a home.",
        "sources": [],
    },
]


@pytest.fixture
def wheel(settings: object, tmp_path: Path) -> Path:
    settings.HOME = tmp_path
    path = demo.demo_wheel()
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as package:
        package.writestr(demo.MEMBER, "".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def test_it_is_made_once_with_both_tasks_and_the_attribution(wheel: Path) -> None:
    demo.demo_create()
    demo.demo_create()
    run_jobs()
    project = Project.objects.get(is_demo=True)
    assert project.solo
    assert "CC BY 4.0" in project.attribution
    assert "Zaragoza AB" in project.attribution
    answer, sort = project.tasks.order_by("pk")
    assert [pair.approved.response for pair in answer.pairs.order_by("pk")] == [row["a"] for row in ROWS]
    assert [pair.approved.response for pair in sort.pairs.order_by("pk")] == ["bygglov", "rot"]
    assert sort.system_prompt.endswith("bygglov, rot.")
    assert set(Pair.objects.values_list("state", "approved__origin")) == {(PairState.APPROVED, Origin.IMPORTED)}
    assert set(Review.objects.values_list("basis", "reviewer")) == {(ReviewBasis.IMPORT, None)}
    assert answer.pairs.order_by("pk")[0].metadata == {"id": "bygglov-001", "sources": ["PBL 9"]}
    assert not Pair.objects.filter(found=None).exists()


def test_it_goes_again_with_everything_in_it(wheel: Path, owner: object) -> None:
    demo.demo_create()
    run_jobs()
    project_remove_demo(actor=owner, project=Project.objects.get(is_demo=True))
    assert not Pair.objects.exists()


def test_without_the_package_there_is_no_demo_and_no_error(wheel: Path) -> None:
    wheel.unlink()
    demo.demo_create()
    assert not Project.objects.filter(is_demo=True).exists()
    assert not Job.objects.exists()
