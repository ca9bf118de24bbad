"""Who may sign in, for admins, and the caller's own account. What a project's owners do is in members.py."""

from typing import Any

from allauth.core import ratelimit
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.decorators import api_view
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.access import person, refuse_read_only_token, require_admin
from core.api.projects import REFUSALS
from core.choices import LinkKind, MailWish
from core.denied import ApplicationError
from core.forms import LINK_DAYS
from core.models import Membership, OneTimeLink, User
from core.selectors.people import invitations_open, people_list
from core.services.invitations import RESET_DAYS, link_create, link_withdraw
from core.services.people import profile_update, user_deactivate, user_reactivate, user_set_admin
from core.services.second_factor import second_factor_remove


class MembershipOut(serializers.ModelSerializer[Membership]):
    project: serializers.SlugRelatedField[Membership] = serializers.SlugRelatedField(slug_field="slug", read_only=True)

    class Meta:
        model = Membership
        fields = ("project", "role")


class AccountOut(serializers.ModelSerializer[User]):
    is_admin = serializers.BooleanField(source="is_superuser")
    second_factor = serializers.BooleanField(source="has_second_factor")
    memberships = MembershipOut(many=True)

    class Meta:
        model = User
        fields = ("id", "name", "email", "is_active", "is_admin", "second_factor", "last_login", "memberships")


class MeOut(AccountOut):
    class Meta(AccountOut.Meta):
        fields = (*AccountOut.Meta.fields, "single_keys", "mails")  # type: ignore[assignment]


class MeIn(serializers.Serializer[object]):
    """Only what is given is changed."""

    name = serializers.CharField(max_length=150, required=False)
    single_keys = serializers.BooleanField(required=False)
    mails = serializers.ChoiceField(MailWish.choices, required=False, help_text="Which news of trainings come by mail.")


class AdminIn(serializers.Serializer[object]):
    is_admin = serializers.BooleanField()


class SecondFactorIn(serializers.Serializer[object]):
    reason = serializers.CharField(max_length=300, help_text="Kept in the audit log and told to the person.")
    password = serializers.CharField(
        max_length=256, trim_whitespace=False, help_text="Your own: a token alone does not open another's account."
    )


class InvitationOut(serializers.ModelSerializer[OneTimeLink]):
    project: serializers.SlugRelatedField[OneTimeLink] = serializers.SlugRelatedField(
        slug_field="slug", read_only=True, allow_null=True
    )

    class Meta:
        model = OneTimeLink
        fields = ("id", "email", "note", "project", "role", "makes_admin", "created_at", "expires_at")


class InvitationIn(serializers.Serializer[object]):
    email = serializers.EmailField(
        required=False, allow_blank=True, default="", help_text="When given, the link works for this address only."
    )
    note = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    makes_admin = serializers.BooleanField(required=False, default=False)


class LinkOut(serializers.Serializer[object]):
    url = serializers.CharField(help_text="Works once. It is given in this answer alone; hand it over yourself.")


def account(user: int) -> Response:
    return Response(AccountOut(get_object_or_404(people_list(), pk=user)).data)


@extend_schema(tags=["people"])
class People(generics.ListAPIView[User]):
    """Everyone who has an account here, newest first (admins)."""

    serializer_class = AccountOut
    queryset = User.objects.none()

    def get_queryset(self) -> QuerySet[User]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        require_admin(self.request)
        return people_list()


@extend_schema(tags=["people"])
class Invitations(generics.ListAPIView[OneTimeLink]):
    """Invitations that can still be taken up, newest first (admins)."""

    serializer_class = InvitationOut
    queryset = OneTimeLink.objects.none()

    def get_queryset(self) -> QuerySet[OneTimeLink]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        require_admin(self.request)
        return invitations_open()

    @extend_schema(request=InvitationIn, responses={201: LinkOut, **REFUSALS}, summary="Invite somebody (admins)")
    def post(self, request: Request) -> Response:
        actor = require_admin(request)
        given = InvitationIn(data=request.data)
        given.is_valid(raise_exception=True)
        path = link_create(actor=actor, kind=LinkKind.INVITE, days=LINK_DAYS, **given.validated_data)
        return Response({"url": request.build_absolute_uri(path)}, status=201)


