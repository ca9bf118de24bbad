from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.choices import AssignmentState, WorkKind, WorkState
from core.models.people import Project, User


class WorkItem(models.Model):
    """One piece of work for people. Its subject is named by type and id, so that core knows no higher app."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="work_items")
    kind = models.CharField(max_length=12, choices=WorkKind.choices)
    subject_type = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    batch = models.CharField(max_length=60, blank=True)  # items that belong together, such as one grading round
    state = models.CharField(max_length=8, choices=WorkState.choices, default=WorkState.OPEN)
    needed = models.PositiveSmallIntegerField(default=1)
    order = models.BigIntegerField(default=0)
    excluded_user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")  # the author, unless solo
    also_excluded = ArrayField(models.BigIntegerField(), null=True)  # more people who may not do it, by id
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = (
            models.Index(
                fields=("project", "kind", "batch", "order", "id"), condition=Q(state=WorkState.OPEN), name="work_next"
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("kind", "subject_type", "subject_id", "batch"),
                condition=Q(state=WorkState.OPEN),
                name="one_open_item_per_subject",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_type} {self.subject_id}"


class Assignment(models.Model):
    """A person's hold on a work item: slot, lease and fencing token. State lives here, not on the item.

    A database trigger refuses a slot beyond what the item needs (migration 0004): however people race, no more than
    `needed` of them hold or have done an item.
    """

    item = models.ForeignKey(WorkItem, models.CASCADE, related_name="assignments")
    user = models.ForeignKey(User, models.PROTECT, related_name="assignments")
    slot = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=AssignmentState.choices, default=AssignmentState.CLAIMED)
    token = models.PositiveIntegerField(default=1)
    lease_until = models.DateTimeField()
    claimed_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = (
            # Few are held at a time, however many were ever made: each claim asks for mine and for the expired.
            models.Index(
                fields=("user", "lease_until"), condition=Q(state=AssignmentState.CLAIMED), name="assignments_held"
            ),
        )
        constraints = (
            models.UniqueConstraint(fields=("item", "user"), name="one_assignment_per_person_and_item"),
            models.UniqueConstraint(
                fields=("item", "slot"),
                condition=Q(state__in=(AssignmentState.CLAIMED, AssignmentState.SUBMITTED)),
                name="one_holder_per_slot",
            ),
        )

    def __str__(self) -> str:
        return f"{self.item} · {self.user}"
