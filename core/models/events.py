from django.db import models

from core.models.people import Project, User


class Event(models.Model):
    """One line of the audit log. A database trigger refuses to change or delete a row (migration 0002)."""

    at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    # No constraint: the log outlives the project it speaks of.
    project = models.ForeignKey(Project, models.DO_NOTHING, null=True, db_constraint=False, related_name="+")
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    summary = models.CharField(max_length=300, blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        indexes = (
            models.Index(fields=("project", "-id"), name="event_by_project"),
            models.Index(fields=("object_type", "object_id", "-id"), name="event_by_object"),
            models.Index(fields=("actor", "project", "-id"), name="event_by_actor"),  # one's last actions
        )

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_id}"
