"""One-time links: the first admin, invitations, new passwords."""

import io
import json
import logging
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client
from django.utils import timezone

from core.choices import LinkKind, Role
from core.log_secrets import HideSecrets
from core.models import ApiToken, Event, Membership, OneTimeLink, Project, User
from core.services.invitations import first_admin_link, link_create
from tests.world import PASSWORD

pytestmark = pytest.mark.django_db
NEW = {"email": "new@example.org", "name": "Nora", "password": "Green lamps at noon"}


def invite(project: Project | None, **more: object) -> str:
    kwargs = {"role": Role.EXPERT} if project else {}
    actor = project.created_by if project else None
    return link_create(actor=actor, kind=LinkKind.INVITE, project=project, **{**kwargs, **more})


def test_the_first_admin_makes_an_account_and_is_logged_in() -> None:
    path = first_admin_link()
    assert path is not None
    client = Client()
    assert b"Make the first admin account" in client.get(path).content
    response = client.post(path, NEW)
    assert (response.status_code, response["Location"]) == (302, "/")
    user = User.objects.get()
    assert (user.email, user.is_admin) == ("new@example.org", True)
    assert client.get("/people/").status_code == 200
    assert UserSession.objects.filter(user=user).count() == 1
    assert first_admin_link() is None


def test_a_new_first_admin_link_ends_the_older_one() -> None:
    old, new = first_admin_link(), first_admin_link()
    assert old is not None
    assert new is not None
    assert Client().get(old).status_code == 410
    assert Client().get(new).status_code == 200


def test_an_invited_person_joins_the_project_with_the_role(project: Project) -> None:
    path = invite(project)
    client = Client()
    response = client.post(path, NEW)
    assert (response.status_code, response["Location"]) == (302, f"/p/{project.slug}/")
    member = Membership.objects.get(user__email="new@example.org")
    assert (member.project, member.role, member.user.is_admin) == (project, Role.EXPERT, False)
    assert client.get(f"/p/{project.slug}/jobs/").status_code == 200


def test_a_link_works_once(project: Project) -> None:
    path = invite(project)
    Client().post(path, NEW)
    again = Client().post(path, {**NEW, "email": "other@example.org"})
    assert again.status_code == 410
    assert b"used already" in again.content
    assert not User.objects.filter(email="other@example.org").exists()


def test_an_expired_and_an_unknown_link_say_what_to_do(project: Project) -> None:
    path = invite(project)
    OneTimeLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert b"has expired. Ask for a new one." in Client().get(path).content
    assert b"not known here" in Client().get("/link/guess/").content
    assert Client().post(path, NEW).status_code == 410
    assert not User.objects.filter(email="new@example.org").exists()


def test_a_weak_password_or_a_missing_name_uses_nothing_up(project: Project) -> None:
    path = invite(project)
    client = Client()
    weak = client.post(path, {**NEW, "password": "short"})
    assert weak.status_code == 400
    assert b"too short" in weak.content
    assert client.post(path, {**NEW, "name": ""}).status_code == 400
    assert not User.objects.filter(email="new@example.org").exists()
    assert client.post(path, NEW).status_code == 302


def test_the_address_of_an_invitation_cannot_be_changed(project: Project) -> None:
    path = invite(project, email="Meant@Example.org")
    Client().post(path, {**NEW, "email": "thief@example.org"})
    assert set(User.objects.exclude(pk=project.created_by_id).values_list("email", flat=True)) == {"meant@example.org"}


def test_an_address_with_an_account_is_told_to_log_in(project: Project, stranger: User) -> None:
    path = invite(project)
    response = Client().post(path, {**NEW, "email": stranger.email.upper()})
    assert response.status_code == 400
    assert b"already has an account" in response.content
    assert not Membership.objects.filter(project=project, user=stranger).exists()


def test_a_person_with_an_account_joins_after_logging_in(project: Project, stranger: User) -> None:
    path = invite(project)
    client = Client()
    login = client.post(f"/accounts/login/?next={path}", {"login": stranger.email, "password": PASSWORD})
    assert (login.status_code, login["Location"]) == (302, path)
    assert f"You are signed in as {stranger}".encode() in client.get(path).content
    assert client.post(path)["Location"] == f"/p/{project.slug}/"
    assert Membership.objects.get(project=project, user=stranger).role == Role.EXPERT


