from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.decorators import api_view, renderer_classes
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import projects_for
from core.api.projects import REFUSALS, project_of
from core.api.shapes import Refusal
from training.access import model_by_id
from training.api.shapes import ChatIn, ModelVersionDetailOut, ModelVersionOut
from training.models import ModelVersion
from training.services.chat import chat_begin


@extend_schema(
    tags=["model-versions"],
    parameters=[OpenApiParameter("project", str, description="Slug; without it, of every project you may see.")],
)
class ModelVersions(generics.ListAPIView[ModelVersion]):
    """What runs made, newest first."""

    serializer_class = ModelVersionOut
    queryset = ModelVersion.objects.none()

    def get_queryset(self) -> QuerySet[ModelVersion]:
        project = project_of(self.request)
        found = ModelVersion.objects.select_related("project", "run")
        return found.filter(project=project) if project else found.filter(project__in=projects_for(self.request))


@extend_schema(
    tags=["model-versions"], responses={200: ModelVersionDetailOut, 404: Refusal}, summary="One model version"
)
@api_view(["GET"])
def model_version(request: Request, version: int) -> Response:
    _access, found = model_by_id(request, version)
    return Response(ModelVersionDetailOut(found).data)


class Lines(JSONRenderer):
    """Lets a client ask for the stream by its type; a refusal is one JSON object all the same."""

    media_type = "application/x-ndjson"
    format = "ndjson"


@extend_schema(
    tags=["model-versions"],
    request=ChatIn,
    responses={(200, "application/x-ndjson"): OpenApiTypes.STR, **REFUSALS},
    summary="Ask a model version; one JSON object a line: {text}…, then {done, finish_reason, …} or {error}",
)
@api_view(["POST"])
@renderer_classes([JSONRenderer, Lines])
def chat(request: Request, version: int) -> Response | StreamingHttpResponse:
    _access, found = model_by_id(request, version)
    given = ChatIn(data=request.data)
    given.is_valid(raise_exception=True)
    answer = chat_begin(version=found, asked=given.validated_data)
    return StreamingHttpResponse(answer, content_type=Lines.media_type)
