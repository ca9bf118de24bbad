"""States of evaluation, each with its label and tone in one place."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class EvaluationState(TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


EVALUATION_OPEN = (EvaluationState.QUEUED, EvaluationState.RUNNING)
EVALUATION_AGAIN = (EvaluationState.FAILED, EvaluationState.CANCELLED)
# Where a candidate may go from. A worker that takes a job over finds it running already.
CANDIDATE_COMES_FROM = {
    EvaluationState.QUEUED: EVALUATION_AGAIN,
    EvaluationState.RUNNING: (*EVALUATION_OPEN, *EVALUATION_AGAIN),
    EvaluationState.DONE: EVALUATION_OPEN,
    EvaluationState.FAILED: EVALUATION_OPEN,
    EvaluationState.CANCELLED: EVALUATION_OPEN,
}
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
    TOO_LONG = "too_long", _("The question left no room for an answer")


class Usable(TextChoices):
    """Absolute quality beside any preference."""

    AS_IS = "as_is", _("Usable as it is")
    EDITED = "edited", _("Usable after editing")
    NO = "no", _("Not usable")


class RoundState(TextChoices):
    OPEN = "open", _("Open")
    CLOSED = "closed", _("Closed")


class RoundKind(TextChoices):
    """What people do in a round: grade each answer by the rubric, or choose the better of two."""

    GRADES = "grades", _("Grades")
    VOTES = "votes", _("Votes")


class Winner(TextChoices):
    """What a person said of two answers to one question."""

    LEFT = "left", _("A is better")
    RIGHT = "right", _("B is better")
    TIE = "tie", _("Both are good alike")
    BOTH_BAD = "both_bad", _("Both are bad")


class Verdict(TextChoices):
    """What the interval of a paired difference says about the second model."""

    BETTER = "better", _("Better")
    WORSE = "worse", _("Worse")
    UNDECIDED = "undecided", _("Undecided")
    DIFFERENT = "different", _("Different")  # of a measure that has no good side, such as length


VERDICT_TONES = {
    Verdict.BETTER: "ok",
    Verdict.WORSE: "bad",
    Verdict.UNDECIDED: "muted",
    Verdict.DIFFERENT: "info",
}
