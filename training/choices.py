"""States of training, each with its label and tone in one place."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ModelState(TextChoices):
    CHECKING = "checking", _("Being checked")
    READY = "ready", _("Ready")
    REFUSED = "refused", _("Refused")


class RunState(TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    STOPPING = "stopping", _("Stopping")
    STOPPED = "stopped", _("Stopped, can be resumed")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


RUN_OPEN = (RunState.QUEUED, RunState.RUNNING, RunState.STOPPING)
RUN_RESUMABLE = (RunState.STOPPED, RunState.FAILED)
RUN_TONES = {
    RunState.QUEUED: "info",
    RunState.RUNNING: "info",
    RunState.STOPPING: "warn",
    RunState.STOPPED: "warn",
    RunState.DONE: "ok",
    RunState.FAILED: "bad",
    RunState.CANCELLED: "muted",
}


class AuditState(TextChoices):
    RUNNING = "running", _("Running")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")
