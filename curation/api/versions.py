from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.decorators import api_view
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.projects import REFUSALS
from core.choices import Need
from core.denied import ApplicationError
from curation.access import suite_by_id, task_by_id, version_by_id
from curation.api.shapes import SuiteItemOut, SuiteOut, VerifiedOut, VersionIn, VersionOut, VersionRowOut
from curation.api.tasks import PROJECT, projects_asked
from curation.choices import Part
from curation.models import DatasetVersion, Suite, SuiteItem, VersionPair
from curation.selectors.subsets import Subset, subset_ordinals
from curation.services.verifying import version_verify
from curation.services.versions import version_freeze


class ByOrdinal(CursorPagination):
    ordering = "ordinal"
    page_size_query_param = "page_size"
    max_page_size = 500


@extend_schema(tags=["dataset-versions"], parameters=[PROJECT])
class Versions(generics.ListAPIView[DatasetVersion]):
    """Dataset versions, newest first."""

    serializer_class = VersionOut
    queryset = DatasetVersion.objects.none()

    def get_queryset(self) -> QuerySet[DatasetVersion]:
        projects = projects_asked(self.request)
        return DatasetVersion.objects.filter(task__project__in=projects).select_related("created_by")

    @extend_schema(
        request=VersionIn,
        responses={202: VersionOut, **REFUSALS},
        summary="Freeze the approved pairs, as a job (owners)",
    )
    def post(self, request: Request) -> Response:
        given = VersionIn(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(given.validated_data)
        access, task = task_by_id(request, values.pop("task"), Need.OWN)
        return Response(VersionOut(version_freeze(actor=access.user, task=task, **values)).data, status=202)


@extend_schema(tags=["dataset-versions"], responses={200: VersionOut, **REFUSALS}, summary="One version")
@api_view(["GET"])
def version(request: Request, version: int) -> Response:
    return Response(VersionOut(version_by_id(request, version)[1]).data)


@extend_schema(
    tags=["dataset-versions"],
    request=None,
    responses={200: VerifiedOut, 202: VerifiedOut, **REFUSALS},
    summary="Compute its hash again from the stored texts, of a large version as a job (owners)",
)
@api_view(["POST"])
def verify(request: Request, version: int) -> Response:
    access, found = version_by_id(request, version, Need.OWN)
    found = version_verify(actor=access.user, version=found)
    under_way = found.verification is not None and found.verification.is_open
    told = {
        "same": None if under_way else found.verified_same,
        "sha256": found.sha256,
        "changed": None if under_way else found.verified_changed,
        "job": found.verification_id if under_way else None,
    }
    return Response(told, status=202 if under_way else 200)


SUBSET = [
    OpenApiParameter("part", str, enum=Part.values),
    OpenApiParameter(
        "share", float, description="Above 0 and up to 1: a share of the train part that lies in every larger."
    ),
    OpenApiParameter("seed", int, description="Which rows these are; 0 unless given."),
]


@extend_schema(tags=["dataset-versions"], parameters=SUBSET)
class Rows(generics.ListAPIView[VersionPair]):
    """The rows of a version in its order."""

    serializer_class = VersionRowOut
    pagination_class = ByOrdinal
    queryset = VersionPair.objects.none()

    def get_queryset(self) -> QuerySet[VersionPair]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        found = version_by_id(self.request, self.kwargs["version"])[1]
        rows = VersionPair.objects.filter(version=found).select_related("revision__author")
        query = self.request.query_params
        if "share" in query:
            taken = subset_ordinals(found, subset_asked(query))
            rows = rows.exclude(part=Part.TRAIN) | rows.filter(part=Part.TRAIN, ordinal__in=taken)
        part = query.get("part", "")
        return rows.filter(part=part) if part in Part.values else rows


def subset_asked(query: Mapping[str, str]) -> Subset:
    """Raises ApplicationError for what is no share or no seed."""
    try:
        return Subset(float(query.get("share", "1")), int(query.get("seed", "0")))
    except ValueError as error:
        raise ApplicationError(_("A share lies above 0 and up to 1, and a seed is a number."), field="share") from error


@extend_schema(tags=["suites"], parameters=[PROJECT])
class Suites(generics.ListAPIView[Suite]):
    """Frozen sets of test items, newest first."""

    serializer_class = SuiteOut
    queryset = Suite.objects.none()

    def get_queryset(self) -> QuerySet[Suite]:
        return Suite.objects.filter(project__in=projects_asked(self.request))


@extend_schema(tags=["suites"], responses={200: SuiteOut, **REFUSALS}, summary="One suite")
@api_view(["GET"])
def suite(request: Request, suite: int) -> Response:
    return Response(SuiteOut(suite_by_id(request, suite)[1]).data)


@extend_schema(tags=["suites"])
class SuiteItems(generics.ListAPIView[SuiteItem]):
    """The items of a suite in its order."""

    serializer_class = SuiteItemOut
    pagination_class = ByOrdinal
    queryset = SuiteItem.objects.none()

    def get_queryset(self) -> QuerySet[SuiteItem]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        found = suite_by_id(self.request, self.kwargs["suite"])[1]
        return SuiteItem.objects.filter(suite=found).select_related("revision__author")
