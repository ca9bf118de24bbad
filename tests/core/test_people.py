"""The admin's page of people, and what deactivating does to live clients."""

from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from core.choices import LinkKind, Role
from core.models import ApiToken, Event, Membership, OneTimeLink, Project, User
from tests.world import PASSWORD

pytestmark = pytest.mark.django_db


def log_in(user: User) -> Client:
    client = Client()
    assert client.post("/accounts/login/", {"login": user.email, "password": PASSWORD}).status_code == 302
    return client


def test_deactivating_ends_live_sessions_and_tokens_at_once(
    admin: User, expert: User, as_user: object, api_as: object
) -> None:
    browser, program = log_in(expert), api_as(expert)
    assert (browser.get("/profile/").status_code, program.get("/api/v1/projects/").status_code) == (200, 200)
    as_user(admin).post(f"/people/{expert.pk}/deactivate/")
    assert (browser.get("/profile/").status_code, program.get("/api/v1/projects/").status_code) == (302, 401)
    assert not ApiToken.objects.filter(user=expert).exists()
    refused = Client().post("/accounts/login/", {"login": expert.email, "password": PASSWORD}, follow=True)
    assert refused.wsgi_request.user.is_anonymous
    as_user(admin).post(f"/people/{expert.pk}/reactivate/")
    assert browser.get("/profile/").status_code == 302
    assert log_in(expert).get("/profile/").status_code == 200


def test_an_admin_cannot_deactivate_or_demote_themselves(admin: User, as_user: object) -> None:
    client = as_user(admin)
    told = client.post(f"/people/{admin.pk}/deactivate/", follow=True)
    assert b"You cannot deactivate yourself" in told.content
    told = client.post(f"/people/{admin.pk}/admin/", {"is_admin": "no"}, follow=True)
    assert b"You cannot take the admin role from yourself" in told.content
    admin.refresh_from_db()
    assert admin.is_admin


def test_an_admin_makes_and_unmakes_admins(admin: User, expert: User, as_user: object) -> None:
    client = as_user(admin)
    client.post(f"/people/{expert.pk}/admin/", {"is_admin": "yes"})
    assert User.objects.get(pk=expert.pk).is_admin
    client.post(f"/people/{expert.pk}/admin/", {"is_admin": "no"})
    assert not User.objects.get(pk=expert.pk).is_admin
    assert Event.objects.filter(action="user.admin_changed", object_id=expert.pk).count() == 2


@pytest.mark.parametrize("verb", ["deactivate", "reactivate", "admin", "reset-link"])
def test_nobody_but_an_admin_changes_people(verb: str, owner: User, expert: User, as_user: object) -> None:
    before = (User.objects.filter(pk=expert.pk).values().get(), OneTimeLink.objects.count(), Event.objects.count())
    assert as_user(owner).post(f"/people/{expert.pk}/{verb}/", {"is_admin": "yes"}).status_code == 404
    assert (
        User.objects.filter(pk=expert.pk).values().get(),
        OneTimeLink.objects.count(),
        Event.objects.count(),
    ) == before
    assert as_user(owner).post("/people/invite/", {}).status_code == 404
    assert OneTimeLink.objects.count() == before[1]


def test_people_are_changed_by_post_alone(admin: User, expert: User, as_user: object) -> None:
    assert as_user(admin).get(f"/people/{expert.pk}/deactivate/").status_code == 405
    assert User.objects.get(pk=expert.pk).is_active


def test_an_invitation_link_is_shown_once_works_and_is_not_cached(admin: User, as_user: object) -> None:
    client = as_user(admin)
    shown = client.post("/people/invite/", {"email": "", "makes_admin": "on"})
    assert "no-store" in shown["Cache-Control"]
    link = shown.context["link"]
    assert link.encode() in shown.content
    assert link.encode() not in client.get("/people/").content
    assert Client().get(link.removeprefix("http://testserver")).status_code == 200
    assert OneTimeLink.objects.get().makes_admin


def test_an_invitation_can_be_withdrawn(admin: User, as_user: object) -> None:
    client = as_user(admin)
    link = client.post("/people/invite/", {}).context["link"].removeprefix("http://testserver")
    client.post(f"/people/invitations/{OneTimeLink.objects.get().pk}/withdraw/")
    assert Client().get(link).status_code == 410
    told = client.post("/people/invitations/999/withdraw/", follow=True)
    assert b"used or withdrawn already" in told.content


def test_a_bad_address_is_told_on_the_form(admin: User, as_user: object) -> None:
    response = as_user(admin).post("/people/invite/", {"email": "nobody"})
    assert response.status_code == 400
    assert b"valid email" in response.content
    assert not OneTimeLink.objects.exists()


