from django.db import models

from curation.choices import LeakMethod, LikeKind
from curation.models.pairs import Pair, Revision
from curation.models.tasks import Task


class Leak(models.Model):
    """A revision that gives a test item away, and by what. Found once for each text of an item, in whatever suites.

    Whether it does harm depends on the part in which the pair stands (selectors/leaks.py).
    """

    task = models.ForeignKey(Task, models.CASCADE, related_name="+", db_index=False)
    revision = models.ForeignKey(Revision, models.CASCADE, related_name="+")
    fingerprint = models.CharField(max_length=64)  # of the item's texts
    method = models.CharField(max_length=8, choices=LeakMethod.choices)
    field = models.CharField(max_length=8, choices=LikeKind.choices)  # which of the item's texts
    score = models.FloatField()  # 1: the same; else the similarity, or the share of the item's word sequences

    class Meta:
        constraints = (models.UniqueConstraint(fields=("revision", "fingerprint"), name="one_leak_per_text"),)
        indexes = (models.Index(fields=("task", "fingerprint"), name="leak_by_item"),)

    def __str__(self) -> str:
        return f"{self.revision_id} {self.method} {self.fingerprint[:8]}"


class Spent(models.Model):
    """A pair whose place in the test part was given up so that it may teach. Its items count in no later comparison."""

    pair = models.OneToOneField(Pair, models.CASCADE, primary_key=True, related_name="spent")
    task = models.ForeignKey(Task, models.CASCADE, related_name="spent")
    because = models.ForeignKey(Pair, models.CASCADE, related_name="+")  # the item that was asked for; else its group
    reason = models.CharField(max_length=300)
    spent_by = models.ForeignKey("core.User", models.PROTECT, null=True, related_name="+")
    spent_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"#{self.pair_id} spent"
