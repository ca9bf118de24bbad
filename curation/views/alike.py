"""More like this, by meaning."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.choices import Need
from curation.access import pair_access
from curation.selectors.alike import pairs_alike


@require_GET
def alike(request: HttpRequest, project: str, pair: int) -> HttpResponse:
    access, found = pair_access(request, project, pair)
    context = {"pair": found, "task": found.task, "alike": pairs_alike(found), "may_write": access.allows(Need.WRITE)}
    return render(request, "curation/alike.html", context)
