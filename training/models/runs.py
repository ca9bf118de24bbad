from django.db import models
from django.utils.translation import gettext_lazy as _

from core.models import Job, Project, User
from curation.models import Corpus, DatasetVersion
from training.choices import RUN_TONES, AuditState, RunState, Tell
from training.models.bases import BaseModel


class Audit(models.Model):
    """What each pair of a version becomes under a base model's tokenizer and a limit: the gate before a launch."""

    version = models.ForeignKey(DatasetVersion, models.CASCADE, related_name="audits")
    base = models.ForeignKey(BaseModel, models.CASCADE, related_name="+")
    max_tokens = models.PositiveIntegerField()
    template_sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=AuditState.choices, default=AuditState.RUNNING)
    report = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("version", "base", "max_tokens", "template_sha256"), name="one_audit_per_question"
            ),
        )

    def __str__(self) -> str:
        return f"{self.version} × {self.base}"


class Run(models.Model):
    """One execution of a recipe. Everything that determines it is on the row and in its run directory."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="runs")
    # A run learns either pairs or text. The type speaks of the first: whoever may meet the other asks for `corpus`.
    version: "models.ForeignKey[DatasetVersion, DatasetVersion]" = models.ForeignKey(  # type: ignore[misc]
        DatasetVersion, models.RESTRICT, null=True, related_name="runs"
    )
    corpus = models.ForeignKey(Corpus, models.RESTRICT, null=True, related_name="runs")
    base = models.ForeignKey(BaseModel, models.PROTECT, related_name="runs")
    after = models.ForeignKey("Run", models.SET_NULL, null=True, related_name="followers")  # begins when it is done
    audit = models.ForeignKey(Audit, models.SET_NULL, null=True, related_name="runs")
    name = models.CharField(_("name"), max_length=120)
    preset = models.CharField(max_length=20, blank=True)
    recipe = models.JSONField()
    state = models.CharField(max_length=10, choices=RunState.choices, default=RunState.DRAFT)
    folder = models.CharField(max_length=300, blank=True)  # relative to the run store
    attempt = models.PositiveIntegerField(default=0)  # of the run directory; several jobs may follow each other
    step = models.PositiveIntegerField(default=0)
    steps = models.PositiveIntegerField(default=0)
    live = models.JSONField(default=dict)  # the newest loss, tokens a second, remaining seconds, phase
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    start = models.ForeignKey("ModelVersion", models.PROTECT, null=True, related_name="+")  # goes on from it
    subset = models.JSONField(default=dict)  # {"share", "seed"} of the train part; empty: all of it
    follows = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")  # takes its checkpoints over
    excluded = models.JSONField(default=dict)  # pairs left out to lift a block: ids by the code of the finding
    tell = models.CharField(_("who is told"), max_length=10, choices=Tell.choices, default=Tell.REQUESTER)
    wanted_by = models.DateTimeField(_("wanted by"), null=True)
    nights = models.BooleanField(_("only at night"), default=False)
    estimate = models.JSONField(default=dict)  # seconds and memory that were foretold at the launch
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    requested_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(version__isnull=True) ^ models.Q(corpus__isnull=True), name="pairs_or_text"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def tone(self) -> str:
        return RUN_TONES[RunState(self.state)]

    @property
    def material(self) -> DatasetVersion | Corpus:
        """What it learns."""
        return self.corpus or self.version


class RunEvent(models.Model):
    """One line of a run's event stream. A resume supersedes rows beyond its checkpoint's step."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="events")
    attempt = models.PositiveIntegerField()
    seq = models.PositiveIntegerField()
    type = models.CharField(max_length=12)
    step = models.PositiveIntegerField(null=True)
    at = models.FloatField()  # unix seconds of the trainer's clock
    data = models.JSONField(default=dict)
    superseded = models.BooleanField(default=False)

    class Meta:
        ordering = ("attempt", "seq")
        indexes = (models.Index(fields=("run", "type", "step"), name="run_events_by_type"),)
        constraints = (models.UniqueConstraint(fields=("run", "attempt", "seq"), name="one_event_per_seq"),)

    def __str__(self) -> str:
        return f"{self.run_id}.{self.attempt}.{self.seq} {self.type}"


class ModelVersion(models.Model):
    """The result of a run: a folder in the model store that describes itself."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="model_versions")
    run = models.OneToOneField(Run, models.RESTRICT, related_name="model_version")
    base = models.ForeignKey(BaseModel, models.PROTECT, related_name="model_versions")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=120)
    folder = models.CharField(max_length=500)  # relative to the model store
    method = models.CharField(max_length=12)
    fingerprint = models.CharField(max_length=64)
    tokenizer_fingerprint = models.CharField(max_length=64)
    template = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=("project", "number"), name="one_model_version_per_number"),)

    def __str__(self) -> str:
        return self.name
