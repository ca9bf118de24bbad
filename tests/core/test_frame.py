"""The bar and the stations: kept once drawn, yet always those of this person, in this project, at this address."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from core.frame import drawn
from core.models import Membership, Notice, Project, User

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
STATIONS = re.compile(r'<nav class="stations".*?</nav>', re.DOTALL)
BAR = re.compile(r'<header class="topbar">.*?</header>', re.DOTALL)


def html(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def test_what_was_drawn_for_one_is_not_shown_to_another(
    as_user: AsUser, owner: User, viewer: User, project: Project
) -> None:
    at = f"/p/{project.slug}/"
    drawn.cache_clear()
    for _twice in range(2):
        for person, other in ((owner, viewer), (viewer, owner)):
            page = html(as_user(person), at)
            assert person.email in BAR.findall(page)[0]
            assert other.email not in page
            assert (f"{at}settings/" in STATIONS.findall(page)[0]) == (person == owner), "stations by role"
    assert drawn.cache_info().misses == 2
    assert drawn.cache_info().hits == 2


def test_what_changes_is_shown_at_once(as_user: AsUser, owner: User, viewer: User, project: Project) -> None:
    client, at = as_user(viewer), f"/p/{project.slug}/"
    assert 'class="count"' not in BAR.findall(html(client, at))[0]
    Notice.objects.create(user=viewer, kind="mentioned", project=project, subject_type="pair", subject_id=1)
    assert '<span class="count">1</span>' in BAR.findall(html(client, at))[0]
    Project.objects.filter(pk=project.pk).update(name="Another name")
    User.objects.filter(pk=viewer.pk).update(name="Vera Later")
    bar = BAR.findall(html(client, at))[0]
    assert "Another name" in bar
    assert "Menu of Vera Later" in bar
    Membership.objects.filter(user=viewer).update(role="owner")
    assert f"{at}settings/" in STATIONS.findall(html(client, at))[0]
    client.cookies["theme"] = "dark"
    assert 'value="dark" aria-pressed="true"' in BAR.findall(html(client, at))[0]


def test_token_and_address_are_those_of_the_request(as_user: AsUser, viewer: User, project: Project) -> None:
    client = as_user(viewer)
    client.handler.enforce_csrf_checks = True
    at = f'/p/{project.slug}/?q="><b>'
    html(client, f"/p/{project.slug}/")
    bar = BAR.findall(html(client, at))[0]
    assert f'name="next" value="/p/{project.slug}/?q=%22%3E%3Cb%3E"' in bar
    tokens = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', bar)
    assert len(tokens) == 2
    again = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', html(client, at))
    assert tokens[0] not in again, "masked anew"
    sent = {"theme": "dark", "next": f"/p/{project.slug}/"}
    assert client.post("/theme/", {**sent, "csrfmiddlewaretoken": "worn"}).status_code == 403
    assert client.post("/theme/", {**sent, "csrfmiddlewaretoken": tokens[0]}).status_code == 302


def test_a_station_is_lit_on_its_own_pages_alone(as_user: AsUser, owner: User, admin: User, project: Project) -> None:
    at = f"/p/{project.slug}/"
    for path in (f"{at}pairs/", f"{at}jobs/", at):
        lit = re.findall(r'<a href="([^"]+)" aria-current="page"', STATIONS.findall(html(as_user(owner), path))[0])
        assert lit == [path]
    bar = BAR.findall(html(as_user(admin), "/jobs/"))[0]
    assert re.findall(r'class="menu-item" href="([^"]+)" aria-current="page"', bar) == ["/jobs/"]
    assert 'aria-current="page"' not in BAR.findall(html(as_user(admin), f"{at}jobs/"))[0].split("admin-menu")[1]
