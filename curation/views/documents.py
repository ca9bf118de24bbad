"""Documents: bring them in, read their passages, ask for pairs."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from core import registries
from core.access import Access, project_access
from core.choices import Need
from core.denied import ApplicationError
from core.numbers import whole_number
from core.selectors.keyset import keyset_page
from core.views.telling import refusal_on
from curation.access import document_access, document_upload_access
from curation.document_forms import AskForm, DocumentUploadForm
from curation.models import Document, Task
from curation.question_forms import ModelAskedForm
from curation.selectors.documents import documents_of, uploads_of
from curation.selectors.passages import passage_rows
from curation.selectors.tasks import tasks_of
from curation.services.documents import document_remove, documents_upload, passages_ask
from curation.services.drafting import passages_draft

PASSAGES_SHOWN = 100


@require_GET
def documents(request: HttpRequest, project: str) -> HttpResponse:
    access = project_access(request, project)
    words = request.GET.get("q", "")[:200]
    context = {
        "page": keyset_page(documents_of(access.project, words), request.GET.dict()),
        "words": words,
        "uploads": [] if words else uploads_of(access.project),
        "may_write": access.allows(Need.WRITE),
    }
    return render(request, "curation/documents.html", context)


def upload(request: HttpRequest, project: str) -> HttpResponse:
    """Choose files; they are kept, and a job reads them."""
    access = project_access(request, project, Need.WRITE)
    form = DocumentUploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        with refusal_on(form):
            made = documents_upload(
                actor=access.user, project=access.project, files=form.cleaned_data["documents"],
                license=form.cleaned_data["license"],
            )  # fmt: skip
        if not form.errors:
            return redirect("curation:document-upload-detail", project, made.pk)
    return render(request, "curation/document_new.html", {"form": form}, status=400 if form.errors else 200)


@require_GET
def upload_detail(request: HttpRequest, project: str, upload: int) -> HttpResponse:
    """While it is read: progress. Afterwards: what became of each file."""
    _access, found = document_upload_access(request, project, upload)
    files = list(found.files.order_by("pk"))
    context = {
        "upload": found,
        "files": files,
        "documents": sum(file.documents for file in files),
        "known": sum(file.known for file in files),
        "refused": sum(file.state == "refused" for file in files),
    }
    return render(request, "curation/document_upload.html", context)


@require_GET
def document_detail(request: HttpRequest, project: str, document: int) -> HttpResponse:
    access, found = document_access(request, project, document)
    form = AskForm(tasks=tasks_in(access.project), initial={"task": request.GET.get("task", "")})
    return document_page(request, access, found, form)


def document_page(
    request: HttpRequest,
    access: Access,
    found: Document,
    form: AskForm,
    drafting: ModelAskedForm | None = None,
    status: int = 200,
) -> HttpResponse:
    models = registries.models_to_ask(access.project) if access.allows(Need.OWN) else []
    start = whole_number(request.GET.get("start")) or 0
    rows = list(found.passages.filter(ordinal__gte=start).order_by("ordinal")[: PASSAGES_SHOWN + 1])
    context = {
        "document": found,
        "rows": passage_rows(rows[:PASSAGES_SHOWN], access.project, form.chosen, access.user),
        "total": found.passages.count(),
        "previous": max(0, start - PASSAGES_SHOWN) if start else None,
        "following": rows[-1].ordinal if len(rows) > PASSAGES_SHOWN else None,
        "form": form,
        "drafting": drafting or (ModelAskedForm(models=models) if models else None),
        "task": form.chosen,
        "may_write": access.allows(Need.WRITE),
        "may_own": access.allows(Need.OWN),
    }
    return render(request, "curation/document.html", context, status=status)


def tasks_in(project: Any) -> list[Task]:
    return [row.task for row in tasks_of(project)]


@require_POST
def ask(request: HttpRequest, project: str, document: int) -> HttpResponse:
    """Make the chosen passages work: somebody is to write pairs that they answer."""
    access, found = document_access(request, project, document, Need.WRITE)
    form = AskForm(request.POST, tasks=tasks_in(access.project))
    if form.is_valid():
        with refusal_on(form):
            task = form.cleaned_data["task"]
            count = passages_ask(actor=access.user, task=task, passages=form.passages(found))
        if not form.errors:
            text = ngettext(
                "%(count)d passage waits for a writer now.", "%(count)d passages wait for a writer now.", count
            )
            messages.success(request, text % {"count": count})
            page = reverse("curation:document-detail", args=[project, document])
            return redirect(f"{page}?task={task.slug}")  # whoever writes from it next does so for the same task
    return document_page(request, access, found, form, status=400)


@require_POST
def draft(request: HttpRequest, project: str, document: int) -> HttpResponse:
    """Let a model write a question and its answer from each chosen passage; people correct them."""
    access, found = document_access(request, project, document, Need.OWN)
    form = AskForm(request.POST, tasks=tasks_in(access.project))
    drafting = ModelAskedForm(request.POST, models=registries.models_to_ask(access.project))
    if drafting.is_valid() and form.is_valid():
        values = drafting.cleaned_data
        with refusal_on(form):
            made = passages_draft(
                actor=access.user, task=form.cleaned_data["task"], model_key=values["model"],
                passages=form.passages(found), blind=values["blind"], max_new_tokens=values["max_new_tokens"],
            )  # fmt: skip
            messages.success(request, _("The model writes now; people get its drafts to correct as they come."))
            return redirect("curation:drafting", project, made.pk)
    return document_page(request, access, found, form, drafting, status=400)


@require_POST
def remove(request: HttpRequest, project: str, document: int) -> HttpResponse:
    access, found = document_access(request, project, document, Need.OWN)
    try:
        document_remove(actor=access.user, document=found)
    except ApplicationError as error:
        messages.error(request, str(error))
        return redirect("curation:document-detail", project, document)
    messages.success(request, _("The document is gone, and the work that waited on its passages."))
    return redirect("curation:documents", project)
