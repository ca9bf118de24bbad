from django.db import models
from django.db.models import F, Q

from core.models import User
from evaluation.choices import Winner
from evaluation.models.evaluations import Output
from evaluation.models.grading import GradingRound


class Comparison(models.Model):
    """Two models' answers to one item, laid side by side without names. Which one stands left is drawn."""

    grading_round = models.ForeignKey(GradingRound, models.CASCADE, related_name="comparisons")
    left = models.ForeignKey(Output, models.CASCADE, related_name="+")
    right = models.ForeignKey(Output, models.CASCADE, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("grading_round", "left", "right"), name="one_comparison_per_round"),
            models.CheckConstraint(condition=~Q(left=F("right")), name="comparison_of_two"),
        )

    def __str__(self) -> str:
        return f"{self.left_id} or {self.right_id}"


class Vote(models.Model):
    """Which of two answers one person found better, without knowing whose they are."""

    comparison = models.ForeignKey(Comparison, models.CASCADE, related_name="votes")
    voter = models.ForeignKey(User, models.PROTECT, related_name="votes")
    winner = models.CharField(max_length=8, choices=Winner.choices)
    left_fingerprint = models.CharField(max_length=64)  # of the exact texts that were judged
    right_fingerprint = models.CharField(max_length=64)
    seconds = models.FloatField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("comparison", "voter"), name="one_vote_per_person"),)

    def __str__(self) -> str:
        return f"{self.voter} {self.comparison_id}"
