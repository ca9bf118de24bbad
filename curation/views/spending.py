"""Giving a test item up as a lesson."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from core.choices import Need
from core.views.telling import refusal_told
from curation.access import pair_access
from curation.services.spending import test_item_spend


@require_POST
def spend(request: HttpRequest, project: str, pair: int) -> HttpResponse:
    access, found = pair_access(request, project, pair, Need.OWN)
    with refusal_told(request):
        spent = test_item_spend(actor=access.user, pair=found, reason=request.POST.get("reason", ""))
        told = ngettext(
            "Spent: it goes to train in the next version and measures nothing any more. A fresh question is asked for.",
            "Spent with its group of %(count)d: they go to train in the next version. A fresh question is asked for.",
            len(spent),
        )
        messages.success(request, told % {"count": len(spent)})
    return redirect("curation:pair-detail", project, pair)
