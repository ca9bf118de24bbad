"""A person's own page and their API tokens."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from core.models import ApiToken, Event, Project, User

pytestmark = pytest.mark.django_db


def program(plain: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {plain}")
    return client


def test_name_and_keys_are_saved(expert: User, as_user: object) -> None:
    as_user(expert).post("/profile/", {"name": "Edda the Second", "mails": "all"})
    expert.refresh_from_db()
    assert (expert.name, expert.single_keys) == ("Edda the Second", False)
    assert as_user(expert).post("/profile/", {"name": ""}).status_code == 400


def test_a_token_is_shown_once_and_stored_as_a_hash(expert: User, as_user: object) -> None:
    client = as_user(expert)
    shown = client.post("/profile/tokens/new/", {"token-name": "export", "token-days": "30"})
    plain = shown.context["plain"]
    assert plain.encode() in shown.content
    assert "no-store" in shown["Cache-Control"]
    assert plain.encode() not in client.get("/profile/").content
    assert plain not in str(list(ApiToken.objects.values())) + str(list(Event.objects.values()))
    assert program(plain).get("/api/v1/projects/").status_code == 200


def test_a_token_of_one_project_reading_only_does_nothing_else(
    project: Project, owner: User, stranger: User, as_user: object
) -> None:
    data = {"token-name": "x", "token-days": "1", "token-project": project.pk}
    reader = program(as_user(owner).post("/profile/tokens/new/", data).context["plain"])
    assert [row["slug"] for row in reader.get("/api/v1/projects/").json()["results"]] == [project.slug]
    refused = reader.patch(f"/api/v1/projects/{project.slug}/", {"name": "Changed"}, format="json")
    assert (refused.status_code, refused.json()["detail"]) == (
        403,
        "This token may only read. Make one that may write in your profile.",
    )
    assert Project.objects.get(pk=project.pk).name == "Building advice"


def test_a_project_that_is_not_mine_cannot_be_the_scope(expert: User, stranger: User, as_user: object) -> None:
    elsewhere = Project.objects.get(name="Elsewhere")
    data = {"token-name": "x", "token-days": "1", "token-project": elsewhere.pk}
    assert as_user(expert).post("/profile/tokens/new/", data).status_code == 400
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("days", ["0", "366", "-1", "soon", ""])
def test_a_token_ends_within_a_year(days: str, expert: User, as_user: object) -> None:
    response = as_user(expert).post("/profile/tokens/new/", {"token-name": "x", "token-days": days})
    assert response.status_code == 400
    assert not ApiToken.objects.exists()


def test_a_token_that_expired_or_was_revoked_is_refused(expert: User, as_user: object) -> None:
    client = as_user(expert)
    plain = client.post("/profile/tokens/new/", {"token-name": "x", "token-days": "1"}).context["plain"]
    token = ApiToken.objects.get()
    client.post(f"/profile/tokens/{token.token_key}/revoke/")
    assert program(plain).get("/api/v1/projects/").status_code == 401
    plain = client.post("/profile/tokens/new/", {"token-name": "y", "token-days": "1"}).context["plain"]
    ApiToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert program(plain).get("/api/v1/projects/").status_code == 401


def test_nobody_revokes_another_persons_token(expert: User, owner: User, as_user: object) -> None:
    as_user(expert).post("/profile/tokens/new/", {"token-name": "x", "token-days": "1"})
    token = ApiToken.objects.get()
    assert as_user(owner).post(f"/profile/tokens/{token.token_key}/revoke/").status_code == 404
    assert ApiToken.objects.filter(pk=token.pk).exists()


def test_a_token_cannot_make_tokens_or_open_pages(expert: User, api_as: object) -> None:
    client = api_as(expert)
    assert client.post("/profile/tokens/new/", {"token-name": "x", "token-days": "1"}).status_code == 302
    assert client.get("/profile/").status_code == 302
    assert ApiToken.objects.count() == 1
