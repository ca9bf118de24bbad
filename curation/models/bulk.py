from typing import Any

from django.db import models

from core.models import Job, User
from curation.choices import BulkKind
from curation.models.pairs import Pair
from curation.models.tasks import Task


class BulkAction(models.Model):
    """One change to every pair that a filter finds, made by a job; or the undoing of one."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="bulk_actions")
    kind = models.CharField(max_length=10, choices=BulkKind.choices)
    value = models.CharField(max_length=120, blank=True)  # the tag, the topic, the id of the person
    query = models.JSONField(default=dict)  # filter -> value, as in the address of the list
    key = models.CharField(max_length=64)  # of the page it was asked on: sent twice, it is one action
    undoes = models.OneToOneField("self", models.CASCADE, null=True, related_name="undone_by")
    newest = models.BigIntegerField(default=0)  # pairs made later are not touched
    last = models.BigIntegerField(default=0)  # the pair up to which it is done
    total = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=("created_by", "key"), name="one_bulk_action_per_key"),)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.value}".strip()

    @property
    def done(self) -> int:
        return self.changed + self.unchanged + self.refused

    @property
    def can_be_undone(self) -> bool:
        """Once its job has ended, if it changed something that can be changed back."""
        ended = self.job is None or not self.job.is_open
        return ended and bool(self.changed) and self.kind != BulkKind.RECHECK and self.undoes_id is None


class BulkRow(models.Model):
    """What an action did to one pair: changed it from `before`, or was refused with a reason."""

    action = models.ForeignKey(BulkAction, models.CASCADE, related_name="rows", db_index=False)
    pair = models.ForeignKey(Pair, models.CASCADE, related_name="+")
    reason = models.CharField(max_length=300, blank=True)  # empty: it was changed
    before: Any = models.JSONField(default=dict)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("action", "pair"), name="one_row_per_pair_and_action"),)
        indexes = (models.Index(fields=("action", "pair"), condition=~models.Q(reason=""), name="bulk_refusals"),)

    def __str__(self) -> str:
        return f"{self.action} {self.pair}"
