from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.access import project_access
from home.selectors.lineage import lineage_page, subject_of


@require_GET
def detail(request: HttpRequest, project: str, kind: str, number: int) -> HttpResponse:
    """Where an object comes from and what came of it, as far as the records go."""
    access = project_access(request, project)
    subject = subject_of(access.project, kind, number)
    if subject is None:
        raise Http404
    return render(request, "home/lineage.html", lineage_page(kind, subject))
