"""Taking a version away: sent while it is read, or packed by a job."""

from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.denied import ApplicationError
from curation.access import export_access, version_access
from curation.choices import Part, VersionState
from curation.models import DatasetVersion, Export
from curation.selectors.cards import dataset_card
from curation.selectors.export_files import PACKED, STREAMED, TYPES, refuse_long_cells, version_chunks
from curation.selectors.exports import FORMATS
from curation.selectors.spreadsheets import MOST_ROWS
from curation.services.exports import export_pack, export_path


@require_GET
def exports(request: HttpRequest, project: str, version: int) -> HttpResponse:
    """Every shape and kind of file that the version can be taken away as."""
    _access, found = version_access(request, project, version)
    if found.state != VersionState.READY:
        raise Http404
    packed = Export.objects.filter(version=found).select_related("version__task", "job")
    context = {
        "version": found,
        "shapes": FORMATS.items(),
        "streamed": STREAMED.items(),
        "packings": PACKED.items(),
        "parts": Part.choices,
        "packed": packed,
        "card": dataset_card(found, "apprentice"),
        "sheets": -(-found.counts.get("pairs", 0) // MOST_ROWS),
        "sheet_rows": MOST_ROWS,
    }
    return render(request, "curation/exports.html", context)


@require_GET
def export(request: HttpRequest, project: str, version: int) -> HttpResponse | StreamingHttpResponse:
    """The version as a file, sent while it is read: `?shape=`, `?kind=`, and `?part=` for one part alone."""
    _access, found = version_access(request, project, version)
    query = request.GET
    try:
        return export_response(
            found, query.get("shape", "apprentice"), query.get("kind", "jsonl"), query.get("part", "")
        )
    except ApplicationError as error:
        messages.error(request, str(error))
        return redirect("curation:version-exports", project, version)


def export_response(version: DatasetVersion, format: str, kind: str, part: str) -> StreamingHttpResponse:
    known = format in FORMATS and kind in STREAMED and (not part or part in Part.values)
    if not known or version.state != VersionState.READY:
        raise Http404
    parts = [part] if part else None
    if kind == "xlsx":
        refuse_long_cells(version, format, parts)
    chunks = version_chunks(version, format, parts, kind)
    response = StreamingHttpResponse(chunks, content_type=TYPES[kind])
    name = "-".join(filter(None, (version.task.slug, f"v{version.number}", part, format)))
    return told(response, version, f"{name}.{kind}")


def told(response: Any, version: DatasetVersion, name: str) -> Any:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Dataset-Version"] = version.sha256
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
def pack(request: HttpRequest, project: str, version: int) -> HttpResponse:
    """Pack it by a job; the page that follows shows how far it is and then the file."""
    access, found = version_access(request, project, version)
    try:
        made = export_pack(
            actor=access.user, version=found, shape=request.POST.get("shape", ""), kind=request.POST.get("kind", "")
        )
    except ApplicationError as error:
        messages.error(request, str(error))
        return redirect("curation:version-exports", project, version)
    return redirect("curation:export-detail", project, made.pk)


@require_GET
def export_detail(request: HttpRequest, project: str, export: int) -> HttpResponse:
    _access, found = export_access(request, project, export)
    context = {"export": found, "version": found.version, "there": bool(found.sha256) and export_path(found).exists()}
    return render(request, "curation/export.html", context)


@require_GET
def export_file(request: HttpRequest, project: str, export: int) -> FileResponse:
    _access, found = export_access(request, project, export)
    return file_response(found)


def file_response(export: Export) -> FileResponse:
    """The packed file. Raises Http404 with the cure when it is not there."""
    path = export_path(export)
    if not export.sha256 or not path.exists():
        raise Http404(_("This file is not on the server; ask for it again on the version's page of exports."))
    response = FileResponse(path.open("rb"), content_type="application/zip")
    return told(response, export.version, export.file_name)


@require_GET
def card(request: HttpRequest, project: str, version: int) -> HttpResponse:
    """The dataset card as README.md."""
    _access, found = version_access(request, project, version)
    if found.state != VersionState.READY:
        raise Http404
    text = dataset_card(found, "apprentice", "jsonl")
    return told(HttpResponse(text, content_type="text/markdown; charset=utf-8"), found, "README.md")
