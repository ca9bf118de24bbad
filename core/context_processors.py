from functools import lru_cache
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core import registries
from core.access import Access, projects_listed
from core.selectors.health import Notice, notices
from core.selectors.inbox import inbox_unread

THEMES = ("auto", "light", "dark")
ADMIN_PAGES = (
    ("people", _("All people")),
    ("jobs", _("All jobs")),
    ("audit", _("Audit log")),
    ("webhooks", _("Webhooks")),
)


def page(request: HttpRequest) -> dict[str, Any]:
    """What base.html draws around every page. Views set `request.access`; pages outside a project have none."""
    theme = request.COOKIES.get("theme", "auto")
    context: dict[str, Any] = {"theme": theme if theme in THEMES else "auto"}
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return context
    access: Access | None = getattr(request, "access", None)
    unread = inbox_unread(user)
    return {
        **context,
        "project": access.project if access else None,
        "access": access,
        "projects": projects_listed(request),
        "navigation": navigation(request, access) if access else [],
        "admin_navigation": admin_navigation(request, in_project=access is not None) if user.is_admin else [],
        "notices": notices(user),
        "account_notice": factor_removed() if unread.second_factor else None,
        "inbox": {"url": reverse("inbox"), "count": unread.count},
    }


def factor_removed() -> Notice:
    """Stands on every page until the person has read who did it and why."""
    text = _("Your second factor was removed: a password alone lets you in now. Your inbox says by whom and why.")
    return Notice("warn", text, reverse("inbox"), _("Open the inbox"))


def navigation(request: HttpRequest, access: Access) -> list[dict[str, Any]]:
    name = request.resolver_match.view_name if request.resolver_match else ""
    return [
        {
            "label": entry.label,
            "url": station_url(entry.url_name, access.project.slug),
            "active": name == entry.url_name or name.startswith(entry.active),
            "apart": entry.apart,
        }
        for entry in sorted(registries.navigation, key=lambda entry: entry.order)
        if access.allows(entry.need)
    ]


@lru_cache(maxsize=4_096)
def station_url(name: str, project: str) -> str:
    """Every page links to a dozen of them."""
    return reverse(name, args=[project])


def admin_navigation(request: HttpRequest, *, in_project: bool) -> list[dict[str, Any]]:
    """A job of a project is at home in that project's navigation, so that only one entry is lit."""
    name = request.resolver_match.view_name if request.resolver_match else ""
    return [
        {"label": label, "url": reverse(url), "active": name.startswith(url) and not in_project}
        for url, label in ADMIN_PAGES
    ]
