"""Models: what runs made, and the base models they began with."""

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import Access, project_access, require_admin
from core.denied import ApplicationError, Hindrance
from core.markdown import render_markdown
from core.models import User
from core.registries import lineage_of, panels_for
from core.selectors.keyset import keyset_page
from core.views.telling import refusal_on, refusal_told
from training.access import base_access, model_access
from training.base_forms import ArchiveForm, FolderForm, HubForm, NamedForm
from training.choices import ModelState
from training.models import BaseModel, ModelVersion
from training.selectors.models import (
    base_files,
    base_problems,
    bases_all,
    model_card,
    model_facts,
    model_files,
    models_of,
    runs_on,
    why_refused,
)
from training.selectors.runs import recipe_rows
from training.services.bases import (
    base_from_archive,
    base_from_hub,
    base_inspect,
    base_register,
    base_remove,
    folders_unregistered,
)
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
        "actions": panels_for("model_version_action", found, access.user),
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
    except Hindrance as error:
        return JsonResponse({"detail": str(error)}, status=503)
    except ApplicationError as error:
        return JsonResponse({"detail": str(error), "field": error.field}, status=400)
    except (ValueError, RecursionError):
        return JsonResponse({"detail": _("This could not be read; reload the page.")}, status=400)
    return StreamingHttpResponse(answer, content_type="application/x-ndjson")


@require_GET
def base(request: HttpRequest, project: str, base: int) -> HttpResponse:
    """One base model: its card, its fingerprints, its files."""
    access, found = base_access(request, project, base)
    context = {
        "base": found,
        "card": render_markdown(model_card(found)),
        "files": base_files(found),
        "runs": runs_on(found, access.project),
        **examined(found, access),
    }
    return render(request, "training/base.html", context)


@require_GET
def base_live(request: HttpRequest, project: str, base: int) -> HttpResponse:
    """The state of a base model; asks for itself while the model is being examined. Then the whole page comes again:
    its files and its card, and the way to a training."""
    access, found = base_access(request, project, base)
    if request.headers.get("HX-Request") and found.state != ModelState.CHECKING:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return render(request, "training/base_live.html", {"base": found, **examined(found, access)})


def examined(base: BaseModel, access: Access) -> dict[str, object]:
    return {
        "problems": base_problems(base, blocking=False),
        "refused": why_refused(base),
        "may_register": access.role == "admin",
    }


@require_POST
def base_drop(request: HttpRequest, project: str, base: int) -> HttpResponse:
    """Take a refused model off the list; for admins."""
    access, found = base_access(request, project, base)
    require_admin(request)
    with refusal_told(request, _("The model is off the list.")):
        base_remove(actor=access.user, base=found)
    return redirect("training:model-list", project)


@require_POST
def base_again(request: HttpRequest, project: str, base: int) -> HttpResponse:
    """Examine a refused model once more; for admins."""
    access, found = base_access(request, project, base)
    require_admin(request)
    with refusal_told(request):
        base_inspect(actor=access.user, base=found)
    return redirect("training:base-detail", project, found.pk)


WAYS = ("folder", "archive", "hub")


def base_new(request: HttpRequest, project: str) -> HttpResponse:
    """Register a model: a folder of the store, an uploaded archive or package, or one of the hub; for admins."""
    access = project_access(request, project)
    require_admin(request)
    folders = folders_unregistered()
    asked = request.GET.get("way", "")
    way = asked if asked in WAYS else "folder" if folders else "archive"
    form = base_form(request, way, folders)
    if request.method == "POST" and form.is_valid():
        with refusal_on(form):
            made = base_brought(access.user, way, form.cleaned_data)
        if not form.errors:
            return redirect("training:base-detail", project, made.pk)
    labels = {"folder": _("A folder of the store"), "archive": _("An archive or package"), "hub": _("The hub")}
    tabs = [{"label": labels[key], "url": f"?way={key}", "active": key == way} for key in WAYS]
    context = {"form": form, "folders": folders, "way": way, "tabs": tabs, "hub": settings.HUB}
    status = 400 if form.is_bound and form.errors else 200
    return render(request, "training/base_form.html", context, status=status)


def base_form(request: HttpRequest, way: str, folders: list[str]) -> NamedForm:
    if way == "archive":
        return ArchiveForm(request.POST or None, request.FILES or None)
    return HubForm(request.POST or None) if way == "hub" else FolderForm(request.POST or None, folders=folders)


def base_brought(actor: User, way: str, given: dict[str, Any]) -> BaseModel:
    if way == "archive":
        return base_from_archive(actor=actor, upload=given.pop("archive"), **given)
    return (base_from_hub if way == "hub" else base_register)(actor=actor, **given)