def test_a_reset_link_of_the_page_belongs_to_that_person(admin: User, expert: User, as_user: object) -> None:
    shown = as_user(admin).post(f"/people/{expert.pk}/reset-link/")
    link = OneTimeLink.objects.get()
    assert (link.kind, link.user, shown.status_code) == (LinkKind.RESET, expert, 200)
    User.objects.filter(pk=expert.pk).update(is_active=False)
    assert as_user(admin).post(f"/people/{expert.pk}/reset-link/").status_code == 404


def test_the_page_asks_the_database_as_often_for_many_people(
    admin: User, project: Project, make_user: object, as_user: object, django_assert_max_num_queries: object
) -> None:
    client = as_user(admin)
    client.get("/people/")
    with django_assert_max_num_queries(12):
        client.get("/people/")
    for number in range(8):
        Membership.objects.create(project=project, user=make_user(f"P{number}"), role=Role.VIEWER)
    with django_assert_max_num_queries(12):
        assert b"P7" in client.get("/people/").content


def test_programs_of_an_admin_manage_people_as_the_page_does(
    admin: User, expert: User, owner: User, api_as: Callable[..., APIClient]
) -> None:
    client = api_as(admin)
    rows = {row["name"]: row for row in client.get("/api/v1/people/").json()["results"]}
    assert rows["Edda"]["memberships"] == [{"project": "building-advice", "role": "expert"}]
    assert (rows["Ada"]["is_admin"], rows["Edda"]["second_factor"]) == (True, False)
    one = f"/api/v1/people/{expert.pk}"
    assert client.post(f"{one}/admin/", {"is_admin": True}).json()["is_admin"] is True
    assert client.post(f"{one}/admin/", {"is_admin": False}).json()["is_admin"] is False
    reset = client.post(f"{one}/reset-link/").json()["url"].removeprefix("http://testserver")
    assert b"For edda@example.org" in Client().get(reset).content
    assert client.post(f"{one}/deactivate/").json()["is_active"] is False
    assert (Client().get(reset).status_code, client.post(f"{one}/reset-link/").status_code) == (410, 404)
    assert client.post(f"{one}/reactivate/").json()["is_active"] is True
    told = client.post(f"/api/v1/people/{admin.pk}/deactivate/")
    assert (told.status_code, told.json()["detail"]) == (400, "You cannot deactivate yourself; ask another admin.")
    for path in ("", "invitations/", f"{expert.pk}/deactivate/"):
        assert api_as(owner).post(f"/api/v1/people/{path}").status_code in {404, 405}
    assert User.objects.get(pk=expert.pk).is_active


def test_programs_invite_into_everything_and_into_a_project(
    admin: User, owner: User, expert: User, project: Project, api_as: Callable[..., APIClient]
) -> None:
    everywhere, here = "/api/v1/people/invitations/", f"/api/v1/projects/{project.slug}/invitations/"
    made = api_as(admin).post(everywhere, {"email": "new@example.org", "makes_admin": True})
    assert made.json()["url"].startswith("http://testserver/link/")
    link = api_as(owner).post(here, {"role": "reviewer"}).json()["url"]
    assert b"Building advice" in Client().get(link.removeprefix("http://testserver")).content
    assert api_as(owner).post(here, {"role": "emperor"}).status_code == 400
    assert api_as(expert).post(here, {"role": "owner"}).status_code == 403
    (row,) = api_as(owner).get(here).json()["results"]
    assert (row["role"], row["project"], row["makes_admin"]) == ("reviewer", project.slug, False)
    rows = api_as(admin).get(everywhere).json()["results"]
    assert [(row["email"], row["makes_admin"]) for row in rows] == [("", False), ("new@example.org", True)]
    assert api_as(owner).delete(f"{here}{rows[1]['id']}/").status_code == 400
    assert api_as(owner).delete(f"{here}{row['id']}/").status_code == 204
    assert api_as(admin).delete(f"{everywhere}{rows[1]['id']}/").status_code == 204
    assert not OneTimeLink.objects.exists()


def test_a_program_reads_and_changes_its_own_account(expert: User, api_as: Callable[..., APIClient]) -> None:
    client = api_as(expert)
    assert client.get("/api/v1/me/").json()["email"] == "edda@example.org"
    changed = client.patch("/api/v1/me/", {"single_keys": False, "mails": "none"}).json()
    assert (changed["mails"], client.patch("/api/v1/me/", {"mails": "some"}).status_code) == ("none", 400)
    assert (changed["single_keys"], changed["name"], changed["is_admin"]) == (False, "Edda", False)
    assert client.patch("/api/v1/me/", {"name": ""}, format="json").status_code == 400
    assert api_as(expert, may_write=False).patch("/api/v1/me/", {"name": "X"}).status_code == 403
    assert User.objects.get(pk=expert.pk).name == "Edda"
