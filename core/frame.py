"""The bar and the stations around every page.

They are the same for a person in a project until something that they show changes, and to draw them takes longer than
most pages need for themselves. So what is drawn is kept, by all that it depends on; what differs in each request, its
token and its address, is put in afterwards.
"""

import secrets
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from core import registries
from core.access import projects_listed
from core.choices import grants_of

MOST_KEPT = 512  # of some 9 kB each
ADMIN_PAGES = (
    ("people", _("All people")),
    ("jobs", _("All jobs")),
    ("audit", _("Audit log")),
    ("webhooks", _("Webhooks")),
)
# They stand in what is kept, where a request's own words go; nobody can write them into a name.
TOKEN, ADDRESS = (f"{name}-{secrets.token_hex(16)}" for name in ("token", "address"))


@dataclass(frozen=True)
class Place:
    """A project in the bar."""

    slug: str
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Frame:
    """All that the bar and the stations show; equal frames look the same."""

    language: str | None
    theme: str
    person: str = ""  # empty for nobody
    email: str = ""
    admin: bool = False
    unread: int = 0
    projects: tuple[Place, ...] = ()
    project: Place | None = None
    role: str = ""  # in the project
    lit: tuple[str, ...] = ()  # url names of the entries that are lit


def frame_html(request: HttpRequest | None, theme: str, project: Any, unread: int) -> SafeString:
    """The frame of this request's page; `project` is what the page is about, if anything."""
    user = getattr(request, "user", None)
    place = Place(project.slug, str(project)) if project else None
    if request is None or user is None or not user.is_authenticated:
        return SafeString(drawn(Frame(get_language(), theme, project=place)))
    access = getattr(request, "access", None)
    frame = Frame(
        language=get_language(),
        theme=theme,
        person=str(user),
        email=user.email,
        admin=user.is_admin,
        unread=unread,
        projects=tuple(Place(each.slug, str(each)) for each in projects_listed(request)),
        project=place,
        role=access.role if access else "",
        lit=lit(request.resolver_match.view_name if request.resolver_match else "", in_project=access is not None),
    )
    html = drawn(frame).replace(ADDRESS, escape(request.get_full_path())).replace(TOKEN, get_token(request))
    return SafeString(html)


def lit(view: str, *, in_project: bool) -> tuple[str, ...]:
    """The entries that this view belongs to. A job of a project is at home in that project's navigation, so that only
    one entry is lit."""
    if in_project:
        entries = registries.navigation
        return tuple(entry.url_name for entry in entries if view == entry.url_name or view.startswith(entry.active))
    return tuple(url for url, _label in ADMIN_PAGES if view.startswith(url))


@lru_cache(maxsize=MOST_KEPT)
def drawn(frame: Frame) -> str:
    context = {
        "frame": frame,
        "navigation": navigation(frame) if frame.role and frame.project else [],
        "admin_navigation": admin_navigation(frame) if frame.admin else [],
        "token": TOKEN,
        "address": ADDRESS,
    }
    return render_to_string("components/frame.html", context)


def navigation(frame: Frame) -> list[dict[str, Any]]:
    assert frame.project is not None
    grants = grants_of(frame.role)
    return [
        {
            "label": entry.label,
            "url": reverse(entry.url_name, args=[frame.project.slug]),
            "active": entry.url_name in frame.lit,
            "apart": entry.apart,
        }
        for entry in sorted(registries.navigation, key=lambda entry: entry.order)
        if entry.need in grants
    ]


def admin_navigation(frame: Frame) -> list[dict[str, Any]]:
    return [{"label": label, "url": reverse(url), "active": url in frame.lit} for url, label in ADMIN_PAGES]
