"""What the endpoints of work items take and give."""

from functools import cache
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.choices import WorkKind
from core.models import Assignment, WorkItem
from curation.api.shapes import PairOut


class WorkItemOut(serializers.ModelSerializer[WorkItem]):
    project: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="slug", read_only=True)

    class Meta:
        model = WorkItem
        fields = ("id", "project", "kind", "subject_type", "subject_id", "batch", "state", "note", "created_at")


class ClaimIn(serializers.Serializer[object]):
    kind = serializers.ChoiceField(
        choices=["write", "passage", "correct", "decline", "review", "adjudicate"],
        default=WorkKind.REVIEW,
    )
    project = serializers.SlugField()
    task = serializers.IntegerField(min_value=1, required=False)


class AssignmentOut(serializers.ModelSerializer[Assignment]):
    """Your hold on a work item. It ends at `lease_until` unless you renew it."""

    item = WorkItemOut(read_only=True)

    class Meta:
        model = Assignment
        fields = ("id", "item", "state", "lease_until", "claimed_at")


class MineOut(AssignmentOut):
    class Meta(AssignmentOut.Meta):
        fields = (*AssignmentOut.Meta.fields, "ended_at", "reason")  # type: ignore[assignment]


@cache
def pair_shape() -> PairOut:
    """One for all answers: the library finds out anew with each which fields a pair has."""
    return PairOut()


class ClaimedOut(AssignmentOut):
    """What you hold now: for a review its pair, for writing from a passage that, else its question."""

    pair = serializers.SerializerMethodField()
    question = serializers.SerializerMethodField()
    passage = serializers.SerializerMethodField()

    class Meta(AssignmentOut.Meta):
        fields = (*AssignmentOut.Meta.fields, "pair", "question", "passage")  # type: ignore[assignment]

    @extend_schema_field(PairOut(allow_null=True))
    def get_pair(self, assignment: Assignment) -> Any:
        pair = self.context.get("pair")
        return pair_shape().to_representation(pair) if pair else None

    def get_question(self, assignment: Assignment) -> dict[str, Any] | None:
        """Its texts, and where an owner is to choose, the answers without their authors."""
        return self.context.get("question")

    def get_passage(self, assignment: Assignment) -> dict[str, Any] | None:
        """Its text and place, its document, and the task that asks."""
        return self.context.get("passage")


class SkipIn(serializers.Serializer[object]):
    reason = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)
