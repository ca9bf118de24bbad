"""Erasing a pair's, a person's or somebody's data for good: choose, look at what would go, type the name."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET

from core.access import project_access
from core.choices import Need
from core.views.telling import refusal_on
from curation.choices import ErasureScope
from curation.erasure_forms import ErasureChoice, ErasureConfirm
from curation.selectors.erasures import chosen_revisions, counts_shown, erasure_preview, erasures_of, people_of
from curation.services.erasures import erasure_ask

LISTED = 100
BY_ADDRESS = (ErasureScope.PAIR, ErasureScope.PERSON)  # words that are to be forgotten belong in no address


def erasures(request: HttpRequest, project: str) -> HttpResponse:
    """The choice, what it would take away, and what was erased before. Nothing goes without the typed name."""
    access = project_access(request, project, Need.OWN)
    asked: Any = request.POST if request.method == "POST" else request.GET
    given = asked if request.method == "POST" or asked.get("scope") in BY_ADDRESS else None
    choice = ErasureChoice(given, people=people_of(access.project))
    confirm = ErasureConfirm(request.POST if "erase" in request.POST else None)
    preview = None
    if choice.is_valid():
        with refusal_on(choice):
            chosen = chosen_revisions(access.project, choice.cleaned_data)
            preview = erasure_preview(access.project, chosen.revisions, chosen.person, chosen.words)
            if "erase" in request.POST and confirm.is_valid():
                with refusal_on(confirm):
                    made = erasure_ask(
                        actor=access.user,
                        project=access.project,
                        scope=choice.cleaned_data["scope"],
                        revisions=chosen.revisions,
                        person=chosen.person,
                        words=chosen.words,
                        **confirm.cleaned_data,
                    )
                    return redirect("curation:erasure", project, made.pk)
    done = erasures_of(access.project)[:LISTED]
    context = {"choice": choice, "confirm": confirm, "preview": preview, "done": done}
    failed = choice.errors or confirm.errors
    return render(request, "curation/erasures.html", context, status=400 if failed else 200)


@require_GET
def erasure(request: HttpRequest, project: str, erasure: int) -> HttpResponse:
    access = project_access(request, project, Need.OWN)
    found = get_object_or_404(erasures_of(access.project), pk=erasure)
    return render(request, "curation/erasure.html", {"erasure": found, "counts": counts_shown(found)})
