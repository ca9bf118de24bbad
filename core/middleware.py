from collections.abc import Callable

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse

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
