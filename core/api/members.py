"""Who works in a project, and who is invited to."""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.access import project_access
from core.api.people import InvitationOut, LinkOut
from core.api.projects import REFUSALS
from core.api.shapes import MemberChange, MemberOut
from core.choices import LinkKind, Need, Role
from core.forms import LINK_DAYS
from core.models import Membership, OneTimeLink, User
from core.selectors.people import invitations_open, members_of
from core.services.invitations import link_create, link_withdraw
from core.services.people import membership_remove, membership_set


class MemberInvitationIn(serializers.Serializer[object]):
    email = serializers.EmailField(
        required=False, allow_blank=True, default="", help_text="When given, the link works for this address only."
    )
    note = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    role = serializers.ChoiceField(choices=Role.choices, required=False, default=Role.EXPERT)


@extend_schema(tags=["people"])
class Members(generics.ListAPIView[Membership]):
    """Who works in the project, for its members."""

    serializer_class = MemberOut
    queryset = Membership.objects.none()

    def get_queryset(self) -> QuerySet[Membership]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        access = project_access(self.request, self.kwargs["project"])
        return members_of(access.project)


@extend_schema(tags=["people"])
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
        return Response(status=204)


@extend_schema(tags=["people"])
class MemberInvitations(generics.ListAPIView[OneTimeLink]):
    """Invitations into the project that can still be taken up, newest first (owners)."""

    serializer_class = InvitationOut
    queryset = OneTimeLink.objects.none()

    def get_queryset(self) -> QuerySet[OneTimeLink]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return invitations_open(project_access(self.request, self.kwargs["project"], Need.OWN).project)

    @extend_schema(
        request=MemberInvitationIn, responses={201: LinkOut, **REFUSALS}, summary="Invite somebody with a role (owners)"
    )
    def post(self, request: Request, project: str) -> Response:
        access = project_access(request, project, Need.OWN)
        given = MemberInvitationIn(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = {"project": access.project, "days": LINK_DAYS, **given.validated_data}
        path = link_create(actor=access.user, kind=LinkKind.INVITE, **wanted)
        return Response({"url": request.build_absolute_uri(path)}, status=201)


@extend_schema(
    tags=["people"], responses={204: None, **REFUSALS}, summary="Withdraw an invitation that nobody took up (owners)"
)
@api_view(["DELETE"])
def invitation(request: Request, project: str, invitation: int) -> Response:
    access = project_access(request, project, Need.OWN)
    link_withdraw(actor=access.user, link_id=invitation, project=access.project)
    return Response(status=204)
