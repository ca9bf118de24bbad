"""allauth as configured here: nobody signs up, guessing is slowed, a second factor is asked for."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache
from django.test import Client

from core.choices import LinkKind
from core.models import Project, User
from core.services.invitations import link_create
from tests.world import PASSWORD

pytestmark = pytest.mark.django_db
WRONG = {"password": "not the password"}


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    cache.clear()


def code_for(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def with_totp(user: User) -> str:
    """Activate a second factor as the person would, and return its secret."""
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    page = client.get("/accounts/2fa/totp/activate/")
    if page.status_code == 302:
        client.post(page["Location"], {"password": PASSWORD})
        page = client.get("/accounts/2fa/totp/activate/")
    secret = page.context["form"].secret
    client.post("/accounts/2fa/totp/activate/", {"code": code_for(secret)})
    assert Authenticator.objects.filter(user=user, type="totp").exists()
    cache.clear()  # a code works once; tests cannot wait for the next one
    return secret


def test_nobody_signs_up_by_themselves(db: None) -> None:
    page = Client().get("/accounts/signup/")
    assert page.status_code == 200
    assert b"invitation" in page.content.lower()
    assert b"<input" not in re.sub(rb'<input type="hidden"[^>]*>', b"", page.content)
    Client().post("/accounts/signup/", {"email": "x@example.org", "password1": "Green lamps at noon"})
    assert not User.objects.exists()


def test_a_person_logs_in_by_address_in_any_case_and_out(expert: User) -> None:
    client = Client()
    client.post("/accounts/login/", {"login": expert.email.upper(), "password": PASSWORD})
    assert client.get("/profile/").status_code == 200
    client.post("/accounts/logout/")
    assert client.get("/profile/").status_code == 302


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(expert: User) -> None:
    answers = [
        Client().post("/accounts/login/", {"login": login, **WRONG}).context["form"].non_field_errors()
        for login in (expert.email, "nobody@example.org")
    ]
    assert answers[0] == answers[1]
    assert len(answers[0]) == 1


def test_guessing_is_stopped_even_for_the_right_password_and_without_redis(expert: User, settings: object) -> None:
    settings.REDIS_URL = "redis+socket:///nowhere/redis.sock"
    for _ in range(5):
        Client().post("/accounts/login/", {"login": expert.email, **WRONG})
    stopped = Client().post("/accounts/login/", {"login": expert.email, "password": PASSWORD})
    assert stopped.status_code == 200
    assert stopped.wsgi_request.user.is_anonymous
    assert b"Too many failed login attempts" in stopped.content


def test_a_second_factor_is_asked_for_at_log_in(expert: User) -> None:
    secret = with_totp(expert)
    client = Client()
    asked = client.post("/accounts/login/", {"login": expert.email, "password": PASSWORD})
    assert asked["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/profile/").status_code == 302
    client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert client.get("/profile/").status_code == 302
    client.post("/accounts/2fa/authenticate/", {"code": code_for(secret)})
    assert client.get("/profile/").status_code == 200


def test_a_reset_link_does_not_go_around_the_second_factor(expert: User) -> None:
    with_totp(expert)
    path = link_create(actor=None, kind=LinkKind.RESET, user=expert)
    client = Client()
    asked = client.post(path, {"password": "Green lamps at noon"})
    assert asked["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/profile/").status_code == 302


def test_a_person_sees_and_ends_their_other_sessions(expert: User, project: Project) -> None:
    here, there = Client(), Client()
    for client in (here, there):
        client.post("/accounts/login/", {"login": expert.email, "password": PASSWORD})
    assert here.get("/accounts/sessions/").status_code == 200
    here.post("/accounts/sessions/")
    assert (here.get("/profile/").status_code, there.get("/profile/").status_code) == (200, 302)


def test_changing_the_password_needs_the_old_one(expert: User) -> None:
    client = Client()
    client.post("/accounts/login/", {"login": expert.email, "password": PASSWORD})
    new = "Green lamps at noon"
    client.post("/accounts/password/change/", {"oldpassword": "wrong", "password1": new, "password2": new})
    assert User.objects.get(pk=expert.pk).check_password(PASSWORD)
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert User.objects.get(pk=expert.pk).check_password(new)
