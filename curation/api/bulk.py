from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.asked import number_asked
from core.api.projects import REFUSALS
from curation.access import bulk_by_id, refuse_bulk, task_by_id
from curation.api.shapes import BulkIn, BulkOut, BulkRefusalOut
from curation.choices import BulkKind
from curation.models import BulkAction, BulkRow
from curation.services.bulk import bulk_start, bulk_undo


@extend_schema(tags=["bulk actions"], parameters=[OpenApiParameter("task", int, required=True)])
class BulkActions(generics.ListAPIView[BulkAction]):
    """Actions over whole filters in a task, newest first."""

    serializer_class = BulkOut
    queryset = BulkAction.objects.none()

    def get_queryset(self) -> QuerySet[BulkAction]:
        _access, task = task_by_id(self.request, number_asked(self.request, "task"))
        return BulkAction.objects.filter(task=task).select_related("created_by")

    @extend_schema(
        request=BulkIn,
        parameters=[],
        responses={202: BulkOut, **REFUSALS},
        summary="Change every pair that a filter finds",
        description="Experts may add and take away tags and check again; the other actions are the owners'.",
    )
    def post(self, request: Request) -> Response:
        given = BulkIn(data=request.data)
        given.is_valid(raise_exception=True)
        values = dict(given.validated_data)
        access, task = task_by_id(request, values.pop("task"))
        refuse_bulk(access, values["kind"])
        action = bulk_start(actor=access.user, task=task, **{**values, "kind": BulkKind(values["kind"])})
        return Response(BulkOut(action).data, status=202)


@extend_schema(tags=["bulk actions"], responses={200: BulkOut, **REFUSALS}, summary="One action with its counts")
@api_view(["GET"])
def action(request: Request, action: int) -> Response:
    return Response(BulkOut(bulk_by_id(request, action)[1]).data)


@extend_schema(tags=["bulk actions"])
class Refusals(generics.ListAPIView[BulkRow]):
    """The pairs that an action left as they were, each with the reason."""

    serializer_class = BulkRefusalOut
    queryset = BulkRow.objects.none()

    def get_queryset(self) -> QuerySet[BulkRow]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return BulkRow.objects.filter(action=bulk_by_id(self.request, self.kwargs["action"])[1]).exclude(reason="")


@extend_schema(tags=["bulk actions"], request=None, responses={202: BulkOut, **REFUSALS}, summary="Undo a whole action")
@api_view(["POST"])
def undo(request: Request, action: int) -> Response:
    access, found = bulk_by_id(request, action)
    refuse_bulk(access, found.kind)
    return Response(BulkOut(bulk_undo(actor=access.user, action=found)).data, status=202)
