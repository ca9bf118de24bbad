"""Every URL, every role: who is let in, who is sent to sign in, who learns nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from rest_framework.test import APIClient

from core.choices import ROLE_GRANTS, Role
from core.models import User
from core.services.people import user_create
from core.services.projects import project_create
from tests.architecture.bodies import MULTIPART, body, query
from tests.architecture.estate import Estate, build_estate
from tests.architecture.matrix import ROWS
from tests.world import PASSWORD, api_client, join, sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

# Who has the thing, and what the others lack who learn nothing of it.
HOLDERS = {
    "self": ("owner", "own"),
    "holder": ("reviewer", "review"),
    "grader": ("reviewer", "grade"),
    "writer": ("expert", "write"),
    "chooser": ("owner", "own"),
}
HELD = {"held": "reviewer", "held by an expert": "expert", "held by an owner": "owner"}
READING = {
    "api-embeddings",
    "api-completions",
    "api-next-tokens",
    "api-look",
    "api-similar",
    "api-seen",
}  # asked by POST
THEIRS = ("account_", "mfa_", "usersessions_")  # pages of allauth, which has tests of its own


def our_urls(
    patterns: list[URLPattern | URLResolver], space: str = "", before: tuple[str, ...] = ()
) -> Iterator[tuple[str, list[str]]]:
    """Each URL's name with the names of its parameters."""
    for entry in patterns:
        known = (*before, *entry.pattern.converters)
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from our_urls(entry.url_patterns, inner, known)
        elif entry.name and not entry.name.startswith(THEIRS):
            yield f"{space}{entry.name}", list(known)


@pytest.fixture(scope="module")
def estate(django_db_setup: None, django_db_blocker: Any) -> Iterator[Estate]:
    """One world for all rows; each request's effects are rolled back, and so is the world."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield build_estate(settle_people())
        transaction.set_rollback(True)


def settle_people() -> dict[str, User]:
    """A member of each role in one project, an admin, and a stranger who owns another project."""
    people = {
        role: user_create(
            actor=None, email=f"{role}@example.org", name=role, password=PASSWORD, is_admin=role == "admin"
        )
        for role in ("owner", "expert", "reviewer", "viewer", "stranger", "admin")
    }
    project = project_create(actor=people["owner"], name="Building advice")
    for role in ("expert", "reviewer", "viewer"):
        join(project, people[role], Role(role))
    project_create(actor=people["stranger"], name="Elsewhere")
    return people


@pytest.fixture(scope="module")
def clients(estate: Estate) -> dict[tuple[str, bool], Client | APIClient]:
    """A session and an API token for each person, by (role, whether for the API)."""
    found: dict[tuple[str, bool], Client | APIClient] = {}
    found["anonymous", False], found["anonymous", True] = Client(), APIClient()
    for role, user in estate.people.items():
        found[role, False], found[role, True] = sign_in(user), api_client(user)
    return found


def test_every_url_stands_in_the_table() -> None:
    found = {name for name, _ in our_urls(get_resolver().url_patterns)}
    assert found - set(ROWS) == set(), "these have no row yet"
    assert set(ROWS) - found == set(), "these rows have no URL any more"


def address(name: str, estate: Estate) -> str:
    arguments = {parameter: estate.value(name, parameter) for parameter in parameters(name)}
    url = reverse(name, kwargs=arguments)
    return f"{url}?{query(name, estate)}" if "/api/" in url and "project" not in arguments else url


def parameters(name: str) -> list[str]:
    return dict(our_urls(get_resolver().url_patterns))[name]


def rules(name: str) -> list[tuple[str, str]]:
    """(method, need) of a URL, one for each method."""
    row = ROWS[name]
    parts = [row] if isinstance(row, tuple) else row
    return [(method, need) for methods, need in parts for method in methods.split()]


def expected(need: str, role: str) -> str:
    """let in, sign in, hidden (404) or refused (403)."""
    if need == "open":
        return "let in"
    if role == "anonymous":
        return "sign in"
    if need in HELD:
        return "let in" if role == HELD[need] else "hidden"
    if need in HOLDERS and (
        role == HOLDERS[need][0] or role == "admin" or HOLDERS[need][1] in ROLE_GRANTS.get(role, ())
    ):
        return "let in" if role == HOLDERS[need][0] else "hidden"
    if need == "login" or role == "admin":
        return "let in"
    if need in {"self", "admin"} or role == "stranger":
        return "hidden"
    wanted = {HOLDERS[need][1]} if need in HOLDERS else set(need.split("|"))
    return "let in" if wanted & ROLE_GRANTS[Role(role)] else "refused"


def outcome(status: int, location: str) -> str:
    if status == 401 or (status == 302 and location.startswith("/accounts/login/")):
        return "sign in"
    return {404: "hidden", 403: "refused"}.get(
        status, "let in" if status < 500 or status == 503 else f"broken ({status})"
    )


def answer(
    client: Client | APIClient, method: str, url: str, name: str = "", estate: Estate | None = None
) -> tuple[int, str]:
    """The answer to one request whose effects are rolled back, so that the next role finds the same world."""
    with transaction.atomic():
        extra: dict[str, Any] = {}
        if isinstance(client, APIClient) and method != "GET" and estate is not None:
            extra = {"data": body(name, estate), "format": "multipart" if name in MULTIPART else "json"}
        response = getattr(client, method.lower())(url, **extra)
        if response.streaming:
            b"".join(response.streaming_content)
        transaction.set_rollback(True)
    return response.status_code, response.headers.get("Location", "")


@pytest.mark.parametrize("name", sorted(ROWS))
def test_each_role_gets_what_the_table_says(
    name: str, estate: Estate, clients: dict[tuple[str, bool], Client | APIClient]
) -> None:
    url = address(name, estate)
    api = url.startswith("/api/v1/")
    wrong = []
    for role in ("anonymous", *estate.people):
        for method, need in rules(name):
            status, location = answer(clients[role, api], method, url, name, estate)
            wanted = expected(need, role)
            if outcome(status, location) != wanted and not (api and listing(name, need, role, status)):
                wrong.append(f"{method} {url} as {role}: {status} {location}, expected {wanted}")
    assert wrong == [], "\n".join(wrong)


def listing(name: str, need: str, role: str, status: int) -> bool:
    """A list narrowed by a project that the role may not see is empty rather than hidden."""
    return need in {"view", "own"} and role == "stranger" and status == 200 and not parameters(name)


def test_a_token_bound_to_another_project_learns_nothing(estate: Estate) -> None:
    client = api_client(estate.people["admin"], project=estate.elsewhere)
    let_in = []
    for name in ROWS:
        url = address(name, estate)
        for method, need in rules(name):
            if not url.startswith("/api/v1/") or need in {"open", "login"} or listing(name, need, "stranger", 200):
                continue
            status, _ = answer(client, method, url, name, estate)
            if status not in {403, 404}:
                let_in.append(f"{method} {url}: {status}")
    assert let_in == [], "\n".join(let_in)


def test_a_token_that_may_read_changes_nothing(estate: Estate) -> None:
    client = api_client(estate.people["owner"], may_write=False)
    let_in = []
    for name in ROWS:
        url = address(name, estate)
        for method, _need in rules(name):
            if not url.startswith("/api/v1/") or method == "GET" or name in READING:
                continue
            status, _ = answer(client, method, url, name, estate)
            if status not in {403, 404}:
                let_in.append(f"{method} {url}: {status}")
    assert let_in == [], "\n".join(let_in)
