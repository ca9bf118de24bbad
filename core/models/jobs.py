from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.choices import JOB_ACTIVE, JOB_ENDED, JOB_TONES, JobState, Queue
from core.models.people import Project, User


class Job(models.Model):
    """Background work. This row is the truth; a Celery message is only a poke (core/jobs.py has the contract)."""

    kind = models.CharField(max_length=40)
    queue = models.CharField(max_length=12, choices=Queue.choices, default=Queue.DEFAULT)
    project = models.ForeignKey(Project, models.CASCADE, null=True, related_name="+")
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    subject_url = models.CharField(max_length=300, blank=True)
    arguments = models.JSONField(default=dict)
    once_key = models.CharField(max_length=120, blank=True)

    state = models.CharField(max_length=12, choices=JobState.choices, default=JobState.QUEUED)
    priority = models.SmallIntegerField(default=0)
    order = models.BigIntegerField(default=0)
    nights = models.BooleanField(_("only at night"), default=False)
    capability = models.CharField(max_length=40, blank=True)

    attempt = models.PositiveIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    fruitless = models.PositiveSmallIntegerField(default=0)  # attempts in a row that ended without progress
    worker = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    dispatched_at = models.DateTimeField(null=True)

    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(default=0)
    message = models.CharField(max_length=500, blank=True)
    error = models.TextField(blank=True)
    result = models.JSONField(default=dict)
    stop_intent = models.CharField(
        max_length=12, blank=True
    )  # "stop" saves and may resume, "cancel" gives up, "finish" ends here

    requested_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(
                fields=("queue", "-priority", "order", "id"),
                condition=Q(state=JobState.QUEUED),
                name="job_next_in_queue",
            ),
            models.Index(fields=("lease_until",), condition=Q(state__in=JOB_ACTIVE), name="job_leases"),
            models.Index(fields=("project", "-id"), name="job_by_project"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("once_key",),
                condition=~Q(once_key="") & ~Q(state__in=JOB_ENDED),
                name="one_open_job_per_once_key",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state not in JOB_ENDED

    @property
    def tone(self) -> str:
        return JOB_TONES[JobState(self.state)]

    @property
    def share(self) -> float | None:
        """Progress from 0 to 1, or None while the amount of work is unknown."""
        return min(1.0, self.progress_done / self.progress_total) if self.progress_total else None

    @property
    def eta_seconds(self) -> int | None:
        rate: Any = self.result.get("rate") if isinstance(self.result, dict) else None
        if not rate or not self.progress_total or self.state != JobState.RUNNING:
            return None
        return max(0, round((self.progress_total - self.progress_done) / rate))


class JobLog(models.Model):
    job = models.ForeignKey(Job, models.CASCADE, related_name="log")
    attempt = models.PositiveIntegerField()
    at = models.DateTimeField(auto_now_add=True)
    level = models.CharField(max_length=8)
    message = models.TextField()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.message


class Heartbeat(models.Model):
    """The last sign of life of a worker or of beat."""

    name = models.CharField(max_length=120, primary_key=True)
    queue = models.CharField(max_length=12)
    seen_at = models.DateTimeField()
    details = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name
