"""The theme switch keeps its choice in a cookie, also without script."""

from collections.abc import Callable

from django.test import Client

from core.models import User

AsUser = Callable[[User], Client]


def test_the_chosen_theme_is_drawn_from_the_next_page_on(viewer: User, as_user: AsUser) -> None:
    client = as_user(viewer)
    answer = client.post("/theme/", {"theme": "dark", "next": "/profile/"})
    assert answer.status_code == 302
    assert answer["Location"] == "/profile/"
    assert client.cookies["theme"].value == "dark"
    assert client.cookies["theme"]["httponly"]
    assert b'data-theme="dark"' in client.get("/profile/").content


def test_an_unknown_theme_changes_nothing(viewer: User, as_user: AsUser) -> None:
    client = as_user(viewer)
    client.post("/theme/", {"theme": '"><script>', "next": "/profile/"})
    assert "theme" not in client.cookies


def test_the_way_back_never_leaves_this_site(viewer: User, as_user: AsUser) -> None:
    answer = as_user(viewer).post("/theme/", {"theme": "light", "next": "https://elsewhere.example/"})
    assert answer["Location"] == "/"


def test_a_theme_is_not_changed_by_a_link(viewer: User, as_user: AsUser) -> None:
    assert as_user(viewer).get("/theme/").status_code == 405
