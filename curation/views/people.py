"""What the people of a project did. Owners see everybody, everyone else sees themselves."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import project_access, require_admin
from core.choices import Need
from core.services.projects import speeds_set
from core.views.telling import refusal_told
from curation.selectors.people import people_of, weeks_chart


@require_GET
def people(request: HttpRequest, project: str) -> HttpResponse:
    access = project_access(request, project)
    everybody = access.allows(Need.OWN)
    rows = people_of(access.project, access.user, everybody=everybody)
    context = {
        "rows": rows, "everybody": everybody, "chart": weeks_chart(rows), "speeds": access.project.speeds_since,
        "own": next((row for row in rows if row.user.pk == access.user.pk), None),
    }  # fmt: skip
    return render(request, "curation/people.html", context)


@require_POST
def speeds(request: HttpRequest, project: str) -> HttpResponse:
    """An admin turns the measuring of times on or off."""
    actor = require_admin(request)
    access = project_access(request, project)
    on = request.POST.get("on") == "yes"
    done = _("Times are measured from now on. Everybody finds it in their inbox.")
    with refusal_told(request, done if on else _("Times of others are not shown any more. Everybody is told.")):
        speeds_set(actor=actor, project=access.project, on=on)
    return redirect("curation:people", project)
