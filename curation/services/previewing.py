"""The preview of a freeze: of a small task as it is now, of a large one as a job counted it last."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.utils import timezone

from core.choices import JobState
from core.models import Event, Job, User
from core.services.jobs import job_create
from curation.choices import LeakRule
from curation.models import Task
from curation.selectors.freezing import FreezeCounts, FreezePreview, Tell, freeze_counts, freeze_preview, has_many
from curation.services.likeness import likeness_ask

KEPT_SECONDS = 86_400
REST = timedelta(seconds=30)  # people work on while it is counted: no older numbers than these are counted anew
Stamp = tuple[int, int]


@dataclass(frozen=True)
class Counted:
    """Numbers that were kept, and what the newest event was when they were counted."""

    counts: FreezeCounts
    at: datetime
    stamp: Stamp


@dataclass(frozen=True)
class PreviewSeen:
    """`preview` is None until the first count of a large task is done; `counted_at` is None for what is true now. `job`
    counts just now."""

    preview: FreezePreview | None
    counted_at: datetime | None = None
    job: Job | None = None


def preview_see(*, actor: User, task: Task, train_share: float, rule: str = LeakRule.EXCLUDE) -> PreviewSeen:
    """What is known; what is not, and what things have happened since, is asked for."""
    if not has_many(task):
        preview = freeze_preview(task, train_share, rule)
        if preview.waiting:
            likeness_ask(actor=actor, task=task)
        return PreviewSeen(preview)
    kept: Counted | None = cache.get(key_of(task, train_share))
    if kept is None:
        return PreviewSeen(None, job=preview_ask(actor=actor, task=task, train_share=train_share))
    waits = kept.counts.waiting > 0
    if waits:
        likeness_ask(actor=actor, task=task)
    old = (waits or kept.stamp != stamp_of(task)) and timezone.now() - kept.at > REST
    job = preview_ask(actor=actor, task=task, train_share=train_share) if old else None
    return PreviewSeen(freeze_preview(task, train_share, rule, kept.counts), kept.at, job)


def preview_count(task: Task, train_share: float, tell: Tell) -> FreezeCounts:
    """Count, and keep it. Twice gives the same."""
    stamp = stamp_of(task)
    counts = freeze_counts(task, train_share, tell)
    cache.set(key_of(task, train_share), Counted(counts, timezone.now(), stamp), KEPT_SECONDS)
    return counts


def preview_ask(*, actor: User, task: Task, train_share: float) -> Job:
    return job_create(
        actor=actor,
        kind="freeze-preview",
        project=task.project,
        subject=task.name,
        subject_url=f"/p/{task.project.slug}/tasks/{task.slug}/freeze/?split={round(train_share * 100)}",
        arguments={"task": task.pk, "train_share": train_share},
        once_key=key_of(task, train_share),
    )


def key_of(task: Task, train_share: float) -> str:
    return f"freeze-preview-{task.pk}-{train_share}"


def stamp_of(task: Task) -> Stamp:
    """Changes with whatever people did, and with each comparison that ended."""
    events = Event.objects.filter(project=task.project_id).exclude(action__startswith="job.").order_by("-pk")
    compared = Job.objects.filter(project=task.project_id, kind__in=("likeness", "embed-pairs"), state=JobState.DONE)
    newest = (rows.order_by("-pk").values_list("pk", flat=True).first() or 0 for rows in (events, compared))
    return next(newest), next(newest)
