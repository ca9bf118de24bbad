"""The inbox of the person who is signed in, over all their projects."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import person, projects_for
from core.choices import NoticeKind
from core.selectors.inbox import notices_of, unread_by_kind
from core.selectors.keyset import keyset_page
from core.services.inbox import notices_read


@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """Newest first, a tab for each kind that there is."""
    user, projects = person(request), projects_for(request)
    kind = request.GET.get("kind", "")
    kind = kind if kind in NoticeKind.values else ""
    unread = unread_by_kind(user, projects)
    shown = [one for one in NoticeKind if one in unread or one == kind]
    tabs = [("", _("All"), sum(unread.values())), *((one.value, one.label, unread.get(one, 0)) for one in shown)]
    context = {
        "page": keyset_page(notices_of(user, projects, kind), request.GET.dict()),
        "kind": kind,
        "unread": sum(unread.values()),
        "tabs": [
            {"label": label, "url": f"?kind={value}", "active": value == kind, "count": count or ""}
            for value, label, count in tabs
        ],
    }
    return render(request, "core/inbox.html", context)


@require_POST
def notice_open(request: HttpRequest, notice: int) -> HttpResponse:
    """Mark a line as read and go where it leads."""
    user = person(request)
    found = get_object_or_404(notices_of(user, projects_for(request)), pk=notice)
    notices_read(user=user, ids=[found.pk])
    return redirect(found.url)


@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    notices_read(user=person(request), kind=request.POST.get("kind", ""))
    return redirect("inbox")
