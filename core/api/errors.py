"""Domain errors become answers in one place."""

from typing import Any

from django.core.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from core.denied import ApplicationError, Conflict


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """400 with the sentence for a refusal, 409 or 412 with both texts for a stale write."""
    if isinstance(error, Conflict):
        conditional = "HTTP_IF_MATCH" in context["request"].META
        names = ("yours", "theirs", "base", "version")
        body = {"detail": str(error), **{name: getattr(error, name) for name in names}}
        return Response(body, status=412 if conditional else 409)
    if isinstance(error, ApplicationError):
        return Response({"detail": str(error), "field": error.field}, status=400)
    if isinstance(error, ValidationError):
        fields = error.message_dict if hasattr(error, "error_dict") else {"detail": error.messages}
        return Response(fields, status=400)
    return exception_handler(error, context)
