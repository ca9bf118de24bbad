"""`manage.py shots`: a picture of every main page, as each role, at two widths, light and dark, of a running server."""

import os
import shutil
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.management.base import BaseCommand, CommandError
from playwright.sync_api import Browser, Page, sync_playwright

from core import registries
from core.choices import Role
from core.models import Membership, Project, User

WIDTHS = (1440, 360)
THEMES = ("light", "dark")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-quic",
]  # fmt: skip
ADMIN = "admin"
Shot = tuple[str, str, str]


class Command(BaseCommand):
    help = "Take pictures of the main pages of the running server into HOME/shots."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default=f"http://127.0.0.1:{settings.PORT}", help="where the server answers")
        parser.add_argument("--only", default="", help="only shots whose name begins with this")

    def handle(self, *args: Any, **options: Any) -> None:
        """1. a session for each role. 2. every page in every width and theme. 3. the sessions end again."""
        wanted = [shot for find in registries.shots for shot in find() if shot[0].startswith(options["only"])]
        folder = Path(settings.HOME) / "shots"
        folder.mkdir(parents=True, exist_ok=True)
        with sessions({role for _name, _path, role in wanted if role}) as keys:
            troubles = take_all(options["url"].rstrip("/"), wanted, keys, folder)
        count = len(wanted) * len(WIDTHS) * len(THEMES)
        self.stdout.write(f"{count} pictures are in {folder}.")
        if troubles:
            raise CommandError("Some pages had trouble:\n" + "\n".join(sorted(troubles)))


@contextmanager
def sessions(roles: set[str]) -> Iterator[dict[str, str]]:
    """A session key for a person of each role, in the database only while the pictures are taken."""
    made: list[User] = []
    stores = {}
    for role in roles:
        user = person_of(role, made)
        store = SessionStore()
        store[SESSION_KEY] = str(user.pk)
        store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        store[HASH_SESSION_KEY] = user.get_session_auth_hash()
        store.create()
        stores[role] = store
    try:
        yield {role: str(store.session_key) for role, store in stores.items()}
    finally:
        for store in stores.values():
            store.delete()
        User.objects.filter(pk__in=[user.pk for user in made]).update(is_active=False, is_superuser=False)
        Membership.objects.filter(user__in=made).delete()


def person_of(role: str, made: list[User]) -> User:
    """Somebody who has the role in the shown project; where nobody has, a person kept deactivated between runs."""
    project = Project.objects.order_by("-is_demo", "pk").first()
    active = User.objects.filter(is_active=True)
    if role == ADMIN:
        found = active.filter(is_superuser=True).first()
    else:
        found = active.filter(is_superuser=False, memberships__project=project, memberships__role=role).first()
    if found is not None:
        return found
    if project is None and role != ADMIN:
        raise CommandError("There is no project yet; make one, or install the demo, then take the pictures.")
    user, _created = User.objects.get_or_create(
        email=f"{role}@pictures.invalid", defaults={"name": f"{role.title()} of the pictures"}
    )
    User.objects.filter(pk=user.pk).update(is_active=True, is_superuser=role == ADMIN)
    user.refresh_from_db()
    if project is not None and role in Role.values:
        Membership.objects.update_or_create(project=project, user=user, defaults={"role": role})
    made.append(user)
    return user


def browser_path() -> str:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise CommandError("No Chromium was found; install it, or name it in CHROMIUM.")
    return found


def take_all(url: str, wanted: list[Shot], keys: dict[str, str], folder: Path) -> set[str]:
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    troubles: set[str] = set()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=flags)
        for width in WIDTHS:
            for theme in THEMES:
                for role in sorted({role for _name, _path, role in wanted}):
                    shots = [shot for shot in wanted if shot[2] == role]
                    troubles |= take(browser, url, shots, keys.get(role, ""), width, theme, folder)
        browser.close()
    return troubles


def take(browser: Browser, url: str, shots: list[Shot], key: str, width: int, theme: str, folder: Path) -> set[str]:
    """The pictures of one person at one width in one theme; what the browser complained about."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, locale="en")  # type: ignore[arg-type]
    context.add_cookies([{"name": "theme", "value": theme, "url": url}])
    if key:
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": url}])
    page = context.new_page()
    said: Counter[str] = Counter()
    page.on("console", lambda line: said.update([line.text]) if line.type == "error" else None)
    page.on("pageerror", lambda error: said.update([str(error)]))
    troubles = set()
    for name, path, _role in shots:
        said.clear()
        troubles |= {f"{name} ({path}): {text}" for text in visit(page, url + path)}
        troubles |= {f"{name} ({path}): {text}" for text in said}
        page.screenshot(path=folder / f"{name}-{width}-{theme}.png", full_page=True)
    context.close()
    return troubles


def visit(page: Page, address: str) -> list[str]:
    """Open the page and wait until it is drawn. Pages that poll are never idle, so idleness is not waited for."""
    response = page.goto(address, wait_until="load", timeout=30_000)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found = [] if response and response.ok else [f"status {response.status if response else 'none'}"]
    return [*found, *([f"{wide} px wider than the screen"] if wide > 0 else [])]
