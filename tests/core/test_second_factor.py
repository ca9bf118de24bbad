"""A second factor whose phone and codes are lost: an admin takes it away, and on the machine the operator does."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client

from core.models import ApiToken, Event, Notice, OneTimeLink, Project, User
from tests.world import PASSWORD, api_client, sign_in

pytestmark = pytest.mark.django_db
SAID = {"reason": "Phone stolen, asked for at my desk", "sure": "on"}
REMOVED = "user.second_factor_removed"


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def browser(expert: User) -> Client:
    """Edda's, signed in before."""
    return log_in(expert)[0]


@pytest.fixture
def locked_out(expert: User, browser: Client) -> User:
    """Edda signs in with a second factor, and has lost phone and codes."""
    TOTP.activate(expert, generate_totp_secret())
    RecoveryCodes.activate(expert)
    return expert


def page_of(user: User) -> str:
    return f"/people/{user.pk}/second-factor/"


def proven(admin: User, path: str) -> Client:
    """A session of the admin that has just answered “Is it you?”."""
    client = sign_in(admin)
    asked = client.get(path)
    assert (asked.status_code, asked["Location"].split("?")[0]) == (302, "/accounts/reauthenticate/")
    assert client.post(asked["Location"], {"password": PASSWORD})["Location"] == path
    return client


def log_in(user: User) -> tuple[Client, str]:
    client = Client()
    return client, client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})["Location"]


def as_it_was(user: User) -> tuple[int, int, int, int]:
    counts = (Authenticator.objects.filter(user=user), ApiToken.objects.filter(user=user), Notice.objects)
    return (*(rows.count() for rows in counts), Event.objects.filter(action=REMOVED).count())  # type: ignore[return-value]


def test_an_admin_lets_a_person_in_who_lost_both_and_the_person_is_told(
    admin: User, locked_out: User, browser: Client
) -> None:
    assert log_in(locked_out)[1] == "/accounts/2fa/authenticate/"
    program = api_client(locked_out)
    assert (browser.get("/profile/").status_code, program.get("/api/v1/me/").status_code) == (200, 200)
    client = proven(admin, page_of(locked_out))
    assert page_of(locked_out) in client.get("/people/").content.decode()
    told = client.post(page_of(locked_out), SAID, follow=True).content.decode()
    assert "Edda signs in by password alone now" in told
    assert page_of(locked_out) not in told
    assert (browser.get("/profile/").status_code, program.get("/api/v1/me/").status_code) == (302, 401)
    event = Event.objects.get(action=REMOVED)
    assert (event.actor, event.object_id, event.summary) == (admin, str(locked_out.pk), SAID["reason"])
    back, place = log_in(locked_out)
    assert place == "/"
    assert "Your second factor was removed" in back.get("/profile/").content.decode()
    inbox = back.get("/inbox/").content.decode()
    assert all(words in inbox for words in ("Ada", "removed your second factor", SAID["reason"]))
    assert back.post(f"/inbox/{Notice.objects.get().pk}/open/")["Location"] == "/accounts/2fa/"
    assert "Your second factor was removed" not in back.get("/profile/").content.decode()


def test_what_was_typed_before_is_it_you_is_done_after_it(admin: User, locked_out: User) -> None:
    client = sign_in(admin)
    asked = client.post(page_of(locked_out), SAID)
    assert asked["Location"].startswith("/accounts/reauthenticate/")
    assert as_it_was(locked_out) == (2, 0, 0, 0)
    assert client.post(asked["Location"], {"password": "wrong"}).status_code == 200
    assert as_it_was(locked_out) == (2, 0, 0, 0)
    assert client.post(asked["Location"], {"password": PASSWORD})["Location"] == "/people/"
    assert as_it_was(locked_out) == (0, 0, 1, 1)


@pytest.mark.parametrize("missing", ["reason", "sure"])
def test_without_a_reason_or_a_confirmation_nothing_is_removed(admin: User, locked_out: User, missing: str) -> None:
    client = proven(admin, page_of(locked_out))
    refused = client.post(page_of(locked_out), {**SAID, missing: ""})
    assert (refused.status_code, missing in refused.context["form"].errors) == (400, True)
    assert as_it_was(locked_out) == (2, 0, 0, 0)


