"""The admin's page of people, and what deactivating does to live clients."""

import pytest
from django.test import Client

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
