"""What a person does about what the examination of a run's pairs found, and the trial of the run on this machine."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from core.choices import Need
from core.views.telling import refusal_told
from training.access import run_access
from training.services.exclusions import pairs_send_back, run_exclude
from training.services.probes import probe_request


@require_POST
def exclude(request: HttpRequest, project: str, run: int, code: str) -> HttpResponse:
    """Leave out of this run the pairs that a blocking finding is about."""
    access, found = run_access(request, project, run, Need.OWN)
    with refusal_told(request, _("These pairs are left out of this run; its recipe says so.")):
        run_exclude(actor=access.user, run=found, code=code)
    return redirect("training:run-check", project, run)


@require_POST
def include(request: HttpRequest, project: str, run: int, code: str) -> HttpResponse:
    """Take them in again."""
    access, found = run_access(request, project, run, Need.OWN)
    with refusal_told(request, _("These pairs are part of this run again.")):
        run_exclude(actor=access.user, run=found, code=code, exclude=False)
    return redirect("training:run-check", project, run)


@require_POST
def send_back(request: HttpRequest, project: str, run: int, code: str) -> HttpResponse:
    """Give every pair with a problem to the experts, as a correction with the problem as its note."""
    access, found = run_access(request, project, run, Need.OWN)
    with refusal_told(request):
        count = pairs_send_back(actor=access.user, run=found, code=code)
        text = ngettext("%(n)d pair is with the experts.", "%(n)d pairs are with the experts.", count) % {"n": count}
        messages.success(request, text)
    return redirect("training:run-check-rows", project, run, code)


@require_POST
def probe(request: HttpRequest, project: str, run: int) -> HttpResponse:
    """Try the run on this machine for a minute."""
    access, found = run_access(request, project, run, Need.OWN)
    with refusal_told(request, _("The trial waits for a worker; its numbers appear here.")):
        probe_request(actor=access.user, run=found)
    return redirect("training:run-check", project, run)
