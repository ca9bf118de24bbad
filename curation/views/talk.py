"""The thread of a pair."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.models import Thread
from core.services.threads import comment_add, thread_settle
from core.views.telling import refusal_told
from curation.access import talk_access
from curation.services.pairs import SUBJECT, pair_address


@require_POST
def comment(request: HttpRequest, project: str, pair: int) -> HttpResponse:
    access, found = talk_access(request, project, pair)
    with refusal_told(request, _("Said.")):
        comment_add(
            actor=access.user, project=access.project, subject=(SUBJECT, found.pk), url=pair_address(project, pair),
            body=request.POST.get("body", ""),
        )  # fmt: skip
    return redirect(f"{pair_address(project, pair)}#thread")


@require_POST
def settle(request: HttpRequest, project: str, pair: int) -> HttpResponse:
    access, found = talk_access(request, project, pair)
    thread = get_object_or_404(Thread, subject_type=SUBJECT, subject_id=found.pk)
    thread_settle(actor=access.user, thread=thread, settled=request.POST.get("settled") == "yes")
    return redirect(f"{pair_address(project, pair)}#thread")
