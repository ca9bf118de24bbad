"""Around the checks: suggestions on demand, the glossary, false alarms."""

import json

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import project_access
from core.choices import Need
from core.denied import ApplicationError
from core.views.telling import refusal_on, refusal_told, wants_json
from curation.access import pair_access, refuse_onlookers
from curation.forms import GlossaryForm
from curation.models import GlossaryWord
from curation.selectors.pairs import FIELD_LABELS
from curation.services.dismissals import finding_dismiss
from curation.services.glossary import glossary_add, glossary_remove, words_suggest


@require_GET
def suggestions(request: HttpRequest, project: str) -> HttpResponse:
    """What a misspelled word may have been meant to be (JSON)."""
    access = project_access(request, project)
    refuse_onlookers(access)
    word, language = (request.GET.get(name, "") for name in ("word", "language"))
    return JsonResponse({"suggestions": words_suggest(access.project, word, language)})


def glossary(request: HttpRequest, project: str) -> HttpResponse:
    """The words this project accepts. Who writes or mends adds; owners may also remove."""
    access = project_access(request, project)
    if request.method == "POST":
        refuse_onlookers(access)
    form = GlossaryForm(request.POST or None, initial={"language": access.project.language})
    if request.method == "POST" and form.is_valid():
        with refusal_on(form):
            glossary_add(actor=access.user, project=access.project, **form.cleaned_data)
        if wants_json(request):
            return JsonResponse({"detail": form.errors.as_text()}, status=400) if form.errors else JsonResponse({})
        if not form.errors:
            messages.success(request, _("Added. The misspelling check accepts it from now on."))
            return redirect("curation:glossary", project)
    words = GlossaryWord.objects.filter(project=access.project).select_related("added_by").order_by("language", "word")
    context = {
        "form": form,
        "words": words[:2000],
        "may_write": access.allows(Need.WRITE) or access.allows(Need.REVIEW),
        "may_own": access.allows(Need.OWN),
    }
    return render(request, "curation/glossary.html", context, status=400 if form.errors else 200)


@require_POST
def glossary_drop(request: HttpRequest, project: str, word: int) -> HttpResponse:
    access = project_access(request, project, Need.OWN)
    found = get_object_or_404(GlossaryWord, pk=word, project=access.project)
    with refusal_told(request, _("The word is removed from the glossary.")):
        glossary_remove(actor=access.user, word=found)
    return redirect("curation:glossary", project)


@require_POST
def dismiss(request: HttpRequest, project: str) -> HttpResponse:
    """Call a finding in exactly the given text a false alarm (JSON in and out); the editor uses it."""
    access = project_access(request, project)
    refuse_onlookers(access)
    try:
        body = json.loads(request.body)
        values = {name: str(body[name]) for name in ("text", "check", "excerpt", "reason")}
        finding_dismiss(
            actor=access.user, project=access.project, text=values["text"], check_id=values["check"],
            excerpt=values["excerpt"], reason=values["reason"],
        )  # fmt: skip
    except (ValueError, TypeError, KeyError, RecursionError):
        return JsonResponse({"detail": _("This could not be read; reload the page.")}, status=400)
    except ApplicationError as error:
        return JsonResponse({"detail": str(error)}, status=400)
    return JsonResponse({})


@require_POST
def pair_dismiss(request: HttpRequest, project: str, pair: int) -> HttpResponse:
    """The same for a stored pair, from its page, as a plain form."""
    access, found = pair_access(request, project, pair)
    refuse_onlookers(access)
    field = request.POST.get("field", "")
    text = getattr(found.current, field) if field in FIELD_LABELS else ""
    with refusal_told(request, _("Dismissed. It stays so as long as the text stays the same.")):
        finding_dismiss(
            actor=access.user, project=access.project, text=text, check_id=request.POST.get("check", ""),
            excerpt=request.POST.get("excerpt", ""), reason=request.POST.get("reason", ""), pair=found,
        )  # fmt: skip
    return redirect("curation:pair-detail", project, pair)
