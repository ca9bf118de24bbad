from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware

SECRET_PATHS = ("/link/",)


class RequestLog(RequestMiddleware):
    """One line when a request begins and one when it ends. The secret of a one-time link never reaches the log."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        for prefix in SECRET_PATHS:
            if request.path.startswith(prefix):
                return f"{request.method} {prefix}…"
        return f"{request.method} {request.path}"
