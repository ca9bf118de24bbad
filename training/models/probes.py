from django.db import models
from django.utils.translation import gettext_lazy as _

from core.models import Job, Project, User
from training.choices import AuditState
from training.models.bases import BaseModel
from training.models.runs import Run


class Probe(models.Model):
    """A short measured trial of a prepared run on this machine, by each method: memory, speed, time, disk."""

    run = models.OneToOneField(Run, models.CASCADE, related_name="probe")
    base = models.ForeignKey(BaseModel, models.CASCADE, related_name="+")
    key = models.CharField(max_length=64)  # of what was asked; a changed run is probed again
    state = models.CharField(max_length=8, choices=AuditState.choices, default=AuditState.RUNNING)
    report = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.run}"


class OwnPreset(models.Model):
    """A recipe that a project keeps under a name."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="presets")
    name = models.CharField(_("name"), max_length=60)
    recipe = models.JSONField()
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("project", "name"), name="one_preset_per_name"),)

    def __str__(self) -> str:
        return self.name
