from typing import Any

from django.http import FileResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.asked import number_asked
from core.api.projects import REFUSALS
from curation.access import export_by_id, version_by_id
from curation.choices import Part
from curation.models import Export
from curation.selectors.export_files import PACKED, STREAMED
from curation.selectors.exports import FORMATS
from curation.services.exports import export_pack
from curation.views.exports import export_response, file_response

FILE: dict[Any, Any] = {(200, "application/octet-stream"): OpenApiResponse(OpenApiTypes.BINARY), **REFUSALS}


class ExportIn(serializers.Serializer[object]):
    version = serializers.IntegerField(min_value=1)
    shape = serializers.ChoiceField(choices=list(FORMATS), default="apprentice")
    kind = serializers.ChoiceField(choices=list(PACKED))


class ExportOut(serializers.ModelSerializer[Export]):
    class Meta:
        model = Export
        fields = ("id", "version", "shape", "kind", "file_name", "size", "sha256", "job", "created_at")


class Exports(APIView):
    @extend_schema(
        operation_id="exports_stream",
        tags=["exports"],
        parameters=[
            OpenApiParameter("version", int, required=True),
            OpenApiParameter("shape", str, enum=list(FORMATS), description="apprentice unless given"),
            OpenApiParameter("kind", str, enum=list(STREAMED), description="jsonl unless given"),
            OpenApiParameter("part", str, enum=Part.values),
        ],
        responses=FILE,
        summary="A version as a file, streamed; the same bytes every time",
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        found = version_by_id(request, number_asked(request, "version"))[1]
        query = request.query_params
        return export_response(
            found, query.get("shape", "apprentice"), query.get("kind", "jsonl"), query.get("part", "")
        )

    @extend_schema(
        tags=["exports"], request=ExportIn, responses={202: ExportOut, **REFUSALS},
        summary="Pack a version as Parquet or as a folder of the datasets library, as a job",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        given = ExportIn(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(given.validated_data)
        access, found = version_by_id(request, values["version"])
        made = export_pack(actor=access.user, version=found, shape=values["shape"], kind=values["kind"])
        return Response(ExportOut(made).data, status=202)


@extend_schema(
    tags=["exports"], responses={200: ExportOut, **REFUSALS}, summary="A packed version; a digest says it is there"
)
@api_view(["GET"])
def export(request: Request, export: int) -> Response:
    return Response(ExportOut(export_by_id(request, export)[1]).data)


@extend_schema(tags=["exports"], responses=FILE, summary="The packed file")
@api_view(["GET"])
def export_file(request: Request, export: int) -> FileResponse:
    return file_response(export_by_id(request, export)[1])
