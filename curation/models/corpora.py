from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.models import Job, Project, User
from curation.choices import CORPUS_TONES, CorpusState


class Corpus(models.Model):
    """Unlabeled text for pretraining: cleaned, parted, frozen and hashed. Its texts lie in a folder of the corpora."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="corpora")
    name = models.CharField(_("name"), max_length=120)
    folder = models.CharField(max_length=60, unique=True)  # below the folder of corpora; the name is ours
    files = models.JSONField(default=list)  # {"path", "name"} of what it is made of; the path is ours
    source = models.CharField(max_length=300, blank=True)
    licence = models.CharField(max_length=120, blank=True)
    settings = models.JSONField(default=dict)  # ml.corpus.CorpusSettings
    state = models.CharField(max_length=10, choices=CorpusState.choices, default=CorpusState.BUILDING)
    report = models.JSONField(default=dict)  # what was kept, what was dropped and why, with samples
    sha256 = models.CharField(max_length=64, blank=True)  # of texts.jsonl
    texts = models.PositiveIntegerField(default=0)
    train_bytes = models.BigIntegerField(default=0)
    heldout_bytes = models.BigIntegerField(default=0)
    erased = models.PositiveIntegerField(default=0, db_default=0)  # texts that are gone: sha256 is of all of them
    error = models.TextField(blank=True)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=("project", "name"), name="one_corpus_per_name"),)

    def __str__(self) -> str:
        return self.name

    @property
    def tone(self) -> str:
        return CORPUS_TONES[CorpusState(self.state)]

    @property
    def heldout_texts(self) -> int:
        return int(self.counts.get("heldout", 0))

    @property
    def counts(self) -> dict[str, Any]:
        """Texts by part."""
        return dict(self.report.get("texts", {}))
