from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.access import person, project_access, projects_for
from home.selectors.guide import guide_steps
from home.selectors.overview import overview_of
from home.selectors.projects import project_cards


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The projects a person belongs to, each with its loop's numbers and what to do next."""
    user = person(request)
    return render(request, "home/index.html", {"cards": project_cards(projects_for(request), user)})


@require_GET
def project_home(request: HttpRequest, project: str) -> HttpResponse:
    """The loop of one project as a picture, with the best thing to do now for this person."""
    access = project_access(request, project)
    return render(request, "home/project.html", overview_of(access))


@require_GET
def guide(request: HttpRequest) -> HttpResponse:
    """How it works, in five steps and plain words."""
    return render(request, "home/guide.html", {"steps": guide_steps()})
