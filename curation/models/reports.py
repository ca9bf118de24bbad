from typing import Any

from django.db import models

from curation.models.tasks import Task


class TaskReport(models.Model):
    """What was counted over all pairs of a task by a job, and when."""

    task = models.OneToOneField(Task, models.CASCADE, primary_key=True, related_name="report")
    data: "models.JSONField[dict[str, Any]]" = models.JSONField(default=dict)
    rows: "models.JSONField[dict[str, list[int]]]" = models.JSONField(default=dict)  # name of a number -> its pairs
    counted_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"report on {self.task_id}"
