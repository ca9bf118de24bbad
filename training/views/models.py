"""Models: what runs made, and the base models they began with."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from core.access import project_access, require_admin
from core.denied import ApplicationError
from core.markdown import render_markdown
from core.model_server import ModelServerDown
from core.registries import lineage_of, panels_for
from core.selectors.keyset import keyset_page
from core.views.telling import refusal_on
from training.access import base_access, model_access
from training.forms import BaseForm
from training.models import ModelVersion
from training.selectors.models import base_files, bases_all, model_card, model_facts, model_files, models_of, runs_on
from training.selectors.runs import recipe_rows
from training.services.bases import base_register, folders_unregistered
from training.services.chat import chat_begin


@require_GET
def index(request: HttpRequest, project: str) -> HttpResponse:
    """Model versions of the project and the base models of the installation."""
    access = project_access(request, project)
    page = keyset_page(models_of(access.project), request.GET.dict())
    return render(request, "training/models.html", {"page": page, "bases": list(bases_all())})


@require_GET
def detail(request: HttpRequest, project: str, version: int) -> HttpResponse:
    """One model version: what it is, what it is made of, and a chat with it."""
    access, found = model_access(request, project, version)
    context = {
        "version": found,
        "card": render_markdown(model_card(found)),
        "facts": model_facts(found),
        "recipe": recipe_rows(found.run),
        "files": model_files(found),
        "lineage": lineage_of("model_version", found),
        "panels": panels_for("model_version", found, access.user),
    }
    return render(request, "training/model.html", context)


@require_POST
def chat(request: HttpRequest, project: str, version: int) -> HttpResponseBase:
    """Ask a model version; the answer streams as one JSON object a line."""
    _access, found = model_access(request, project, version)
    return stream(found, request.body)


def stream(version: ModelVersion, body: bytes) -> HttpResponseBase:
    try:
        asked: Any = json.loads(body)
        answer = chat_begin(version=version, asked=asked)
    except ModelServerDown as error:
        return JsonResponse({"detail": str(error)}, status=503)
    except ApplicationError as error:
        return JsonResponse({"detail": str(error), "field": error.field}, status=400)
    except ValueError:
        return JsonResponse({"detail": "The request is not valid JSON."}, status=400)
    return StreamingHttpResponse(answer, content_type="application/x-ndjson")


@require_GET
def base(request: HttpRequest, project: str, base: int) -> HttpResponse:
    """One base model: its card, its fingerprints, its files."""
    access, found = base_access(request, project, base)
    context = {"base": found, "files": base_files(found), "runs": runs_on(found, access.project),
               "problems": found.report.get("problems", []), "may_register": access.role == "admin"}  # fmt: skip
    return render(request, "training/base.html", context)


@require_GET
def base_live(request: HttpRequest, project: str, base: int) -> HttpResponse:
    """The state of a base model; asks for itself while the model is being examined."""
    _access, found = base_access(request, project, base)
    return render(request, "training/base_live.html", {"base": found, "problems": found.report.get("problems", [])})


def base_new(request: HttpRequest, project: str) -> HttpResponse:
    """Register a model folder; for admins."""
    access = project_access(request, project)
    require_admin(request)
    folders = folders_unregistered()
    form = BaseForm(request.POST or None, folders=folders)
    if request.method == "POST" and form.is_valid():
        with refusal_on(form):
            made = base_register(actor=access.user, **form.cleaned_data)
        if not form.errors:
            return redirect("training:base-detail", project, made.pk)
    status = 400 if form.is_bound and form.errors else 200
    return render(request, "training/base_form.html", {"form": form, "folders": folders}, status=status)
