from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core.access import Access
from core.selectors.health import Notice, notices
from core.selectors.inbox import inbox_unread

THEMES = ("auto", "light", "dark")


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
        "notices": notices(user),
        "account_notice": factor_removed() if unread.second_factor else None,
        "unread": unread.count,
    }


def factor_removed() -> Notice:
    """Stands on every page until the person has read who did it and why."""
    text = _("Your second factor was removed: a password alone lets you in now. Your inbox says by whom and why.")
    return Notice("warn", text, reverse("inbox"), _("Open the inbox"))
