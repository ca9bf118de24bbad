from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.access import project_access, projects_for, require_admin
from core.api.shapes import ProjectChange, ProjectDetailOut, ProjectIn, ProjectOut, Refusal
from core.choices import Need
from core.models import Project
from core.services.projects import project_create, project_remove_demo, project_update

REFUSALS = {400: Refusal, 403: Refusal, 404: Refusal}


@extend_schema(tags=["projects"])
class Projects(generics.ListAPIView[Project]):
    """The projects you may see, newest first."""

    serializer_class = ProjectOut
    queryset = Project.objects.none()

    def get_queryset(self) -> QuerySet[Project]:
        return projects_for(self.request)

    @extend_schema(request=ProjectIn, responses={201: ProjectOut, **REFUSALS}, summary="Make a project (admins)")
    def post(self, request: Request) -> Response:
        actor = require_admin(request)
        given = ProjectIn(data=request.data)
        given.is_valid(raise_exception=True)
        project = project_create(actor=actor, **given.validated_data)
        return Response(ProjectOut(project).data, status=status.HTTP_201_CREATED)


@extend_schema(tags=["projects"])
class ProjectView(APIView):
    @extend_schema(responses={200: ProjectDetailOut, 404: Refusal}, summary="One project and your role in it")
    def get(self, request: Request, project: str) -> Response:
        access = project_access(request, project)
        return Response(ProjectDetailOut(access.project, context={"access": access}).data)

    @extend_schema(
        request=ProjectChange, responses={200: ProjectDetailOut, **REFUSALS}, summary="Change its settings (owners)"
    )
    def patch(self, request: Request, project: str) -> Response:
        access = project_access(request, project, Need.OWN)
        given = ProjectChange(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        changed = project_update(actor=access.user, project=access.project, **given.validated_data)
        return Response(ProjectDetailOut(changed, context={"access": access}).data)

    @extend_schema(responses={204: None, **REFUSALS}, summary="Remove the demo project with all in it (owners)")
    def delete(self, request: Request, project: str) -> Response:
        access = project_access(request, project, Need.OWN)
        project_remove_demo(actor=access.user, project=access.project)
        return Response(status=status.HTTP_204_NO_CONTENT)


def project_of(request: Any) -> Project | None:
    """The project named by ?project=, None without one."""
    slug = request.query_params.get("project", "")
    return project_access(request, slug).project if slug else None
