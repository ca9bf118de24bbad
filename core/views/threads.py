"""Taking a comment back; adding one is the part of the page that shows the thread."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core import registries
from core.access import comment_access
from core.services.threads import comment_remove
from core.views.telling import refusal_told


@require_POST
def remove(request: HttpRequest, project: str, comment: int) -> HttpResponse:
    access, found = comment_access(request, project, comment)
    with refusal_told(request, _("The comment is taken back.")):
        comment_remove(actor=access.user, comment=found)
    return redirect(subject_address(project, found.thread.subject_type, found.thread.subject_id))


def subject_address(project: str, subject_type: str, subject_id: int) -> str:
    return registries.subject_urls[subject_type](project, subject_id)
