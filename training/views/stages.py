"""Three stages of a model side by side on the same words, and what it reads and expects token by token."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from core.access import project_access
from core.denied import ApplicationError
from training.models import BaseModel, ModelVersion
from training.selectors.stages import OFFERED, PROMPTS, pretrained, stage_model, untrained
from training.selectors.stages import stages as stages_of
from training.services.stages import LONGEST, stage_answer, stage_tokens


@require_GET
def stages(request: HttpRequest, project: str) -> HttpResponse:
    """Choose models and words; each column asks for its answer by itself."""
    access = project_access(request, project)
    asked = request.GET.dict()
    prompts = [text[:LONGEST] for text in request.GET.getlist("prompt") if text.strip()][:3]
    context = {
        "stages": stages_of(access.project, asked),
        "offered": {
            "untrained": untrained()[:OFFERED],
            "pretrained": pretrained()[:OFFERED],
            "finetuned": ModelVersion.objects.filter(project=access.project)[:OFFERED],
        },
        "prompts": prompts or list(PROMPTS),
        "look": next((text for text in prompts if text), PROMPTS[-1]),
        "longest": LONGEST,
    }
    return render(request, "training/stages.html", context)


def asked_model(request: HttpRequest, project: str) -> tuple[BaseModel | ModelVersion | None, str]:
    """The model and the words that are asked for; None if no model is named. An unknown one is 404."""
    access = project_access(request, project)
    key = request.GET.get("model", "")
    found = stage_model(access.project, key)
    if key and found is None:
        raise Http404
    return found, request.GET.get("prompt", "")


def told(name: str, work: Callable[..., Any], model: BaseModel | ModelVersion | None, **words: str) -> dict[str, Any]:
    """What a part of the page shows: the answer under its name, or why there is none."""
    if model is None:
        return {"error": _("Choose a model.")}
    try:
        return {"model": model, name: work(model=model, **words)}
    except ApplicationError as error:
        return {"error": str(error)}


@require_GET
def answer(request: HttpRequest, project: str) -> HttpResponse:
    """One cell: what a model makes of a prompt."""
    model, prompt = asked_model(request, project)
    context = {"prompt": prompt, **told("said", stage_answer, model, prompt=prompt)}
    return render(request, "training/stage_answer.html", context)


@require_GET
def tokens(request: HttpRequest, project: str) -> HttpResponse:
    """Text, tokens, ids, and the five likeliest next tokens at each place."""
    model, prompt = asked_model(request, project)
    return render(request, "training/stage_tokens.html", told("tokens", stage_tokens, model, text=prompt))
