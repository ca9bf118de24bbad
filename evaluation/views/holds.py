"""What a person holds to judge has a page of its own, so that it can be loaded before it is wanted."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from core.access import project_access
from core.choices import AssignmentState, Need, WorkKind, WorkState
from core.numbers import whole_numbers
from core.services.work import work_release, work_renew, work_renew_all
from curation.views.ahead import items_ahead
from evaluation.access import hold_access
from evaluation.choices import RoundKind
from evaluation.views.grading import grade_page
from evaluation.views.votes import vote_page


@require_GET
@never_cache
def hold(request: HttpRequest, project: str, assignment: int) -> HttpResponse:
    access, found, held = hold_access(request, project, assignment)
    if held.state != AssignmentState.CLAIMED or held.item.state != WorkState.OPEN:
        messages.info(request, _("This is judged or went to somebody else."))
        return redirect("evaluation:round-detail", project, found.pk)
    page = vote_page if found.kind == RoundKind.VOTES else grade_page
    return page(request, found, access.allows(Need.OWN), held=work_renew(assignment=held))


@require_POST
def ahead(request: HttpRequest, project: str, assignment: int) -> JsonResponse:
    """Claim the next ones and say where they are (JSON)."""
    access, _found, held = hold_access(request, project, assignment)
    return JsonResponse({"items": items_ahead(access, held, "evaluation:grade-hold")})


@require_POST
def renew(request: HttpRequest, project: str, assignment: int) -> HttpResponse:
    """The heartbeat of an open page, for all that its person holds of this kind."""
    access, _found, held = hold_access(request, project, assignment)
    alive = work_renew_all(user=access.user, project=access.project, kind=WorkKind(held.item.kind))
    return HttpResponse(status=204 if alive else 410)


@require_POST
def release(request: HttpRequest, project: str) -> HttpResponse:
    """Give back what was claimed ahead: `assignment`, as often as needed."""
    access = project_access(request, project, Need.GRADE)
    work_release(user=access.user, assignments=whole_numbers(request.POST.getlist("assignment")[:50]))
    return HttpResponse(status=204)
