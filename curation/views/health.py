"""Health of a task's data: quality, diversity, real or generated, amount."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from core.choices import Need
from core.denied import ApplicationError
from curation.access import task_access
from curation.forms import GapForm
from curation.selectors.health import Links, health_of, report_of, stock_job
from curation.services.embedding import embeddings_ask
from curation.services.gaps import gap_ask
from curation.services.stock import stock_ask


@require_GET
def health(request: HttpRequest, project: str, task: str) -> HttpResponse:
    access, found = task_access(request, project, task)
    report = report_of(found)
    context = {
        "task": found,
        "report": report,
        "health": health_of(found, report) if report else None,
        "job": stock_job(found),
        "all_url": Links(found)(),
        "may_write": access.allows(Need.WRITE),
        "may_own": access.allows(Need.OWN),
    }
    return render(request, "curation/health.html", context)


@require_POST
def health_count(request: HttpRequest, project: str, task: str) -> HttpResponse:
    """Count anew; with `map` also ask the model server what the pairs mean."""
    access, found = task_access(request, project, task, Need.WRITE)
    if request.POST.get("map"):
        embeddings_ask(actor=access.user, task=found)
    else:
        stock_ask(actor=access.user, task=found, waited=True)
    return redirect("curation:health", project, task)


@require_POST
def gap(request: HttpRequest, project: str, task: str) -> HttpResponse:
    """Make work of a hole."""
    access, found = task_access(request, project, task, Need.OWN)
    form = GapForm(request.POST)
    try:
        if not form.is_valid():
            raise ApplicationError(" ".join(str(error) for errors in form.errors.values() for error in errors))
        made = gap_ask(actor=access.user, task=found, **form.cleaned_data)
        text = ngettext("%(count)d pair is asked for.", "%(count)d pairs are asked for.", len(made))
        messages.success(request, text % {"count": len(made)})
    except ApplicationError as error:
        messages.error(request, str(error))
    return redirect("curation:health", project, task)
