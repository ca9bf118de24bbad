"""All that a person typed and has not submitted, to be gone on with, or to be read by who writes here no more."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.access import project_access
from core.choices import Need
from core.selectors.keyset import keyset_page
from curation.access import refuse_onlookers
from curation.selectors.editor import drafts_begun


@require_GET
def begun(request: HttpRequest, project: str) -> HttpResponse:
    access = project_access(request, project)
    refuse_onlookers(access)
    page = keyset_page(drafts_begun(access.user, access.project), request.GET.dict())
    context = {"page": page, "drafts": page.rows, "may_write": access.allows(Need.WRITE)}
    return render(request, "curation/begun.html", context)
