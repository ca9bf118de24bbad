"""Bringing pairs in: upload, choose columns, watch, read what was refused."""

import csv
from collections.abc import Iterator

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import Access, project_access
from core.choices import Need
from core.denied import ApplicationError
from core.views.telling import refusal_on, refusal_told
from curation.access import import_access, task_access
from curation.choices import STARTABLE, ImportState
from curation.import_forms import MappingForm, UploadForm
from curation.import_mapping import FORMS, Mapping
from curation.models import Import
from curation.selectors.export_files import unformula
from curation.selectors.imports import import_page, imports_of, mapping_preview
from curation.selectors.tasks import tasks_of
from curation.services.import_report import import_check
from curation.services.import_undo import import_undo
from curation.services.imports import import_choose, import_discard, import_start, import_upload, problems_of


@require_GET
def imports(request: HttpRequest, project: str) -> HttpResponse:
    access = project_access(request, project)
    context = {
        "imports": imports_of(access.project),
        "rows": tasks_of(access.project),
        "may_write": access.allows(Need.WRITE),
    }
    return render(request, "curation/imports.html", context)


def upload(request: HttpRequest, project: str, task: str) -> HttpResponse:
    """Choose a file; it is kept and looked at before anything is stored."""
    access, found = task_access(request, project, task, Need.WRITE)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        with refusal_on(form):
            batch = import_upload(actor=access.user, task=found, upload=form.cleaned_data["file"])
        if not form.errors:
            return redirect("curation:import-detail", project, batch.pk)
    context = {"task": found, "form": form, "forms": FORMS.values()}
    return render(request, "curation/import_new.html", context, status=400 if form.errors else 200)


@require_GET
def import_detail(request: HttpRequest, project: str, batch: int) -> HttpResponse:
    """Before the start: choose columns. After it: progress, counts and what was refused."""
    access, found = import_access(request, project, batch)
    if found.state == ImportState.UPLOADED or (found.state in STARTABLE and "again" in request.GET):
        return mapping_page(request, access, found, None)
    context = {**import_page(found), "may_write": access.allows(Need.WRITE), "may_own": access.allows(Need.OWN)}
    return render(request, "curation/import.html", context)


def mapping_page(
    request: HttpRequest, access: Access, batch: Import, form: MappingForm | None, status: int = 200
) -> HttpResponse:
    try:
        preview = mapping_preview(
            batch, form.mapping() if form and form.is_valid() else Mapping.from_json(batch.mapping)
        )
    except ApplicationError as error:
        messages.error(request, str(error))
        return redirect("curation:imports", access.project.slug)
    may_own = access.allows(Need.OWN)
    tables = MappingForm.tables_of(batch)
    shown = form or MappingForm(
        columns=preview.columns, may_approve=may_own, tables=tables, initial=MappingForm.initial_of(batch)
    )
    context = {
        "batch": batch,
        "task": batch.task,
        "form": shown,
        "report": batch.report if batch.report.get("mapping") == batch.mapping else None,
        "preview": preview,
        "may_own": may_own,
        "may_write": access.allows(Need.WRITE),
    }
    return render(request, "curation/import_mapping.html", context, status=status)


@require_POST
def start(request: HttpRequest, project: str, batch: int) -> HttpResponse:
    """Start with the columns chosen; the other buttons look at the first rows again, or through the whole file."""
    access, found = import_access(request, project, batch, Need.WRITE)
    if found.state not in STARTABLE:
        return redirect("curation:import-detail", project, batch)
    try:
        table = request.POST.get("table", found.table)
        if table != found.table:
            import_choose(batch=found, table=table)
            return redirect("curation:import-detail", project, batch)
        columns = mapping_preview(found, Mapping.from_json(found.mapping)).columns
    except ApplicationError as error:
        messages.error(request, str(error))
        return redirect("curation:imports", project)
    form = MappingForm(
        request.POST, columns=columns, may_approve=access.allows(Need.OWN), tables=MappingForm.tables_of(found)
    )
    if not form.is_valid() or "preview" in request.POST:
        return mapping_page(request, access, found, form, 400 if form.errors else 200)
    act = import_check if "check" in request.POST else import_start
    with refusal_on(form):
        act(
            actor=access.user, batch=found, mapping=form.mapping(), source=form.cleaned_data["source"],
            approve=form.cleaned_data.get("approve", False),
        )  # fmt: skip
    if form.errors:
        return mapping_page(request, access, found, form, 400)
    return redirect("curation:import-detail", project, batch)


@require_POST
def undo(request: HttpRequest, project: str, batch: int) -> HttpResponse:
    """Take everything back that this import brought in and nobody has worked on since."""
    access, found = import_access(request, project, batch, Need.OWN)
    with refusal_told(request):
        import_undo(actor=access.user, batch=found)
    return redirect("curation:import-detail", project, batch)


@require_POST
def discard(request: HttpRequest, project: str, batch: int) -> HttpResponse:
    access, found = import_access(request, project, batch, Need.WRITE)
    with refusal_told(request, _("The upload is thrown away. Nothing was taken from it.")):
        import_discard(actor=access.user, batch=found)
    return redirect("curation:imports", project)


class Echo:
    def write(self, text: str) -> str:
        return text


@require_GET
def problems(request: HttpRequest, project: str, batch: int) -> StreamingHttpResponse:
    """Every refused row with its number and reason, as CSV that a spreadsheet opens safely."""
    _access, found = import_access(request, project, batch)
    response = StreamingHttpResponse(problem_lines(found), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="import-{found.pk}-problems.csv"'
    return response


def problem_lines(batch: Import) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield "\ufeff" + writer.writerow([_("row"), _("column"), _("reason"), _("excerpt")])
    for problem in problems_of(batch):
        yield writer.writerow([problem.row, *map(unformula, (problem.column, problem.reason, problem.excerpt))])
