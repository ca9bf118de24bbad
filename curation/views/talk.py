"""The threads of pairs and passages."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core import registries
from core.access import Access
from core.models import Thread
from core.services.threads import comment_add, thread_settle
from core.views.telling import refusal_told
from curation.access import pair_access, passage_access, refuse_onlookers
from curation.subjects import PAIR, PASSAGE


@require_POST
def comment(request: HttpRequest, project: str, pair: int) -> HttpResponse:
    return said(request, pair_access(request, project, pair)[0], (PAIR, pair))


@require_POST
def settle(request: HttpRequest, project: str, pair: int) -> HttpResponse:
    return settled(request, pair_access(request, project, pair)[0], (PAIR, pair))


@require_POST
def passage_comment(request: HttpRequest, project: str, passage: int) -> HttpResponse:
    return said(request, passage_access(request, project, passage)[0], (PASSAGE, passage))


@require_POST
def passage_settle(request: HttpRequest, project: str, passage: int) -> HttpResponse:
    return settled(request, passage_access(request, project, passage)[0], (PASSAGE, passage))


def said(request: HttpRequest, access: Access, subject: tuple[str, int]) -> HttpResponse:
    refuse_onlookers(access)
    url = page_of(access, subject)
    with refusal_told(request, _("Said.")):
        comment_add(
            actor=access.user, project=access.project, subject=subject, url=url, body=request.POST.get("body", "")
        )
    return redirect(f"{url}#thread")


def settled(request: HttpRequest, access: Access, subject: tuple[str, int]) -> HttpResponse:
    refuse_onlookers(access)
    thread = get_object_or_404(Thread, subject_type=subject[0], subject_id=subject[1])
    thread_settle(actor=access.user, thread=thread, settled=request.POST.get("settled") == "yes")
    return redirect(f"{page_of(access, subject)}#thread")


def page_of(access: Access, subject: tuple[str, int]) -> str:
    return registries.subject_urls[subject[0]](access.project.slug, subject[1])
