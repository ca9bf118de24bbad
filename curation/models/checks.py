from django.db import models

from core.models import Project
from curation.choices import AtFreeze, AtSubmit
from curation.models.pairs import Pair
from curation.models.tasks import Task


class CheckSetting(models.Model):
    """What an owner decided about a check in this project. Without a row it is as it comes, and a freeze passes."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="check_settings")
    check_id = models.CharField(max_length=40)
    is_on = models.BooleanField()
    parameters = models.JSONField(default=dict)  # those that differ from the check's own
    at_submit = models.CharField(
        max_length=6, choices=AtSubmit.choices, default=AtSubmit.TELL, db_default=AtSubmit.TELL
    )
    at_freeze = models.CharField(max_length=6, choices=AtFreeze.choices, default=AtFreeze.PASS)
    freeze_share = models.FloatField(default=0.0)  # of the approved pairs may have such a finding

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("project", "check_id"), name="one_setting_per_check"),
            models.CheckConstraint(
                condition=models.Q(freeze_share__gte=0, freeze_share__lte=1), name="freeze_share_is_a_share"
            ),
        )

    def __str__(self) -> str:
        return self.check_id


class Vocabulary(models.Model):
    """In how many approved texts of the project each word stands, in one language; those of one text are left out."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="vocabularies")
    language = models.CharField(max_length=12)
    counts: "models.JSONField[dict[str, int]]" = models.JSONField(default=dict)
    texts = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    learned_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("project", "language"), name="one_vocabulary_per_language"),)

    def __str__(self) -> str:
        return self.language


class PairLink(models.Model):
    """Two pairs that a check over the whole task ties together, by the revisions that it compared."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="+", db_index=False)
    check_id = models.CharField(max_length=40)
    one = models.ForeignKey(Pair, models.CASCADE, related_name="+", db_index=False)
    other = models.ForeignKey(Pair, models.CASCADE, related_name="+")
    one_revision = models.BigIntegerField()
    other_revision = models.BigIntegerField()
    similarity = models.FloatField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("one", "other", "check_id"), name="one_link_per_couple_and_check"),
        )
        indexes = (models.Index(fields=("task", "check_id"), name="link_by_task"),)

    def __str__(self) -> str:
        return f"{self.check_id} {self.one_id} {self.other_id}"

    def far_end(self, pair_id: int) -> int:
        return self.other_id if self.one_id == pair_id else self.one_id
