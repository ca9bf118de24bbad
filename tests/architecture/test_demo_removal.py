import pytest

from core.models import Event, Project, User
from core.services.projects import project_remove_demo
from curation.models import Pair
from tests.architecture.estate import build_estate
from training.models import ModelVersion, Run


@pytest.mark.django_db
def test_a_demo_with_everything_in_it_goes_with_one_click(
    owner: User, expert: User, reviewer: User, viewer: User, stranger: User, admin: User
) -> None:
    people = {"owner": owner, "expert": expert, "reviewer": reviewer, "viewer": viewer, "admin": admin}
    estate = build_estate({**people, "stranger": stranger})
    Project.objects.filter(pk=estate.project.pk).update(is_demo=True)
    estate.project.refresh_from_db()

    project_remove_demo(actor=owner, project=estate.project)

    assert list(Project.objects.values_list("slug", flat=True)) == ["elsewhere"]
    for rows in (Pair, Run, ModelVersion):
        assert not rows.objects.exists()
    assert Event.objects.filter(action="project.demo_removed", actor=owner).count() == 1
