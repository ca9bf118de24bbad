from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from core.denied import Refused


def answer(request: HttpRequest, status: int, reason: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": reason}, status=status)
    return render(request, f"{status}.html", {"reason": reason}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 400, _("A part of the request is missing or malformed."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    reason = str(exception.denied) if isinstance(exception, Refused) else str(exception)
    return answer(request, 403, reason or _("You may not do this."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 404, _("There is nothing here, or not for you."))


def server_error(request: HttpRequest) -> HttpResponse:
    """The page is drawn without the request: what failed may be the database, which the frame of a page asks."""
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": _("Something went wrong on our side.")}, status=500)
    return HttpResponse(render_to_string("500.html"), status=500)
