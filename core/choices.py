"""States and roles of the core, each with its label and tone in one place."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    OWNER = "owner", _("Owner")
    EXPERT = "expert", _("Expert")
    REVIEWER = "reviewer", _("Reviewer")
    VIEWER = "viewer", _("Viewer")


class Need(TextChoices):
    """What a page or endpoint asks of a member."""

    VIEW = "view", _("see this project")
    WRITE = "write", _("write pairs")
    REVIEW = "review", _("review pairs")
    GRADE = "grade", _("grade answers")
    OWN = "own", _("manage this project")


ROLE_GRANTS: dict[str, frozenset[str]] = {
    Role.OWNER: frozenset({Need.VIEW, Need.WRITE, Need.REVIEW, Need.GRADE, Need.OWN}),
    Role.EXPERT: frozenset({Need.VIEW, Need.WRITE, Need.GRADE}),
    Role.REVIEWER: frozenset({Need.VIEW, Need.REVIEW, Need.GRADE}),
    Role.VIEWER: frozenset({Need.VIEW}),
}
EVERYTHING = frozenset[str](Need.values)


def grants_of(role: str) -> frozenset[str]:
    """What a member of that role may do, and an "admin", who is no member: everything."""
    return EVERYTHING if role == "admin" else ROLE_GRANTS[role]


class LinkKind(TextChoices):
    FIRST_ADMIN = "first_admin", _("First admin")
    INVITE = "invite", _("Invitation")
    RESET = "reset", _("Password reset")


class JobState(TextChoices):
    QUEUED = "queued", _("Queued")
    HELD = "held", _("Held")
    RUNNING = "running", _("Running")
    STOPPING = "stopping", _("Stopping")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


JOB_WAITING = (JobState.QUEUED, JobState.HELD)
JOB_ACTIVE = (JobState.RUNNING, JobState.STOPPING)
JOB_OPEN = (*JOB_WAITING, *JOB_ACTIVE)
JOB_ENDED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
JOB_TONES = {
    JobState.QUEUED: "info",
    JobState.HELD: "muted",
    JobState.RUNNING: "info",
    JobState.STOPPING: "warn",
    JobState.DONE: "ok",
    JobState.FAILED: "bad",
    JobState.CANCELLED: "muted",
}


class Queue(TextChoices):
    """Three, so that an import need not wait for a training. People read what waits in each."""

    DEFAULT = "default", _("imports, checks and freezes")
    GENERATE = "generate", _("answers of models")
    TRAIN = "train", _("trainings")


class WebhookState(TextChoices):
    ACTIVE = "active", _("Active")
    PAUSED = "paused", _("Paused")


class WebhookKind(TextChoices):
    PROGRAM = "program", _("A program")
    MAIL = "mail", _("A mail server")


class WebhookEvent(TextChoices):
    """What a program may be told of."""

    JOB_DONE = "job.done", _("A job is done")
    JOB_FAILED = "job.failed", _("A job failed")
    JOB_CANCELLED = "job.cancelled", _("A job was cancelled")
    VERSION_FROZEN = "version.frozen", _("A dataset version is frozen")

    @classmethod
    def usual(cls) -> list[str]:
        """Chosen until somebody chooses otherwise: who cancels a job knows it."""
        return [cls.JOB_DONE, cls.JOB_FAILED, cls.VERSION_FROZEN]


class DeliveryState(TextChoices):
    WAITING = "waiting", _("Waiting")
    TAKEN = "taken", _("Taken")
    GIVEN_UP = "given_up", _("Given up")


DELIVERY_TONES = {DeliveryState.WAITING: "info", DeliveryState.TAKEN: "ok", DeliveryState.GIVEN_UP: "bad"}


class WorkKind(TextChoices):
    WRITE = "write", _("Write")
    PASSAGE = "passage", _("Write from a passage")
    CORRECT = "correct", _("Correct")
    DECLINE = "decline", _("Say you don’t know")
    REVIEW = "review", _("Review")
    ADJUDICATE = "adjudicate", _("Adjudicate")
    GRADE = "grade", _("Grade")
    COMPARE = "compare", _("Compare")


class WorkState(TextChoices):
    OPEN = "open", _("Open")
    DONE = "done", _("Done")
    CLOSED = "closed", _("Closed")


class AssignmentState(TextChoices):
    CLAIMED = "claimed", _("Claimed")
    SUBMITTED = "submitted", _("Submitted")
    SKIPPED = "skipped", _("Skipped")
    RELEASED = "released", _("Released")


class ThreadState(TextChoices):
    OPEN = "open", _("Open")
    SETTLED = "settled", _("Settled")


class MailWish(TextChoices):
    """Which of the news that the inbox holds a person also wants by mail, where a mail server is set up."""

    ALL = "all", _("All that I am named for")
    OWN = "own", _("Only of what I asked for myself")
    NONE = "none", _("None")


class NoticeKind(TextChoices):
    RETURNED = "returned", _("Returned to you")
    ASSIGNED = "assigned", _("Assigned to you")
    MENTIONED = "mentioned", _("You were mentioned")
    ANSWERED = "answered", _("Somebody answered")
    GUIDELINES = "guidelines", _("The guidelines changed")
    SPEEDS = "speeds", _("Measuring of times changed")
    RUN = "run", _("A training ended")
    FACTOR = "factor", _("Your second factor was removed")
    EVALUATION = "evaluation", _("An evaluation ended")

    @property
    def tone(self) -> str:
        return {"returned": "warn", "mentioned": "accent", "guidelines": "warn", "factor": "warn"}.get(
            self.value, "info"
        )
