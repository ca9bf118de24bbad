from collections.abc import Callable

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse

from core.denied import ApplicationError
from core.views.errors import answer

# Pages a person without a session may see. Everything else is closed, also pages that are yet to be written.
OPEN_PATHS = ("/accounts/", "/link/", "/static/", "/health/", "/metrics", "/api/")


class LoginRequired:
    """Closed by default: a path outside OPEN_PATHS needs a session. The API answers for itself with 401."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated or request.path.startswith(OPEN_PATHS):
            return self.get_response(request)
        return redirect_to_login(request.get_full_path())


class RefusalPage:
    """A refusal that no view told on its own page is told on a page of its own: an expected end is never a 500."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return answer(request, 400, str(exception)) if isinstance(exception, ApplicationError) else None
