from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.access import project_access, projects_for, require_admin
from core.api.shapes import MemberChange, MemberOut, ProjectChange, ProjectDetailOut, ProjectIn, ProjectOut, Refusal
from core.choices import Need, Role
from core.models import Membership, Project, User
from core.selectors.people import members_of
from core.services.people import membership_remove, membership_set
from core.services.projects import project_create, project_update

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


@extend_schema(tags=["projects"])
class Members(generics.ListAPIView[Membership]):
    """Who works in the project, for its members."""

    serializer_class = MemberOut
    queryset = Membership.objects.none()

    def get_queryset(self) -> QuerySet[Membership]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        access = project_access(self.request, self.kwargs["project"])
        return members_of(access.project)


@extend_schema(tags=["projects"])
class MemberView(APIView):
    @extend_schema(
        request=MemberChange, responses={200: MemberOut, **REFUSALS}, summary="Change a member's role (owners)"
    )
    def put(self, request: Request, project: str, user: int) -> Response:
        access = project_access(request, project, Need.OWN)
        person = get_object_or_404(User, pk=user, memberships__project=access.project)
        given = MemberChange(data=request.data)
        given.is_valid(raise_exception=True)
        role = Role(given.validated_data["role"])
        member = membership_set(actor=access.user, project=access.project, user=person, role=role)
        return Response(MemberOut(member).data)

    @extend_schema(responses={204: None, **REFUSALS}, summary="Remove a member (owners)")
    def delete(self, request: Request, project: str, user: int) -> Response:
        access = project_access(request, project, Need.OWN)
        person = get_object_or_404(User, pk=user, memberships__project=access.project)
        membership_remove(actor=access.user, project=access.project, user=person)
        return Response(status=status.HTTP_204_NO_CONTENT)


def project_of(request: Any) -> Project | None:
    """The project named by ?project=, None without one."""
    slug = request.query_params.get("project", "")
    return project_access(request, slug).project if slug else None
