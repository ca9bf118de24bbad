"""The queue and each job: what runs, what waits and where, what ended and why."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import JobAccess, job_access, job_control, person, project_access, require_admin
from core.choices import JobState, Need
from core.models import Job, Project
from core.selectors.forecasts import expected_starts
from core.selectors.jobs import job_log, job_position, job_title, jobs_ended, jobs_open, workers
from core.selectors.keyset import keyset_page
from core.services.jobs import MOVES, job_hold, job_move, job_plan, job_retry, job_stop
from core.views.telling import refusal_told

PRIORITIES = {"low": -1, "normal": 0, "high": 1}
JUST_ENDED = timedelta(seconds=15)


@require_GET
def jobs(request: HttpRequest) -> HttpResponse:
    """Every job of the installation and its workers, for admins."""
    require_admin(request)
    return render(
        request, "core/jobs.html", {**lists(request, None), "workers": workers(), "may_order": True, "may_plan": True}
    )


@require_GET
def project_jobs(request: HttpRequest, project: str) -> HttpResponse:
    """The jobs of one project, for its members."""
    access = project_access(request, project)
    may = {"may_order": access.role == "admin", "may_plan": access.check(Need.OWN)}
    return render(request, "core/jobs.html", {**lists(request, access.project), **may})


def lists(request: HttpRequest, project: Project | None) -> dict[str, Any]:
    page = keyset_page(jobs_ended(project), request.GET.dict())
    ended = [{"job": job, "title": job_title(job)} for job in page.rows]
    return {
        "open": jobs_open(project),
        "here": request.path,
        "ended": ended,
        "page": page,
        "in_project": project is not None,
    }


@require_GET
def job(request: HttpRequest, job: int) -> HttpResponse:
    """One job with its progress and its log."""
    return render(request, "core/job.html", job_context(job_access(request, job)))


@require_GET
def job_live(request: HttpRequest, job: int) -> HttpResponse:
    """The part of the job's page that asks for itself every two seconds while the job is open."""
    return render(request, "core/job_live.html", job_context(job_access(request, job)))


@require_GET
def job_panel(request: HttpRequest, job: int) -> HttpResponse:
    """The small panel of a job for the pages of what the job is for; polls likewise. At the end its page is loaded
    again, for what came of the job; only just after it, so that no page is loaded forever.
    """
    found = job_access(request, job)
    response = render(request, "core/job_panel.html", job_context(found))
    ended = found.job.ended_at
    if request.headers.get("HX-Request") and ended and not found.job.is_open and timezone.now() - ended < JUST_ENDED:
        response["HX-Refresh"] = "true"
    return response


def job_context(found: JobAccess) -> dict[str, Any]:
    job = found.job
    return {
        "job": job,
        "job_title": job_title(job),
        "log": job_log(job),
        "position": job_position(job),
        "starts_at": expected_starts(job.queue).get(job.pk) if job.state == JobState.QUEUED else None,
        "may_control": found.may_control,
        "may_order": found.may_order,
    }


@require_POST
def stop(request: HttpRequest, job: int) -> HttpResponse:
    """End the job and keep what it saved, so that it can go on later."""
    return ask_to_end(request, job, "stop")


@require_POST
def cancel(request: HttpRequest, job: int) -> HttpResponse:
    """End the job and give it up."""
    return ask_to_end(request, job, "cancel")


def ask_to_end(request: HttpRequest, job: int, intent: str) -> HttpResponse:
    found = job_control(request, job)
    with refusal_told(request):
        job_stop(actor=person(request), job=found.job, intent=intent)
    return back(request, found.job)


@require_POST
def hold(request: HttpRequest, job: int) -> HttpResponse:
    found = job_control(request, job)
    with refusal_told(request, _("The job is held; it does not start until it is released.")):
        job_hold(actor=person(request), job=found.job, hold=True)
    return back(request, found.job)


@require_POST
def release(request: HttpRequest, job: int) -> HttpResponse:
    found = job_control(request, job)
    with refusal_told(request, _("The job waits its turn again.")):
        job_hold(actor=person(request), job=found.job, hold=False)
    return back(request, found.job)


@require_POST
def move(request: HttpRequest, job: int) -> HttpResponse:
    """Move a waiting job among the others of its queue: for admins, since all projects share it."""
    require_admin(request)
    found = job_access(request, job)
    to = request.POST.get("to", "")
    with refusal_told(request):
        job_move(actor=person(request), job=found.job, to=to if to in MOVES else "first")
    return back(request, found.job)


@require_POST
def plan(request: HttpRequest, job: int) -> HttpResponse:
    """Start a waiting job before others (admins), or only at night."""
    found = job_control(request, job)
    priority, nights = request.POST.get("priority", ""), request.POST.get("nights", "")
    if priority:
        require_admin(request)
    with refusal_told(request, _("Planned.")):
        job_plan(
            actor=person(request),
            job=found.job,
            priority=PRIORITIES.get(priority),
            nights={"yes": True, "no": False}.get(nights),
        )
    return back(request, found.job)


@require_POST
def retry(request: HttpRequest, job: int) -> HttpResponse:
    found = job_control(request, job)
    with refusal_told(request, _("The job is queued again.")):
        job_retry(actor=person(request), job=found.job)
    return back(request, found.job)


def back(request: HttpRequest, job: Job) -> HttpResponse:
    """To the page the button was on, or to the job."""
    place = request.POST.get("back", "")
    if place.startswith("/") and url_has_allowed_host_and_scheme(place, allowed_hosts=None):
        return redirect(place)
    if place == "jobs":
        return redirect("jobs")
    if place == "project" and job.project:
        return redirect("project-jobs", job.project.slug)
    return redirect("jobs-detail", job.pk)
