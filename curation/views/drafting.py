"""Drafts by a model: asking for them, how far the job is, and what people made of them."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from core import registries
from core.access import project_access
from core.charts import Interval, interval_chart
from core.choices import Need
from core.selectors.keyset import keyset_page
from core.views.telling import refusal_on
from curation.question_forms import DraftingForm
from curation.selectors.corrections import ReleaseRow, alarms_of, draftings_counted, draftings_of, pace_of, releases_of
from curation.services.drafting import drafting_start, undrafted


@require_GET
def draftings(request: HttpRequest, project: str) -> HttpResponse:
    """Whether drafts get better from release to release, and for owners whether somebody only nods them through."""
    access = project_access(request, project)
    rows = releases_of(access.project)
    owns = access.allows(Need.OWN)
    page = keyset_page(draftings_of(access.project), request.GET.dict())
    context = {
        "page": page,
        "rows": draftings_counted(page.rows),
        "releases": rows,
        "chart": distance_chart(rows),
        "alarms": alarms_of(access.project) if owns else [],
        "pace": pace_of(access.project) if owns else None,
        "may_own": owns,
    }
    return render(request, "curation/draftings.html", context)


def distance_chart(rows: list[ReleaseRow]) -> Any:
    shown = [
        Interval(row.name, row.distance.estimate, row.distance.low, row.distance.high)
        for row in rows
        if row.distance.low is not None and row.distance.high is not None
    ]
    title = _("Share of words that people changed of each model’s drafts, with its interval")
    return interval_chart(title=title, value_label=_("Words changed"), intervals=shown) if shown else None


def drafting_new(request: HttpRequest, project: str) -> HttpResponse:
    access = project_access(request, project, Need.OWN)
    tasks = access.project.tasks.all()
    models = registries.models_to_ask(access.project)
    form = DraftingForm(request.POST or None, tasks=tasks, models=models)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        with refusal_on(form):
            made = drafting_start(
                actor=access.user, task=values["task"], model_key=values["model"], topic=values["topic"],
                most=values["most"], blind=values["blind"], max_new_tokens=values["max_new_tokens"],
            )  # fmt: skip
            messages.success(request, _("The model writes now; people get its drafts to correct as they come."))
            return redirect("curation:drafting", project, made.pk)
    waiting = [(task, undrafted(task).count()) for task in tasks]
    context = {"form": form, "waiting": waiting, "no_model": not models}
    return render(request, "curation/drafting_new.html", context, status=400 if form.errors else 200)


@require_GET
def drafting_detail(request: HttpRequest, project: str, drafting: int) -> HttpResponse:
    access = project_access(request, project)
    found = get_object_or_404(draftings_of(access.project), pk=drafting)
    drafts = found.drafts.filter(written_at__isnull=False).select_related("question").order_by("-pk")
    [row] = draftings_counted([found])
    over = found.job is None or not found.job.is_open
    context = {
        "row": row,
        "drafting": found,
        "job": found.job,
        "without": found.asked - row.written if over else 0,
        "page": keyset_page(drafts, request.GET.dict()),
    }
    return render(request, "curation/drafting.html", context)
