"""How far an evaluation is as a whole, though its models answer one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Min
from django.utils import timezone

from core.models import Job
from evaluation.choices import EVALUATION_OPEN, EvaluationState
from evaluation.models import Candidate, Evaluation


@dataclass(frozen=True)
class Whole:
    """Share from 0 to 1 and seconds left; None where nothing was foretold and nothing is measured yet."""

    share: float
    eta_seconds: int | None
    turn: int  # the model that answers now or next, from 1
    models: int
    overdue: bool  # it takes longer than the most that was foretold


def whole_of(evaluation: Evaluation, candidates: Sequence[Candidate]) -> Whole | None:
    """None once it has ended. A model that waits is expected to take what was foretold of it, corrected by how far off
    that was for the model before it."""
    if evaluation.state not in EVALUATION_OPEN or not candidates:
        return None
    foretold = evaluation.estimate.get("parts") or [None] * len(candidates)
    left: list[float | None] = []
    pace: float | None = None if foretold[0] is None else 1.0  # seconds for each that was foretold, or for a model
    for candidate, expected in zip(candidates, foretold, strict=True):
        took = None if pace is None else pace * (expected or 1.0)
        if candidate.job is not None and candidate.state in (EvaluationState.RUNNING, EvaluationState.DONE):
            took = seconds_of(candidate.job, took)
            pace = None if took is None else took / (expected or 1.0)
        left.append(rest_of(candidate, took))
    shares = [share_of(candidate) for candidate in candidates]
    known = [seconds for seconds in left if seconds is not None]
    turn = next(n for n, each in enumerate(candidates, 1) if each.state in EVALUATION_OPEN)
    eta = round(sum(known)) if len(known) == len(left) else None
    return Whole(sum(shares) / len(shares), eta, turn, len(candidates), overdue(evaluation, candidates))


def overdue(evaluation: Evaluation, candidates: Sequence[Candidate]) -> bool:
    started = [each.job.started_at for each in candidates if each.job is not None and each.job.started_at is not None]
    most = evaluation.estimate.get("high")
    return bool(started and most and (timezone.now() - min(started)).total_seconds() > most)


def share_of(candidate: Candidate) -> float:
    if candidate.state == EvaluationState.DONE:
        return 1.0
    return (candidate.job.share or 0.0) if candidate.job else 0.0


def seconds_of(job: Job, expected: float | None) -> float | None:
    """What a model takes in all: measured where it has ended or has a speed, else what is expected."""
    if job.started_at is None:
        return expected
    if job.ended_at is not None:
        return (job.ended_at - job.started_at).total_seconds()
    return expected if job.eta_seconds is None else elapsed(job) + job.eta_seconds


def rest_of(candidate: Candidate, took: float | None) -> float | None:
    if candidate.state not in EVALUATION_OPEN:
        return 0.0
    if took is None or candidate.state == EvaluationState.QUEUED or candidate.job is None:
        return took
    left = took - elapsed(candidate.job)
    return left if left > 0 else None  # it takes longer than foretold, and nothing is measured yet


def elapsed(job: Job) -> float:
    return (timezone.now() - job.started_at).total_seconds() if job.started_at else 0.0


def took(evaluation: Evaluation) -> float | None:
    """Seconds from the first model's start to the last one's end; None before."""
    if evaluation.state != EvaluationState.DONE or evaluation.ended_at is None:
        return None
    started = evaluation.candidates.aggregate(at=Min("job__started_at"))["at"]
    return (evaluation.ended_at - started).total_seconds() if started else None
