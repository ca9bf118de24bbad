from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.decorators import api_view
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.projects import REFUSALS
from core.choices import Need
from curation.access import import_by_id, task_by_id
from curation.api.shapes import ImportCheckIn, ImportIn, ImportOut, ImportStartIn, ProblemOut, mapping_of
from curation.api.tasks import PROJECT, projects_asked
from curation.choices import STARTABLE
from curation.import_mapping import Mapping
from curation.models import Import, ImportProblem
from curation.services.import_report import import_check
from curation.services.import_undo import import_undo
from curation.services.imports import import_choose, import_discard, import_start, import_upload


@extend_schema(tags=["imports"], parameters=[PROJECT])
class Imports(generics.ListAPIView[Import]):
    """Imports, newest first."""

    serializer_class = ImportOut
    queryset = Import.objects.none()
    parser_classes = [MultiPartParser]

    def get_queryset(self) -> QuerySet[Import]:
        return Import.objects.filter(task__project__in=projects_asked(self.request)).select_related("created_by")

    @extend_schema(
        request=ImportIn, responses={201: ImportOut, **REFUSALS}, summary="Upload a file; nothing is taken from it yet"
    )
    def post(self, request: Request) -> Response:
        given = ImportIn(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(given.validated_data)
        access, task = task_by_id(request, values["task"], Need.WRITE)
        batch = import_upload(actor=access.user, task=task, upload=values["file"])
        return Response(ImportOut(batch).data, status=201)


@extend_schema(
    tags=["imports"], methods=["GET"], responses={200: ImportOut, **REFUSALS}, summary="One import with its counts"
)
@extend_schema(
    tags=["imports"], methods=["DELETE"], responses={204: None, **REFUSALS},
    summary="Throw away an upload of which nothing was taken",
)  # fmt: skip
@api_view(["GET", "DELETE"])
def import_one(request: Request, batch: int) -> Response:
    access, found = import_by_id(request, batch, Need.WRITE if request.method == "DELETE" else Need.VIEW)
    if request.method == "DELETE":
        import_discard(actor=access.user, batch=found)
        return Response(status=204)
    return Response(ImportOut(found).data)


@extend_schema(
    tags=["imports"], request=ImportStartIn, responses={202: ImportOut, **REFUSALS}, summary="Start it as a job"
)
@api_view(["POST"])
def start(request: Request, batch: int) -> Response:
    given = ImportStartIn(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(given.validated_data)
    access, found = import_by_id(request, batch, Need.OWN if values["approve"] else Need.WRITE)
    mapping = mapping_asked(found, values)
    source = values["source"] or found.source
    started = import_start(actor=access.user, batch=found, mapping=mapping, approve=values["approve"], source=source)
    return Response(ImportOut(started).data, status=202)


def mapping_asked(batch: Import, values: dict[str, Any]) -> Mapping:
    """The columns that the caller chose, else those recognised, of the sheet or split that the caller named."""
    if batch.state in STARTABLE and values["table"] not in ("", batch.table):
        import_choose(batch=batch, table=values["table"])
    return mapping_of(values["mapping"]) if "mapping" in values else Mapping.from_json(batch.mapping)


@extend_schema(
    tags=["imports"], request=ImportCheckIn, responses={202: ImportOut, **REFUSALS},
    summary="Look through the whole file as a job, before anything is stored",
)  # fmt: skip
@api_view(["POST"])
def check(request: Request, batch: int) -> Response:
    access, found = import_by_id(request, batch, Need.WRITE)
    given = ImportCheckIn(data=request.data)
    given.is_valid(raise_exception=True)
    mapping = mapping_asked(found, dict(given.validated_data))
    return Response(ImportOut(import_check(actor=access.user, batch=found, mapping=mapping)).data, status=202)


@extend_schema(
    tags=["imports"], request=None, responses={202: ImportOut, **REFUSALS},
    summary="Take everything back that it brought in and nobody has worked on since (owners)",
)  # fmt: skip
@api_view(["POST"])
def undo(request: Request, batch: int) -> Response:
    access, found = import_by_id(request, batch, Need.OWN)
    return Response(ImportOut(import_undo(actor=access.user, batch=found)).data, status=202)


@extend_schema(tags=["imports"])
class Problems(generics.ListAPIView[ImportProblem]):
    """The refused rows of an import with their reasons, last row first."""

    serializer_class = ProblemOut
    queryset = ImportProblem.objects.none()

    def get_queryset(self) -> QuerySet[ImportProblem]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return ImportProblem.objects.filter(batch=import_by_id(self.request, self.kwargs["batch"])[1])
