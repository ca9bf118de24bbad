"""Every page of the core draws, for whom it should and for nobody else."""

from collections.abc import Callable

import pytest
from django.test import Client

from core.models import Project, User

AsUser = Callable[[User], Client]
ADMIN_PAGES = ["/people/", "/jobs/", "/audit/", "/projects/new/"]


@pytest.mark.parametrize("path", ADMIN_PAGES)
def test_pages_of_the_installation_are_for_admins(path: str, admin: User, owner: User, as_user: AsUser) -> None:
    assert as_user(admin).get(path).status_code == 200
    assert as_user(owner).get(path).status_code == 404
    anonymous = Client().get(path)
    assert anonymous.status_code == 302
    assert anonymous["Location"].startswith("/accounts/login/")


def test_who_sent_something_signed_out_goes_on_at_the_page_that_sent_it(db: None) -> None:
    """The address that it was sent to may be no page."""
    asked = [
        ("http://testserver/p/x/work/5/?a=1", "/p/x/work/5/%3Fa%3D1"),
        ("https://elsewhere.example/x/", "/"),
        ("", "/"),
    ]
    for came_from, goes_on in asked:
        answer = Client().post("/p/x/work/5/skip/", headers={"Referer": came_from})
        assert answer["Location"] == f"/accounts/login/?next={goes_on}"


@pytest.mark.parametrize(
    ("page", "member_status"), [("settings/", 403), ("audit/", 403), ("jobs/", 200)], ids=["settings", "audit", "jobs"]
)
def test_pages_of_a_project_know_owner_member_and_stranger(
    page: str, member_status: int, project: Project, owner: User, viewer: User, stranger: User, as_user: AsUser
) -> None:
    path = f"/p/{project.slug}/{page}"
    assert as_user(owner).get(path).status_code == 200
    assert as_user(viewer).get(path).status_code == member_status
    assert as_user(stranger).get(path).status_code == 404
    assert Client().get(path).status_code == 302


def test_everyone_has_a_profile_and_nobody_without_a_session(viewer: User, as_user: AsUser) -> None:
    assert b"API tokens" in as_user(viewer).get("/profile/").content
    assert Client().get("/profile/").status_code == 302
