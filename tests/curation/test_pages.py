"""Every page of curation draws, for whom it should and for nobody else, also while everything is empty."""

from collections.abc import Callable

import pytest
from django.test import Client

from core.models import Project, User
from curation.models import Task
from curation.services.tasks import task_create

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]

PAGES = {  # page -> who may see it
    "tasks/": "owner expert reviewer viewer",
    "tasks/new/": "owner",
    "tasks/answer/": "owner expert reviewer viewer",
    "tasks/answer/edit/": "owner",
    "tasks/answer/guidelines/": "owner expert reviewer viewer",
    "tasks/answer/write/?key=k": "owner expert",
    "tasks/answer/freeze/": "owner",
    "tasks/answer/import/": "owner expert",
    "write/": "owner expert",
    "glossary/": "owner expert reviewer viewer",
    "pairs/": "owner expert reviewer viewer",
    "review/": "owner reviewer",
    "imports/": "owner expert reviewer viewer",
    "versions/": "owner expert reviewer viewer",
}


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Answer", guidelines="# Be brief\n\n- one\n- two")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_for_its_roles_and_refuses_the_others(
    page: str, project: Project, task: Task, owner: User, expert: User, reviewer: User, viewer: User, stranger: User,
    as_user: AsUser,
) -> None:  # fmt: skip
    path = f"/p/{project.slug}/{page}"
    for name, user in {"owner": owner, "expert": expert, "reviewer": reviewer, "viewer": viewer}.items():
        assert as_user(user).get(path).status_code == (200 if name in PAGES[page].split() else 403), name
    assert as_user(stranger).get(path).status_code == 404


@pytest.mark.parametrize("page", ["tasks/", "pairs/", "write/", "review/", "imports/", "versions/"])
def test_a_project_without_a_task_says_what_to_do_next(
    page: str, project: Project, owner: User, as_user: AsUser
) -> None:
    answer = as_user(owner).get(f"/p/{project.slug}/{page}")
    assert answer.status_code == 200
    assert b'class="empty"' in answer.content


def test_pages_of_another_project_do_not_lend_their_objects(
    project: Project, task: Task, stranger: User, as_user: AsUser
) -> None:
    assert as_user(stranger).get("/p/elsewhere/tasks/answer/").status_code == 404
