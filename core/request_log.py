from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware

from core.log_secrets import hide_secrets


class RequestLog(RequestMiddleware):
    """One line when a request begins and one when it ends, without its query: nobody's searches are kept."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {hide_secrets(request.path)}"