def test_nobody_removes_their_own_here_and_one_who_has_none_is_named(admin: User, expert: User) -> None:
    TOTP.activate(admin, generate_totp_secret())
    client = sign_in(admin)
    assert b"with a code; here another admin removes it" in client.post(page_of(admin), SAID, follow=True).content
    assert b"Edda has no second factor" in client.get(page_of(expert), follow=True).content
    api = api_client(admin).post(f"/api/v1/people/{admin.pk}/second-factor/remove/", {**SAID, "password": PASSWORD})
    assert api.status_code == 400
    assert as_it_was(admin) == (1, 1, 0, 0)


def test_nobody_but_an_admin_comes_to_the_page(owner: User, locked_out: User) -> None:
    for method in ("get", "post"):
        assert getattr(sign_in(owner), method)(page_of(locked_out), SAID).status_code == 404
    assert as_it_was(locked_out) == (2, 0, 0, 0)


def test_a_program_needs_the_admins_password_besides_the_token(admin: User, owner: User, locked_out: User) -> None:
    path = f"/api/v1/people/{locked_out.pk}/second-factor/remove/"
    said = {"reason": SAID["reason"], "password": PASSWORD}
    assert api_client(owner).post(path, said).status_code == 404
    client = api_client(admin)
    assert client.post(path, {**said, "reason": "  "}).status_code == 400
    wrong = [client.post(path, {**said, "password": "guess"}) for _ in range(11)]
    assert [answer.status_code for answer in wrong] == [400] * 10 + [429]
    assert as_it_was(locked_out) == (2, 0, 0, 0)
    cache.clear()
    assert client.post(path, said).json()["second_factor"] is False
    assert as_it_was(locked_out) == (0, 0, 1, 1)


def test_a_line_about_the_account_is_none_of_a_projects(
    admin: User, locked_out: User, project: Project, stranger: User
) -> None:
    path = page_of(locked_out)
    proven(admin, path).post(path, SAID)
    own, bound = api_client(locked_out), api_client(locked_out, project=project)
    (line,) = own.get("/api/v1/inbox/").json()["results"]
    assert (line["kind"], line["project"], line["text"]) == ("factor", None, SAID["reason"])
    assert bound.get("/api/v1/inbox/").json()["results"] == []
    assert api_client(stranger).get("/api/v1/inbox/").json()["results"] == []


@pytest.fixture
def rescue(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Any:
    """`manage.py rescue`; the database of the tests runs already."""
    monkeypatch.setattr("core.management.commands.rescue.database_running", lambda home, url: nullcontext())
    monkeypatch.setattr("core.management.commands.rescue.connection", SimpleNamespace(close=lambda: None))

    def run(email: str) -> str:
        call_command("rescue", email)
        return str(capsys.readouterr().out)

    return run


def test_the_operator_lets_the_only_admin_in_again(admin: User, rescue: Any) -> None:
    browser, program = log_in(admin)[0], api_client(admin)
    TOTP.activate(admin, generate_totp_secret())
    path = rescue(admin.email.upper()).splitlines()[-1]
    assert (browser.get("/profile/").status_code, program.get("/api/v1/me/").status_code) == (302, 401)
    client = Client()
    assert client.post(path, {"password": "Green lamps at noon"})["Location"] == "/"
    assert client.get("/people/").status_code == 200
    assert "removed on the machine" in client.get("/inbox/").content.decode()
    event = Event.objects.get(action=REMOVED)
    assert (event.actor, event.object_id) == (None, str(admin.pk))
    assert Client().get(path).status_code == 410


def test_who_lost_only_the_password_keeps_everything_else_until_the_link_is_used(admin: User, rescue: Any) -> None:
    program = api_client(admin)
    said = rescue(admin.email)
    assert "second factor" not in said
    assert program.get("/api/v1/me/").status_code == 200
    assert OneTimeLink.objects.get().user == admin


def test_an_unknown_and_a_deactivated_address_are_told_what_to_do(admin: User, expert: User, rescue: Any) -> None:
    with pytest.raises(SystemExit, match=r"Nobody here has the address x@example\.org\. Admins: ada@example\.org\."):
        rescue("x@example.org")
    User.objects.filter(pk=expert.pk).update(is_active=False)
    with pytest.raises(SystemExit, match="is deactivated"):
        rescue(expert.email)
    assert not OneTimeLink.objects.exists()
