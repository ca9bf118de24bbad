"""Freezing, looking at what is frozen, and taking it away as a file."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import project_access
from core.choices import Need
from core.views.telling import refusal_on, refusal_told
from curation.access import task_access, version_access
from curation.choices import Part, VersionState
from curation.forms import FreezeForm
from curation.models import DatasetVersion
from curation.selectors.exports import FORMATS, version_chunks
from curation.selectors.tasks import tasks_of
from curation.selectors.versions import freeze_preview, version_page, version_rows, versions_of
from curation.services.likeness import likeness_ask
from curation.services.versions import version_freeze, version_verify


@require_GET
def versions(request: HttpRequest, project: str) -> HttpResponse:
    access = project_access(request, project)
    context = {
        "versions": versions_of(access.project),
        "rows": tasks_of(access.project),
        "may_own": access.allows(Need.OWN),
    }
    return render(request, "curation/versions.html", context)


def freeze(request: HttpRequest, project: str, task: str) -> HttpResponse:
    """What the next version would hold, and the button that freezes it."""
    access, found = task_access(request, project, task, Need.OWN)
    percent = round(found.train_share * 100)
    form = FreezeForm(request.POST or None, initial={"split": percent})
    share = form.cleaned_data["split"] / 100 if form.is_valid() else found.train_share
    if request.method == "POST" and form.is_valid() and "preview" not in request.POST:
        with refusal_on(form):
            version = version_freeze(actor=access.user, task=found, note=form.cleaned_data["note"], train_share=share)
        if not form.errors:
            return redirect("curation:version-detail", project, version.pk)
    preview = freeze_preview(found, share)
    if preview.waiting:
        likeness_ask(actor=access.user, task=found)
    context = {"task": found, "form": form, "preview": preview, "part_labels": dict(Part.choices)}
    return render(request, "curation/freeze.html", context, status=400 if form.errors else 200)


@require_GET
def version_detail(request: HttpRequest, project: str, version: int) -> HttpResponse:
    access, found = version_access(request, project, version)
    part = request.GET.get("part", "")
    start = request.GET.get("start", "0")
    page = version_rows(found, part, int(start) if start.isdecimal() and len(start) < 10 else 0)
    context = {
        **version_page(found, access.user),
        "page": page,
        "part": part,
        "formats": FORMATS.items(),
        "may_own": access.allows(Need.OWN),
    }
    return render(request, "curation/version.html", context)


@require_POST
def verify(request: HttpRequest, project: str, version: int) -> HttpResponse:
    """Compute the hash again from the stored texts and say whether anything changed."""
    access, found = version_access(request, project, version, Need.OWN)
    with refusal_told(request):
        if version_verify(actor=access.user, version=found):
            messages.success(request, _("Verified: every text is exactly as it was frozen."))
        else:
            messages.error(request, _("The texts in the database differ from what was frozen. Restore a backup."))
    return redirect("curation:version-detail", project, version)


@require_GET
def export(request: HttpRequest, project: str, version: int, format: str) -> HttpResponse | StreamingHttpResponse:
    """The version as a JSONL file, streamed. `?part=train` (or develop, test) takes one part."""
    _access, found = version_access(request, project, version)
    return export_response(found, format, request.GET.get("part", ""))


def export_response(version: DatasetVersion, format: str, part: str) -> StreamingHttpResponse:
    if format not in FORMATS or version.state != VersionState.READY or (part and part not in Part.values):
        raise Http404
    parts = [part] if part else None
    response = StreamingHttpResponse(version_chunks(version, format, parts), content_type="application/jsonl")
    name = "-".join(filter(None, (version.task.slug, f"v{version.number}", part, format)))
    response["Content-Disposition"] = f'attachment; filename="{name}.jsonl"'
    response["X-Dataset-Version"] = version.sha256
    response["Cache-Control"] = "private, no-store"
    return response
