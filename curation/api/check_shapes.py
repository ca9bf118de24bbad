"""Shapes of the checks: settings, findings, dismissals."""

from rest_framework import serializers

from core.api.shapes import PersonOut
from curation.choices import AtFreeze, AtSubmit
from curation.fingerprints import LONGEST, TEXT_FIELDS
from curation.models import Dismissal


class CheckIn(serializers.Serializer[object]):
    """What is not given stays as it is."""

    is_on = serializers.BooleanField(required=False)
    parameters = serializers.DictField(child=serializers.FloatField(), required=False)
    at_freeze = serializers.ChoiceField(choices=AtFreeze.choices, required=False)
    at_submit = serializers.ChoiceField(choices=AtSubmit.choices, required=False)
    freeze_share = serializers.FloatField(
        min_value=0, max_value=1, required=False, help_text="Of the approved pairs may have such a finding."
    )


class CheckOut(CheckIn):
    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()


class FindingOut(serializers.Serializer[object]):
    check = serializers.CharField()
    start = serializers.IntegerField(help_text="In characters.")
    end = serializers.IntegerField()
    severity = serializers.ChoiceField(choices=["info", "warning", "error"])
    message = serializers.CharField()
    suggestions = serializers.ListField(child=serializers.CharField())
    excerpt = serializers.CharField()


class TieOut(serializers.Serializer[object]):
    link = serializers.IntegerField(help_text="Its number, for dismissing it.")
    check = serializers.CharField()
    pair = serializers.IntegerField()
    similarity = serializers.FloatField()
    message = serializers.CharField()


class FindingsOut(serializers.Serializer[object]):
    instruction = FindingOut(many=True)
    input = FindingOut(many=True)
    response = FindingOut(many=True)
    ties = TieOut(many=True)


class DismissIn(serializers.Serializer[object]):
    field = serializers.ChoiceField(choices=TEXT_FIELDS)
    check = serializers.CharField(max_length=40)
    excerpt = serializers.CharField(max_length=200, allow_blank=True, trim_whitespace=False)
    reason = serializers.CharField(max_length=300)


class TypedDismissIn(serializers.Serializer[object]):
    project = serializers.SlugField()
    text = serializers.CharField(max_length=LONGEST, trim_whitespace=False)
    check = serializers.CharField(max_length=40)
    excerpt = serializers.CharField(max_length=200, allow_blank=True, trim_whitespace=False)
    reason = serializers.CharField(max_length=300)


class TieDismissIn(serializers.Serializer[object]):
    reason = serializers.CharField(max_length=300)


class DismissalOut(serializers.ModelSerializer[Dismissal]):
    user = PersonOut(read_only=True)

    class Meta:
        model = Dismissal
        fields = ("id", "fingerprint", "check_id", "excerpt", "reason", "user", "created_at")
