from collections.abc import Callable
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

from core.denied import ApplicationError
from core.views.errors import answer

# Pages a person without a session may see. Everything else is closed, also pages that are yet to be written.
OPEN_PATHS = ("/accounts/", "/link/", "/static/", "/health/", "/metrics", "/api/")


class NoNul:
    """A NUL in the query of an address is a blank: no text of the database may hold one, and no page asks for one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.META["QUERY_STRING"] = request.META.get("QUERY_STRING", "").replace("%00", "%20")
        return self.get_response(request)


class LoginRequired:
    """Closed by default: a path outside OPEN_PATHS needs a session. The API answers for itself with 401."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated or request.path.startswith(OPEN_PATHS):
            return self.get_response(request)
        return redirect_to_login(way_back(request))


def way_back(request: HttpRequest) -> str:
    """Where the person goes on after signing in. What they sent is gone, and its address may be no page: the page that
    sent it is."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    page = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()):
        return "/"
    parts = urlsplit(page)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


class RefusalPage:
    """A refusal that no view told on its own page is told on a page of its own: an expected end is never a 500."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return answer(request, 400, str(exception)) if isinstance(exception, ApplicationError) else None
