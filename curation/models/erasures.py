import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.models import Job, Project, User
from curation.choices import ERASURE_TONES, ErasureScope, ErasureState


def new_key() -> str:
    return uuid.uuid4().hex


class Erasure(models.Model):
    """Texts that were taken out of everything that is kept, for good. What they were is not kept here either.

    `targets` are ids of revisions, with their pairs; `models` those that had learned from them. The journal beside the
    database holds the same, so that a restored backup forgets them again (services/erasure_journal.py).
    """

    key = models.CharField(max_length=32, unique=True, default=new_key)
    project = models.ForeignKey(Project, models.CASCADE, related_name="erasures")
    scope = models.CharField(max_length=8, choices=ErasureScope.choices)
    person = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(_("reason"), max_length=300)
    # {"revisions", "pairs"} and what was found by words: {"rows": {place: ids}, "files": ids of imports}
    targets = models.JSONField(default=dict)
    words = models.CharField(max_length=200, blank=True)  # that are looked for, until they are erased
    state = models.CharField(max_length=8, choices=ErasureState.choices, default=ErasureState.WAITING)
    counts = models.JSONField(default=dict)  # what was erased where
    models_touched = models.JSONField(default=list)  # [{"label", "url"}] of model versions that saw it
    error = models.TextField(blank=True)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.get_scope_display()} {self.created_at:%Y-%m-%d}"

    @property
    def tone(self) -> str:
        return ERASURE_TONES[ErasureState(self.state)]


class ErasedText(models.Model):
    """That a row or document was erased from a project: brought in again, it is refused. Its digest gives nothing away
    to whoever lacks this installation's secret (core/scrubbing.py)."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("project", "digest"), name="one_erased_text_per_digest"),)

    def __str__(self) -> str:
        return self.digest
