"""The audit log: append-only, filtered, outliving what it tells of."""

import pytest
from django.db import DatabaseError, transaction

from core.models import Event, Project, User
from core.services.events import event_record
from core.services.projects import project_remove_demo

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_database_refuses_to_change_or_delete_a_line(change: str, project: Project) -> None:
    before = list(Event.objects.values())
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Event.objects.all().delete() if change == "delete" else Event.objects.update(action="nothing")
    assert list(Event.objects.values()) == before


def test_filters_find_by_action_person_and_object(admin: User, project: Project, as_user: object) -> None:
    client = as_user(admin)
    event_record(actor=project.created_by, action="job.created", project=project, summary="import rows")

    def found(query: str) -> set[str]:
        return {event.action for event in client.get(f"/audit/?{query}").context["page"].rows}

    assert found("action=job.") == {"job.created"}
    assert found("who=olga") == {"job.created", "user.created", "project.created"}
    assert found(f"object=project+{project.pk}") == {"project.created"}
    assert found("action=nothing") == set()
    assert b"No line matches" in client.get("/audit/?action=nothing").content
    assert client.get("/audit/?who=%00&object=project+x&before=-3").status_code == 200


def test_details_of_any_name_are_shown(admin: User, project: Project, as_user: object) -> None:
    event_record(actor=admin, action="round.opened", project=project, items=2, keys="<b>")
    page = as_user(admin).get("/audit/").content.decode()
    assert "questions: <bdi>2</bdi>" in page
    assert "keys: <bdi>&lt;b&gt;</bdi>" in page


def test_an_owner_sees_the_lines_of_the_project_alone(
    project: Project, owner: User, stranger: User, as_user: object
) -> None:
    rows = as_user(owner).get(f"/p/{project.slug}/audit/").context["page"].rows
    assert {row.project_id for row in rows} == {project.pk}


def test_the_log_outlives_the_project_it_tells_of(admin: User, project: Project, as_user: object) -> None:
    Project.objects.filter(pk=project.pk).update(is_demo=True)
    project.refresh_from_db()
    project_remove_demo(actor=admin, project=project)
    page = as_user(admin).get("/audit/")
    assert page.status_code == 200
    assert b"project.created" in page.content


def test_long_logs_page_without_counting(admin: User, as_user: object, django_assert_max_num_queries: object) -> None:
    for number in range(130):
        event_record(actor=admin, action="test.line", summary=str(number))
    client = as_user(admin)
    client.get("/audit/")
    with django_assert_max_num_queries(9):
        page = client.get("/audit/?action=test.")
    assert [row.summary for row in page.context["page"].rows] == [str(number) for number in range(129, 79, -1)]
    older = client.get(f"/audit/{page.context['page'].older}").context["page"]
    assert [row.summary for row in older.rows] == [str(number) for number in range(79, 29, -1)]
    assert "action=test." in older.older
