"""Webhooks, for admins: who is told what, and the log of every delivery."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from core.access import require_admin
from core.choices import WebhookState
from core.models import Delivery, User, Webhook
from core.selectors.keyset import keyset_page
from core.selectors.webhooks import webhooks_with_counts
from core.services.webhooks import (
    KEPT_DAYS,
    delivery_resend,
    mail_server_create,
    webhook_create,
    webhook_remove,
    webhook_switch,
)
from core.views.telling import refusal_on, refusal_told
from core.webhook_forms import MailServerForm, WebhookForm


@never_cache
def webhooks(request: HttpRequest) -> HttpResponse:
    """All of them with how their deliveries went, and a form for one more. Its secret is shown in this answer alone."""
    actor = require_admin(request)
    if "mail-url" in request.POST:
        return mail_server(request, actor)
    form = WebhookForm(request.POST or None)
    made = None
    if request.method == "POST" and form.is_valid():
        with refusal_on(form):
            made = webhook_create(actor=actor, **form.cleaned_data)
    return answer(request, WebhookForm() if made else form, MailServerForm(), made)


def mail_server(request: HttpRequest, actor: User) -> HttpResponse:
    """Name a server that carries news to people; its page tells how the first mail went."""
    form = MailServerForm(request.POST)
    if form.is_valid():
        with refusal_on(form):
            made = mail_server_create(actor=actor, site=request.build_absolute_uri("/")[:-1], **form.cleaned_data)
        if not form.errors:
            return redirect("webhooks-detail", made.pk)
    return answer(request, WebhookForm(), form, None)


def answer(request: HttpRequest, form: WebhookForm, mail_form: MailServerForm, made: Webhook | None) -> HttpResponse:
    context = {"webhooks": webhooks_with_counts(), "form": form, "mail_form": mail_form, "made": made}
    return render(request, "core/webhooks.html", context, status=400 if form.errors or mail_form.errors else 200)


@require_GET
def webhook(request: HttpRequest, webhook: int) -> HttpResponse:
    require_admin(request)
    found = get_object_or_404(Webhook.objects.select_related("project", "created_by"), pk=webhook)
    page = keyset_page(found.deliveries.all(), request.GET.dict())
    return render(request, "core/webhook.html", {"webhook": found, "page": page, "kept_days": KEPT_DAYS})


@require_POST
def switch(request: HttpRequest, webhook: int) -> HttpResponse:
    """Pause, or go on."""
    actor, found = require_admin(request), get_object_or_404(Webhook, pk=webhook)
    wanted = WebhookState.ACTIVE if found.state == WebhookState.PAUSED else WebhookState.PAUSED
    webhook_switch(actor=actor, webhook=found, state=wanted)
    return redirect("webhooks-detail", webhook)


@require_POST
def remove(request: HttpRequest, webhook: int) -> HttpResponse:
    actor, found = require_admin(request), get_object_or_404(Webhook, pk=webhook)
    with refusal_told(request, _("The webhook is gone, with its log.")):
        webhook_remove(actor=actor, webhook=found)
    return redirect("webhooks")


@require_POST
def resend(request: HttpRequest, delivery: int) -> HttpResponse:
    actor = require_admin(request)
    found = get_object_or_404(Delivery.objects.select_related("webhook"), pk=delivery)
    with refusal_told(request, _("It is sent once more, under its old number.")):
        delivery_resend(actor=actor, delivery=found)
    return redirect("webhooks-detail", found.webhook_id)
