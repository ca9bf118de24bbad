"""/health/ for load balancers and people, /metrics for Prometheus, and the banners that every page has."""

import ipaddress

from asgiref.sync import async_to_sync
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from django_prometheus.exports import ExportToDjangoView
from health_check.base import HealthCheckResult
from knox.auth import TokenAuthentication
from prometheus_client import CONTENT_TYPE_LATEST
from rest_framework.exceptions import AuthenticationFailed

from core.health_checks import CHECKS
from core.selectors.metrics import queue_metrics


@require_GET
@never_cache
def health(request: HttpRequest) -> HttpResponse:
    """200 when everything answers, 503 when something does not. Which thing is told to people with a session only."""
    results: list[HealthCheckResult] = [async_to_sync(check().get_result)() for check in CHECKS]
    ok = not any(result.error for result in results)
    status = 200 if ok else 503
    member = request.user.is_authenticated
    parts = [
        {
            "name": result.check.name,
            "ok": not result.error,
            "text": getattr(result.error, "message", ""),
            "seconds": result.time_taken,
        }
        for result in results
    ]
    if wants_html(request):
        return render(request, "core/health.html", {"ok": ok, "parts": parts if member else []}, status=status)
    return JsonResponse({"ok": ok, **({"parts": parts} if member else {})}, status=status)


@require_GET
@never_cache
def notices_live(request: HttpRequest) -> HttpResponse:
    """The banners about the installation itself, asked for again by a page that shows some."""
    return render(request, "components/notices.html")


def wants_html(request: HttpRequest) -> bool:
    return request.GET.get("format") != "json" and "text/html" in request.headers.get("accept", "")


@require_GET
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format, for an admin's session, an admin's token, or a scraper on this machine."""
    if not (from_this_machine(request) or is_admin(request)):
        raise Http404
    exported = ExportToDjangoView(request).content
    return HttpResponse(exported + queue_metrics(), content_type=CONTENT_TYPE_LATEST)


def from_this_machine(request: HttpRequest) -> bool:
    """Behind a proxy everything comes from this machine, so that loopback proves nothing then."""
    if settings.TRUSTED_PROXY or "HTTP_X_FORWARDED_FOR" in request.META:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def is_admin(request: HttpRequest) -> bool:
    if request.user.is_authenticated:
        return request.user.is_admin
    try:
        found = TokenAuthentication().authenticate(request)
    except AuthenticationFailed:
        return False
    return found is not None and found[0].is_admin and found[1].project_id is None
