"""States of evaluation, each with its label and tone in one place."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class EvaluationState(TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


EVALUATION_TONES = {
    EvaluationState.QUEUED: "info",
    EvaluationState.RUNNING: "info",
    EvaluationState.DONE: "ok",
    EvaluationState.FAILED: "bad",
    EvaluationState.CANCELLED: "muted",
}


class FinishReason(TextChoices):
    STOP = "stop", _("Stopped by itself")
    LENGTH = "length", _("Ran into the length limit")


class Usable(TextChoices):
    """Absolute quality beside any preference."""

    AS_IS = "as_is", _("Usable as it is")
    EDITED = "edited", _("Usable after editing")
    NO = "no", _("Not usable")


class RoundState(TextChoices):
    OPEN = "open", _("Open")
    CLOSED = "closed", _("Closed")
