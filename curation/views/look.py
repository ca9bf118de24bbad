"""What can be said of texts that are being typed. Asked for at every pause; nothing is stored."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.denied import ApplicationError
from core.numbers import whole_number
from curation.access import refuse_onlookers, task_access
from curation.fingerprints import LONGEST, Texts
from curation.models import Embedding, Task
from curation.selectors import editor
from curation.selectors.preview import pair_seen
from curation.selectors.similar import similar_pairs


def typed(request: HttpRequest, project: str, task: str) -> tuple[Task, Texts]:
    """The task and the texts that stand on the page. Whoever may write or mend may ask."""
    access, found = task_access(request, project, task)
    refuse_onlookers(access)
    try:
        fields: dict[str, Any] = dict(json.loads(request.body)["fields"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ApplicationError(_("This could not be read; reload the page.")) from error
    texts = editor.texts_typed(fields, found)
    if max(len(texts.instruction), len(texts.input), len(texts.response)) > LONGEST:
        raise ApplicationError(_("This text is too long to be looked at."))
    return found, texts


@require_POST
def look(request: HttpRequest, project: str, task: str) -> JsonResponse:
    """Findings of each field and the token count (JSON)."""
    try:
        found, texts = typed(request, project, task)
    except ApplicationError as error:
        return JsonResponse({"detail": str(error)}, status=400)
    return JsonResponse(editor.look(texts, found))


@require_POST
def seen(request: HttpRequest, project: str, task: str) -> HttpResponse:
    """The pair as the model will see it (a part of a page)."""
    try:
        found, texts = typed(request, project, task)
    except ApplicationError as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    return render(request, "curation/seen.html", {"preview": pair_seen(texts, found), "limit": found.max_tokens})


@require_POST
def similar(request: HttpRequest, project: str, task: str) -> HttpResponse:
    """Approved pairs that ask for something similar (a part of a page). `besides` is the one being corrected."""
    try:
        found, texts = typed(request, project, task)
    except ApplicationError as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    own = whole_number(request.GET.get("besides")) or 0
    context = {
        "similar": similar_pairs(found, texts.instruction, texts.input, own),
        "by_words": not Embedding.objects.filter(task=found).exists(),
    }
    return render(request, "curation/similar.html", context)
