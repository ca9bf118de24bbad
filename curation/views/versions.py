"""Looking at what is frozen."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import project_access
from core.choices import Need
from core.numbers import whole_number
from core.views.telling import refusal_told
from curation.access import version_access
from curation.choices import Difference
from curation.selectors.differences import older_version, version_difference
from curation.selectors.tasks import tasks_of
from curation.selectors.versions import version_page, version_rows, versions_of
from curation.services.verifying import version_verify


@require_GET
def versions(request: HttpRequest, project: str) -> HttpResponse:
    access = project_access(request, project)
    context = {
        "versions": versions_of(access.project),
        "rows": tasks_of(access.project),
        "may_own": access.allows(Need.OWN),
    }
    return render(request, "curation/versions.html", context)


@require_GET
def version_detail(request: HttpRequest, project: str, version: int) -> HttpResponse:
    access, found = version_access(request, project, version)
    part = request.GET.get("part", "")
    page = version_rows(found, part, whole_number(request.GET.get("start")) or 0)
    context = {
        **version_page(found, access.user),
        "page": page,
        "part": part,
        "may_own": access.allows(Need.OWN),
    }
    return render(request, "curation/version.html", context)


@require_GET
def changes(request: HttpRequest, project: str, version: int) -> HttpResponse:
    """What changed since another version of the task, the one before unless `?since=` names it."""
    _access, found = version_access(request, project, version)
    others = [
        other for other in versions_of(found.task.project) if other.task_id == found.task_id and other.pk != found.pk
    ]
    asked = request.GET.get("since", "")
    older = next((other for other in others if str(other.pk) == asked), None) if asked else older_version(found)
    if asked and older is None:
        raise Http404
    kind = request.GET.get("kind")
    place = whole_number(request.GET.get("start")) or 0
    kind = kind if kind in Difference.values else None
    difference = version_difference(older, found, kind=kind, start=place) if older else None
    context = {"version": found, "older": older, "others": others, "difference": difference}
    return render(request, "curation/version_changes.html", context)


@require_POST
def verify(request: HttpRequest, project: str, version: int) -> HttpResponse:
    """Compute the hash again from the stored texts; the page says what came of it, or how far the job is."""
    access, found = version_access(request, project, version, Need.OWN)
    with refusal_told(request):
        found = version_verify(actor=access.user, version=found)
        if found.verification is not None and found.verification.is_open:
            messages.info(request, _("This version is large: a job looks through it."))
        elif found.verified_same:
            messages.success(request, _("Verified: every text is exactly as it was frozen."))
        else:
            messages.error(request, _("The texts in the database differ from what was frozen. Restore a backup."))
    return redirect("curation:version-detail", project, version)