def test_an_invitation_for_another_address_is_refused(project: Project, stranger: User, as_user: object) -> None:
    path = invite(project, email="meant@example.org")
    response = as_user(stranger).post(path)
    assert response.status_code == 400
    assert b"for somebody else" in response.content
    assert not Membership.objects.filter(project=project, user=stranger).exists()


def test_an_invitation_never_lowers_or_raises_who_is_a_member_already(project: Project, as_user: object) -> None:
    path = invite(project, role=Role.VIEWER)
    response = as_user(project.created_by).post(path)
    assert b"a member of Building advice already" in response.content
    assert Membership.objects.get(project=project, user=project.created_by).role == Role.OWNER


def test_a_reset_link_sets_the_password_and_ends_sessions_and_tokens(
    expert: User, as_user: object, api_as: object
) -> None:
    old = Client()
    old.post("/accounts/login/", {"login": expert.email, "password": PASSWORD})
    assert old.get("/profile/").status_code == 200
    program = api_as(expert)
    assert program.get("/api/v1/projects/").status_code == 200
    path = link_create(actor=None, kind=LinkKind.RESET, user=expert)
    new = Client()
    assert new.post(path, {"password": "Green lamps at noon"}).status_code == 302
    assert new.get("/profile/").status_code == 200
    assert old.get("/profile/").status_code == 302
    assert program.get("/api/v1/projects/").status_code == 401
    expert.refresh_from_db()
    assert expert.check_password("Green lamps at noon")
    assert not ApiToken.objects.filter(user=expert).exists()


def test_a_reset_link_does_not_make_an_account_nor_an_invitation_a_password(project: Project, expert: User) -> None:
    reset = link_create(actor=None, kind=LinkKind.RESET, user=expert)
    people = User.objects.count()
    Client().post(reset, NEW)  # has a password too: it resets, and makes nobody
    assert User.objects.count() == people
    assert not User.objects.filter(email="new@example.org").exists()


def test_a_secret_is_stored_only_as_its_hash(project: Project) -> None:
    secret = invite(project).split("/")[2]
    link = OneTimeLink.objects.get()
    assert secret not in str(list(OneTimeLink.objects.values()))
    assert len(link.secret_hash) == 64
    assert secret not in str(list(Event.objects.values()))


def test_links_end_with_the_power_of_who_made_them(project: Project, admin: User, make_user: object) -> None:
    from core.services.people import membership_set, user_deactivate, user_set_admin

    second = make_user("Second", is_admin=True)
    membership_set(actor=admin, project=project, user=second, role=Role.OWNER)
    backdoor = link_create(actor=second, kind=LinkKind.INVITE, makes_admin=True)
    into = link_create(actor=second, kind=LinkKind.INVITE, project=project, role=Role.OWNER)
    membership_set(actor=admin, project=project, user=second, role=Role.VIEWER)
    assert (Client().get(into).status_code, Client().get(backdoor).status_code) == (410, 200)
    user_set_admin(actor=admin, user=second, is_admin=False)
    assert Client().get(backdoor).status_code == 410
    reset = link_create(actor=admin, kind=LinkKind.RESET, user=second)
    user_deactivate(actor=admin, user=second)
    assert Client().get(reset).status_code == 410


def test_the_log_never_holds_a_secret_and_keeps_the_trace_of_an_error(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = io.StringIO()
    console = next(one for one in logging.getLogger().handlers if any(isinstance(f, HideSecrets) for f in one.filters))
    monkeypatch.setattr(console, "stream", log)
    path = invite(project)
    Client().post(path, {**NEW, "password": "short"})  # a refusal is a line of Django's own
    Client().post(path, NEW)
    Client().get(path)
    with monkeypatch.context() as broken:
        broken.setattr("core.views.link.link_open", lambda secret: 1 / 0)
        Client(raise_request_exception=False).get(path)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert path.split("/")[2] not in log.getvalue()
    assert [line["code"] for line in lines if "code" in line] == [400, 302, 410, 500]
    (error,) = [line for line in lines if line["event"] == "Internal Server Error: /link/…/"]
    assert (error["level"], error["logger"]) == ("error", "django.request")
    assert "ZeroDivisionError: division by zero" in error["exception"]
    assert error["timestamp"]
