from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.choices import WorkKind
from core.models import Project, User
from evaluation.choices import RoundKind, RoundState, Usable
from evaluation.models.evaluations import Evaluation, Output


class Rubric(models.Model):
    """What graders judge: criteria with what 1 and 5 mean. Never changed; an edit is a new edition."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="rubrics")
    number = models.PositiveIntegerField()
    criteria = models.JSONField()  # [{"key", "label", "low", "high"}], grades are 1 to 5
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("project", "number"), name="one_rubric_per_number"),)

    def __str__(self) -> str:
        return f"{self.project} {self.number}"


ROUND = "grading-"  # before the number of a round, in the batch of its work items


class GradingRound(models.Model):
    """Outputs of one evaluation given to people, mixed and without names. Each output is a work item of kind grade; in
    a round of votes each comparison of two is one of kind compare."""

    evaluation = models.ForeignKey(Evaluation, models.CASCADE, related_name="rounds")
    rubric = models.ForeignKey(Rubric, models.RESTRICT, related_name="+")
    kind = models.CharField(max_length=8, choices=RoundKind.choices, default=RoundKind.GRADES)
    seed = models.PositiveIntegerField()
    graders = models.PositiveSmallIntegerField(_("people for each answer"), default=1)
    items = models.PositiveIntegerField(_("questions"))
    state = models.CharField(max_length=8, choices=RoundState.choices, default=RoundState.OPEN)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.evaluation} {self.pk}"

    @property
    def batch(self) -> str:
        """The name under which the work items of this round belong together."""
        return f"{ROUND}{self.pk}"

    @property
    def work_kind(self) -> WorkKind:
        return WorkKind.COMPARE if self.kind == RoundKind.VOTES else WorkKind.GRADE


class Grade(models.Model):
    """A rubric judgement of one output by one person who did not know whose it is."""

    output = models.ForeignKey(Output, models.CASCADE, related_name="grades")
    grading_round = models.ForeignKey(GradingRound, models.CASCADE, related_name="grades")
    grader = models.ForeignKey(User, models.PROTECT, related_name="grades")
    values = models.JSONField()  # criterion key -> 1..5
    overall = models.FloatField(validators=[MinValueValidator(1), MaxValueValidator(5)])
    usable = models.CharField(max_length=8, choices=Usable.choices)
    comment = models.TextField(blank=True, max_length=4000)
    fingerprint = models.CharField(max_length=64)  # of the exact text that was judged
    seconds = models.FloatField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("output", "grading_round", "grader"), name="one_grade_per_person"),
        )

    def __str__(self) -> str:
        return f"{self.grader} {self.output_id}"
