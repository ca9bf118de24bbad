from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.asked import number_asked
from core.api.projects import REFUSALS
from curation.access import task_by_id, view_by_id
from curation.api.shapes import ViewIn, ViewOut
from curation.models import SavedView
from curation.pair_filter import filter_read
from curation.selectors.views import views_of
from curation.services.views import view_remove, view_save


@extend_schema(tags=["pairs"], parameters=[OpenApiParameter("task", int, required=True)])
class Views(generics.ListAPIView[SavedView]):
    """Saved views of a task's list of pairs: your own and those that others share."""

    serializer_class = ViewOut
    queryset = SavedView.objects.none()

    def get_queryset(self) -> QuerySet[SavedView]:
        access, task = task_by_id(self.request, number_asked(self.request, "task"))
        return views_of(task, access.user)

    @extend_schema(request=ViewIn, parameters=[], responses={201: ViewOut, **REFUSALS}, summary="Save a view")
    def post(self, request: Request) -> Response:
        given = ViewIn(data=request.data)
        given.is_valid(raise_exception=True)
        values = dict(given.validated_data)
        access, task = task_by_id(request, values["task"])
        asked = filter_read(values["query"], task=task, user=access.user).asked()
        view = view_save(actor=access.user, task=task, name=values["name"], query=asked, shared=values["shared"])
        return Response(ViewOut(view).data, status=201)


@extend_schema(tags=["pairs"], responses={204: None, **REFUSALS}, summary="Remove a saved view")
@api_view(["DELETE"])
def view(request: Request, view: int) -> Response:
    access, found = view_by_id(request, view)
    view_remove(actor=access.user, view=found)
    return Response(status=204)
