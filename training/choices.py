"""States of training, each with its label and tone in one place."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ModelState(TextChoices):
    CHECKING = "checking", _("Being checked")
    READY = "ready", _("Ready")
    REFUSED = "refused", _("Refused")


MODEL_TONES = {ModelState.CHECKING: "info", ModelState.READY: "ok", ModelState.REFUSED: "bad"}


class RunState(TextChoices):
    DRAFT = "draft", _("Being prepared")
    WAITING = "waiting", _("Waiting for what it begins from")
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    STOPPING = "stopping", _("Stopping")
    STOPPED = "stopped", _("Stopped, can be resumed")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


RUN_OPEN = (RunState.QUEUED, RunState.RUNNING, RunState.STOPPING)
RUN_STOPPABLE = (RunState.QUEUED, RunState.RUNNING)
RUN_RESUMABLE = (RunState.STOPPED, RunState.FAILED)
# Every way a run may go. A worker that starts again, or that a person starts again from the job's page, goes back to
# running from where the run was left.
RUN_MOVES: dict[str, tuple[str, ...]] = {
    RunState.DRAFT: (RunState.QUEUED, RunState.WAITING),
    RunState.WAITING: (RunState.QUEUED, RunState.FAILED, RunState.CANCELLED),
    RunState.QUEUED: (RunState.RUNNING, RunState.STOPPED, RunState.CANCELLED, RunState.FAILED),
    RunState.RUNNING: (
        RunState.QUEUED,
        RunState.RUNNING,
        RunState.STOPPING,
        RunState.STOPPED,
        RunState.DONE,
        RunState.FAILED,
        RunState.CANCELLED,
    ),
    RunState.STOPPING: (RunState.STOPPED, RunState.DONE, RunState.FAILED, RunState.CANCELLED),
    RunState.STOPPED: (RunState.QUEUED, RunState.RUNNING, RunState.CANCELLED),
    RunState.FAILED: (RunState.QUEUED, RunState.RUNNING, RunState.CANCELLED),
    RunState.DONE: (),
    RunState.CANCELLED: (),
}
RUN_TONES = {
    RunState.DRAFT: "muted",
    RunState.WAITING: "info",
    RunState.QUEUED: "info",
    RunState.RUNNING: "info",
    RunState.STOPPING: "warn",
    RunState.STOPPED: "warn",
    RunState.DONE: "ok",
    RunState.FAILED: "bad",
    RunState.CANCELLED: "muted",
}


class Tell(TextChoices):
    """Who hears that a run has ended."""

    NOBODY = "nobody", _("Nobody")
    REQUESTER = "requester", _("Me")
    OWNERS = "owners", _("All owners of the project")
    MEMBERS = "members", _("Everybody in the project")


class AuditState(TextChoices):
    RUNNING = "running", _("Running")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")
