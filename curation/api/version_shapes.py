"""Shapes of what surrounds a dataset version: its preview, what it leaves out, how it differs from another."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from curation.api.shapes import PersonOut, RevisionOut
from curation.choices import Difference, LeakMethod, LeakRule, LikeKind, Part
from curation.models import VersionLeftOut
from curation.selectors.differences import VersionDifference


class PreviewIn(serializers.Serializer[object]):
    train_share = serializers.FloatField(min_value=0.05, max_value=0.95, required=False)
    leaks = serializers.ChoiceField(choices=LeakRule.choices, default=LeakRule.EXCLUDE)


class PreviewTokens(serializers.Serializer[object]):
    sum = serializers.IntegerField(allow_null=True)
    longest = serializers.IntegerField(allow_null=True)
    uncounted = serializers.IntegerField()
    too_long = serializers.IntegerField()


class LeftOutRowOut(serializers.Serializer[object]):
    pair = serializers.IntegerField()
    reason = serializers.CharField()
    detail = serializers.CharField()


class FreezePreviewOut(serializers.Serializer[object]):
    counted_at = serializers.DateTimeField(allow_null=True, help_text="When a job counted; null for what is so now.")
    job = serializers.IntegerField(allow_null=True, help_text="The job that counts just now.")
    approved = serializers.IntegerField(allow_null=True)
    waiting = serializers.IntegerField(
        allow_null=True, help_text="Texts still to be compared; until then the parts are null."
    )
    fresh = serializers.IntegerField(allow_null=True, help_text="Approved texts that no version holds yet.")
    unreviewed = serializers.IntegerField(allow_null=True)
    unchecked = serializers.IntegerField(allow_null=True)
    with_finding = serializers.IntegerField(allow_null=True)
    unmeant = serializers.IntegerField(allow_null=True, help_text="Not compared with the others by meaning yet.")
    outdated = serializers.IntegerField(allow_null=True, help_text="Not looked at since the guidelines changed.")
    findings = serializers.DictField(child=serializers.IntegerField(), allow_null=True)
    origins = serializers.DictField(child=serializers.IntegerField(), allow_null=True)
    refused = serializers.ListField(child=serializers.CharField(), allow_null=True)
    parts = serializers.DictField(child=serializers.IntegerField(), allow_null=True)
    groups = serializers.IntegerField(allow_null=True)
    tokens = PreviewTokens(allow_null=True)
    strata = serializers.DictField(allow_null=True, help_text="Pairs by part for each topic, language, length, origin.")
    left_out = LeftOutRowOut(many=True, allow_null=True, help_text="The first 500.")
    left_out_count = serializers.IntegerField(allow_null=True)
    leaking_pairs = serializers.IntegerField(allow_null=True)


class LeakOut(serializers.Serializer[object]):
    """A pair and the test item that it gives away."""

    pair = serializers.IntegerField()
    part = serializers.ChoiceField(choices=Part.choices)
    method = serializers.ChoiceField(choices=LeakMethod.choices)
    field = serializers.ChoiceField(choices=LikeKind.choices)
    score = serializers.FloatField()
    sentence = serializers.CharField()
    revision = RevisionOut()
    suite = serializers.IntegerField()
    item = serializers.IntegerField()
    item_revision = RevisionOut(allow_null=True)


class LeftOutOut(serializers.ModelSerializer[VersionLeftOut]):
    class Meta:
        model = VersionLeftOut
        fields = ("id", "pair", "revision", "reason", "detail", "item")


class DiffIn(serializers.Serializer[object]):
    since = serializers.IntegerField(min_value=1, required=False, help_text="Another version; else the one before.")
    kind = serializers.ChoiceField(choices=["", *Difference.values], required=False, default="", allow_blank=True)
    start = serializers.IntegerField(min_value=0, max_value=2**62, required=False, default=0)


class DiffRowOut(serializers.Serializer[object]):
    """A pair that differs. `why` is its author's note, or how it left the data."""

    pair = serializers.IntegerField(source="pair_id")
    kind = serializers.ChoiceField(choices=Difference.choices)
    before = RevisionOut(allow_null=True)
    after = RevisionOut(allow_null=True)
    old_part = serializers.CharField()
    new_part = serializers.CharField()
    who = PersonOut(allow_null=True)
    at = serializers.DateTimeField(allow_null=True)
    why = serializers.CharField()
    approved_by = PersonOut(allow_null=True)


class DiffSettingOut(serializers.Serializer[object]):
    name = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()


class DiffOut(serializers.Serializer[object]):
    older = serializers.IntegerField(source="older.pk")
    newer = serializers.IntegerField(source="newer.pk")
    counts = serializers.DictField(child=serializers.IntegerField())
    settings = serializers.SerializerMethodField()
    rows = DiffRowOut(many=True)
    following = serializers.IntegerField(allow_null=True)

    @extend_schema_field(DiffSettingOut(many=True))
    def get_settings(self, found: VersionDifference) -> list[dict[str, str]]:
        return [{"name": str(name), "before": before, "after": after} for name, before, after in found.settings]
