import secrets
import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.choices import DELIVERY_TONES, DeliveryState, WebhookEvent, WebhookKind, WebhookState
from core.models.people import Project, User


def new_secret() -> str:
    return secrets.token_urlsafe(32)


class Webhook(models.Model):
    """An address that is told what happened: a program's, or that of a mail server, which tells people.

    It is reached through the door alone, on its maker's word.
    """

    kind = models.CharField(max_length=8, choices=WebhookKind.choices, default=WebhookKind.PROGRAM)
    url = models.URLField(_("address"), max_length=500)
    secret = models.CharField(
        max_length=255, default=new_secret
    )  # signs each delivery; shown once. A mail server's password
    user = models.CharField(max_length=120, blank=True)  # as whom the mail server knows us
    sender = models.EmailField(blank=True)  # of the mails
    site = models.URLField(max_length=200, blank=True)  # where people find this installation
    events = ArrayField(models.CharField(max_length=40))
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="+")  # None: all of them
    state = models.CharField(max_length=8, choices=WebhookState.choices, default=WebhookState.ACTIVE)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.url

    @property
    def told_of(self) -> list[str]:
        """What it is told of, in words; a mail server carries what people are told."""
        labels = dict(WebhookEvent.choices)
        return [str(labels[name]) for name in self.events if name in labels] or [str(WebhookKind(self.kind).label)]


class Delivery(models.Model):
    """One telling to one webhook. Its `number` stays the same however often it is sent: the receiver knows it again."""

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    number = models.UUIDField(default=uuid.uuid4, unique=True)
    event = models.CharField(max_length=40)
    body = models.TextField()  # the exact text that is signed and sent
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)  # of the last answer
    error = models.CharField(max_length=400, blank=True)  # why the last attempt did not count
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("next_at",), condition=Q(state=DeliveryState.WAITING), name="delivery_due"),)

    def __str__(self) -> str:
        return f"{self.event} {self.number}"

    @property
    def tone(self) -> str:
        return DELIVERY_TONES[DeliveryState(self.state)]
