from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.access import project_access, projects_for
from core.api.projects import REFUSALS, project_of
from core.choices import Need
from curation.access import task_by_id
from curation.api.shapes import TaskChange, TaskIn, TaskOut
from curation.models import Task
from curation.services.tasks import task_create, task_update

PROJECT = OpenApiParameter("project", str, description="Slug; without it, those of every project you may see.")


def projects_asked(request: Any) -> Any:
    project = project_of(request)
    return projects_for(request) if project is None else [project]


@extend_schema(tags=["tasks"], parameters=[PROJECT])
class Tasks(generics.ListAPIView[Task]):
    """Tasks, newest first."""

    serializer_class = TaskOut
    queryset = Task.objects.none()

    def get_queryset(self) -> QuerySet[Task]:
        return Task.objects.filter(project__in=projects_asked(self.request)).select_related("project")

    @extend_schema(request=TaskIn, responses={201: TaskOut, **REFUSALS}, summary="Make a task (owners)")
    def post(self, request: Request) -> Response:
        given = TaskIn(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(given.validated_data)
        access = project_access(request, values.pop("project"), Need.OWN)
        task = task_create(actor=access.user, project=access.project, **values)
        return Response(TaskOut(task).data, status=201)


@extend_schema(tags=["tasks"])
class TaskView(APIView):
    @extend_schema(responses={200: TaskOut, **REFUSALS}, summary="One task")
    def get(self, request: Request, task: int) -> Response:
        return Response(TaskOut(task_by_id(request, task)[1]).data)

    @extend_schema(request=TaskChange, responses={200: TaskOut, **REFUSALS}, summary="Change a task (owners)")
    def patch(self, request: Request, task: int) -> Response:
        access, found = task_by_id(request, task, Need.OWN)
        given = TaskChange(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(TaskOut(task_update(actor=access.user, task=found, **given.validated_data)).data)