@extend_schema(
    tags=["people"], responses={204: None, **REFUSALS}, summary="Withdraw an invitation that nobody took up (admins)"
)
@api_view(["DELETE"])
def invitation(request: Request, invitation: int) -> Response:
    link_withdraw(actor=require_admin(request), link_id=invitation)
    return Response(status=204)


@extend_schema(
    tags=["people"],
    request=None,
    responses={200: AccountOut, **REFUSALS},
    summary="End a person's sessions, tokens and links, and let them in no more (admins)",
)
@api_view(["POST"])
def deactivate(request: Request, user: int) -> Response:
    actor = require_admin(request)
    user_deactivate(actor=actor, user=get_object_or_404(User, pk=user))
    return account(user)


@extend_schema(
    tags=["people"], request=None, responses={200: AccountOut, **REFUSALS}, summary="Let a person in again (admins)"
)
@api_view(["POST"])
def reactivate(request: Request, user: int) -> Response:
    actor = require_admin(request)
    user_reactivate(actor=actor, user=get_object_or_404(User, pk=user))
    return account(user)


@extend_schema(
    tags=["people"],
    request=AdminIn,
    responses={200: AccountOut, **REFUSALS},
    summary="Give or take the admin role (admins)",
)
@api_view(["POST"])
def admin(request: Request, user: int) -> Response:
    actor, found = require_admin(request), get_object_or_404(User, pk=user)
    given = AdminIn(data=request.data)
    given.is_valid(raise_exception=True)
    user_set_admin(actor=actor, user=found, **given.validated_data)
    return account(user)


@extend_schema(
    tags=["people"],
    request=None,
    responses={201: LinkOut, **REFUSALS},
    summary="A one-time link with which a person sets a new password (admins)",
)
@api_view(["POST"])
def reset_link(request: Request, user: int) -> Response:
    actor, found = require_admin(request), get_object_or_404(User, pk=user, is_active=True)
    path = link_create(actor=actor, kind=LinkKind.RESET, user=found, days=RESET_DAYS)
    return Response({"url": request.build_absolute_uri(path)}, status=201)


@extend_schema(
    tags=["people"],
    request=SecondFactorIn,
    responses={200: AccountOut, 429: None, **REFUSALS},
    summary="Remove the second factor of a person who lost phone and recovery codes (admins)",
)
@api_view(["POST"])
def second_factor_removal(request: Request, user: int) -> Response:
    actor, found = require_admin(request), get_object_or_404(User, pk=user, is_active=True)
    given = SecondFactorIn(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(given.validated_data)
    refuse_other_than(request, actor, values["password"])
    second_factor_remove(actor=actor, user=found, reason=values["reason"])
    return account(user)


def refuse_other_than(request: Request, user: User, password: str) -> None:
    """What the pages ask by “Is it you?”, with the same limit on guesses."""
    if not ratelimit.consume(request._request, action="reauthenticate", user=user):
        raise Throttled
    if not user.check_password(password):
        raise ApplicationError(_("This is not your password."), field="password")


@extend_schema(tags=["people"])
class Me(APIView):
    @extend_schema(responses={200: MeOut}, summary="Your own account")
    def get(self, request: Request) -> Response:
        return Response(MeOut(people_list().get(pk=person(request).pk)).data)

    @extend_schema(request=MeIn, responses={200: MeOut, **REFUSALS}, summary="Change your name, shortcuts or mails")
    def patch(self, request: Request) -> Response:
        actor = person(request)
        refuse_read_only_token(request)
        given = MeIn(data=request.data)
        given.is_valid(raise_exception=True)
        now: dict[str, Any] = {"name": actor.name, "single_keys": actor.single_keys, "mails": actor.mails}
        profile_update(actor=actor, **{**now, **given.validated_data})
        return self.get(request)
