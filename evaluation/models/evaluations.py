from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.models import Job, Project, User
from curation.models import Suite, SuiteItem
from evaluation.choices import EVALUATION_TONES, EvaluationState, FinishReason
from training.models import BaseModel, ModelVersion


class Evaluation(models.Model):
    """Some models answer the items of one suite under the same settings."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="evaluations")
    suite = models.ForeignKey(Suite, models.RESTRICT, related_name="evaluations")
    name = models.CharField(_("name"), max_length=120)
    settings = models.JSONField()  # answers (0: all), max_new_tokens, batch_size, seed
    state = models.CharField(max_length=10, choices=EvaluationState.choices, default=EvaluationState.QUEUED)
    error = models.TextField(blank=True)
    summary = models.JSONField(default=dict)  # what the result page says, computed once when all models have answered
    estimate = models.JSONField(default=dict)  # seconds that were foretold: in all, low, high, of each model in turn
    requested_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name

    @property
    def tone(self) -> str:
        return EVALUATION_TONES[EvaluationState(self.state)]


class Candidate(models.Model):
    """One model in an evaluation: a base model or a model version, never both."""

    evaluation = models.ForeignKey(Evaluation, models.CASCADE, related_name="candidates")
    base = models.ForeignKey(BaseModel, models.PROTECT, null=True, related_name="+")
    model_version = models.ForeignKey(ModelVersion, models.RESTRICT, null=True, related_name="candidates")
    ordinal = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=EvaluationState.choices, default=EvaluationState.QUEUED)
    folder = models.CharField(max_length=300, blank=True)  # its generation's run directory, relative to the run store
    attempt = models.PositiveIntegerField(default=0)
    asking = models.CharField(
        max_length=64, blank=True, db_default=""
    )  # what decides its answers besides the questions
    error = models.TextField(blank=True)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ("ordinal",)
        constraints = (
            models.UniqueConstraint(fields=("evaluation", "ordinal"), name="one_candidate_per_ordinal"),
            models.CheckConstraint(
                condition=Q(base__isnull=True) ^ Q(model_version__isnull=True), name="candidate_is_one_model"
            ),
        )

    def __str__(self) -> str:
        return str(self.model_version or self.base)

    @property
    def tone(self) -> str:
        return EVALUATION_TONES[EvaluationState(self.state)]


class Output(models.Model):
    """What one model said to one item."""

    candidate = models.ForeignKey(Candidate, models.CASCADE, related_name="outputs")
    item = models.ForeignKey(SuiteItem, models.RESTRICT, related_name="outputs")
    text = models.TextField(blank=True)
    fingerprint = models.CharField(max_length=64)
    finish_reason = models.CharField(max_length=8, choices=FinishReason.choices, blank=True)
    answered = models.BooleanField(default=True)  # False: only the reference was scored
    prompt_tokens = models.PositiveIntegerField(default=0)
    new_tokens = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0)
    reference_loss = models.FloatField(null=True)  # mean nll of the reference's tokens and its EOS, in nats
    reference_tokens = models.PositiveIntegerField(default=0)
    asked = models.CharField(
        max_length=64, blank=True, db_default=""
    )  # the question with its reference; "" when erased
    reused_from = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")  # it was said there first

    class Meta:
        constraints = (models.UniqueConstraint(fields=("candidate", "item"), name="one_output_per_item"),)
        indexes = (models.Index(fields=("asked",), condition=~Q(asked=""), name="outputs_by_question"),)

    def __str__(self) -> str:
        return f"{self.candidate} {self.item_id}"


class Score(models.Model):
    """What one measure says of one output: a metric of ml.metrics, or "check.ID" for how often that check fired."""

    output = models.ForeignKey(Output, models.CASCADE, related_name="scores")
    metric = models.CharField(max_length=40)
    value = models.FloatField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("output", "metric"), name="one_score_per_metric"),)

    def __str__(self) -> str:
        return f"{self.metric} {self.value}"
