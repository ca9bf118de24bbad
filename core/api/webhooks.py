from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.access import project_access, require_admin
from core.api.projects import REFUSALS
from core.choices import WebhookEvent, WebhookState
from core.models import Delivery, Webhook
from core.services.webhooks import (
    delivery_resend,
    mail_server_create,
    webhook_create,
    webhook_remove,
    webhook_switch,
)


class WebhookOut(serializers.ModelSerializer[Webhook]):
    project: serializers.SlugRelatedField[Webhook] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    events = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Webhook
        fields = ("id", "kind", "url", "sender", "events", "project", "state", "created_at")


class WebhookMadeOut(WebhookOut):
    """The secret is given in this answer alone; a mail server's is the password it was made with."""

    class Meta(WebhookOut.Meta):
        fields = (*WebhookOut.Meta.fields, "secret")  # type: ignore[assignment]


class WebhookIn(serializers.Serializer[object]):
    url = serializers.CharField(
        max_length=500, help_text="https://host:port/path of a program, or smtps://host:465 of a mail server."
    )
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=WebhookEvent.choices),
        required=False,
        default=WebhookEvent.usual,
        help_text="Of a program only.",
    )
    project = serializers.SlugField(required=False, help_text="Without it, all projects.")
    sender = serializers.EmailField(required=False, default="", help_text="Of a mail server: where mails come from.")
    user = serializers.CharField(max_length=120, required=False, default="")
    password = serializers.CharField(max_length=255, required=False, default="", trim_whitespace=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["url"].startswith("smtp") and not attrs["sender"]:
            raise serializers.ValidationError({"sender": [_("A mail server needs a sender.")]})
        return attrs


class WebhookChange(serializers.Serializer[object]):
    state = serializers.ChoiceField(choices=WebhookState.choices)


class DeliveryOut(serializers.ModelSerializer[Delivery]):
    class Meta:
        model = Delivery
        fields = (
            "id", "number", "event", "body", "state", "attempts", "next_at", "status", "error", "created_at",
            "ended_at",
        )  # fmt: skip


@extend_schema(tags=["webhooks"])
class Webhooks(generics.ListAPIView[Webhook]):
    """Webhooks, newest first (admins)."""

    serializer_class = WebhookOut
    queryset = Webhook.objects.none()

    def get_queryset(self) -> QuerySet[Webhook]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        require_admin(self.request)
        return Webhook.objects.select_related("project")

    @extend_schema(
        request=WebhookIn,
        responses={201: WebhookMadeOut, **REFUSALS},
        summary="Make a webhook or name a mail server (admins)",
    )
    def post(self, request: Request) -> Response:
        actor = require_admin(request)
        given = WebhookIn(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(given.validated_data)
        project = project_access(request, values["project"]).project if values.get("project") else None
        if values["url"].startswith("smtp"):
            told = {name: values[name] for name in ("url", "sender", "user", "password")}
            site = request.build_absolute_uri("/")[:-1]
            made = mail_server_create(actor=actor, site=site, project=project, **told)
        else:
            made = webhook_create(actor=actor, url=values["url"], events=list(values["events"]), project=project)
        return Response(WebhookMadeOut(made).data, status=201)


@extend_schema(tags=["webhooks"])
class WebhookView(APIView):
    @extend_schema(responses={200: WebhookOut, **REFUSALS}, summary="One webhook (admins)")
    def get(self, request: Request, webhook: int) -> Response:
        require_admin(request)
        return Response(WebhookOut(get_object_or_404(Webhook, pk=webhook)).data)

    @extend_schema(request=WebhookChange, responses={200: WebhookOut, **REFUSALS}, summary="Pause it or let it go on")
    def patch(self, request: Request, webhook: int) -> Response:
        actor = require_admin(request)
        found = get_object_or_404(Webhook, pk=webhook)
        given = WebhookChange(data=request.data)
        given.is_valid(raise_exception=True)
        state = WebhookState(dict(given.validated_data)["state"])
        return Response(WebhookOut(webhook_switch(actor=actor, webhook=found, state=state)).data)

    @extend_schema(responses={204: None, **REFUSALS}, summary="Remove it with its log (admins)")
    def delete(self, request: Request, webhook: int) -> Response:
        actor = require_admin(request)
        webhook_remove(actor=actor, webhook=get_object_or_404(Webhook, pk=webhook))
        return Response(status=204)


@extend_schema(tags=["webhooks"])
class Deliveries(generics.ListAPIView[Delivery]):
    """The log of a webhook, newest first (admins)."""

    serializer_class = DeliveryOut
    queryset = Delivery.objects.none()

    def get_queryset(self) -> QuerySet[Delivery]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        require_admin(self.request)
        return Delivery.objects.filter(webhook=get_object_or_404(Webhook, pk=self.kwargs["webhook"]))


@extend_schema(
    tags=["webhooks"],
    request=None,
    responses={202: DeliveryOut, **REFUSALS},
    summary="Send a delivery once more (admins)",
)
@api_view(["POST"])
def resend(request: Request, delivery: int) -> Response:
    actor = require_admin(request)
    found = get_object_or_404(Delivery.objects.select_related("webhook"), pk=delivery)
    return Response(DeliveryOut(delivery_resend(actor=actor, delivery=found)).data, status=202)
