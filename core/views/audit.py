"""Who did what and when. Append-only in the database; here it is read."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.access import project_access, require_admin
from core.choices import Need
from core.models import Project
from core.selectors.events import events_filtered, events_of
from core.selectors.keyset import keyset_page

FILTERS = ("action", "who", "object")


@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    require_admin(request)
    return page(request, None)


@require_GET
def project_audit(request: HttpRequest, project: str) -> HttpResponse:
    access = project_access(request, project, Need.OWN)
    return page(request, access.project)


def page(request: HttpRequest, project: Project | None) -> HttpResponse:
    query = request.GET.dict()
    events = keyset_page(events_filtered(events_of(project), query), query)
    chosen = {name: query.get(name, "") for name in FILTERS}
    context = {"page": events, "chosen": chosen, "filtered": any(chosen.values()), "in_project": project is not None}
    return render(request, "core/audit.html", context)
