"""What the editor's endpoints take and give."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from curation.api.shapes import LANGUAGE, Text, TurnShape
from curation.fingerprints import LONGEST
from curation.models import Draft


class TypedIn(serializers.Serializer[object]):
    """Texts as they stand while somebody writes: all may be empty or missing."""

    system = Text(required=False, allow_blank=True)
    instruction = Text(required=False, allow_blank=True)
    input = Text(required=False, allow_blank=True)
    response = Text(required=False, allow_blank=True)
    turns = TurnShape(many=True, required=False)
    language = serializers.RegexField(LANGUAGE, max_length=12, required=False)


class LookOut(serializers.Serializer[object]):
    findings = serializers.DictField(child=serializers.ListField(child=serializers.DictField()))
    tokens = serializers.DictField(help_text="used, limit, and cut: the character of the response at the limit.")
    outputs = serializers.ListField(child=serializers.DictField(), help_text="What does not fit the output fields.")
    remarks = serializers.ListField(child=serializers.CharField(), help_text="What no check can do in this language.")
    asks = serializers.ListField(
        child=serializers.CharField(), help_text="Checks whose findings need `despite`, a reason, when submitted."
    )
    stops = serializers.ListField(child=serializers.CharField(), help_text="Checks whose findings are not taken.")


class SegmentOut(serializers.Serializer[object]):
    text = serializers.CharField()
    kind = serializers.CharField(help_text="context, trained or cut.")


class PreviewOut(serializers.Serializer[object]):
    segments = serializers.SerializerMethodField()
    tokens = serializers.IntegerField(allow_null=True)
    pair = serializers.IntegerField(allow_null=True, help_text="The real pair that is shown, if any.")
    model = serializers.CharField(
        help_text="Whose tokenizer it is; empty: none is registered, texts are shown plainly."
    )
    problem = serializers.CharField(help_text="Why there is nothing to show.")
    remarks = serializers.ListField(child=serializers.CharField())

    @extend_schema_field(SegmentOut(many=True))
    def get_segments(self, shown: dict[str, Any]) -> list[dict[str, str]]:
        return [{"text": text, "kind": kind} for text, kind in shown["segments"]]


class PreviewIn(serializers.Serializer[object]):
    template = serializers.DictField(help_text="As a task has it.")
    system_prompt = serializers.CharField(max_length=LONGEST, required=False, allow_blank=True)


class SidesField(serializers.DictField):
    """Fields of a draft by name, none longer than a text may be."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().to_internal_value(data)
        if any(len(str(text)) > LONGEST for text in found.values()):
            raise serializers.ValidationError(_("This text is too long."))
        return found


class MergeIn(serializers.Serializer[object]):
    base = SidesField(help_text="What both began with.")
    yours = SidesField()
    theirs = SidesField()


class MergedOut(serializers.Serializer[object]):
    fields = serializers.DictField()  # type: ignore[assignment]
    conflicts = serializers.IntegerField(help_text="Places in which both changed the same words; marked in the text.")


class SuggestionsOut(serializers.Serializer[object]):
    suggestions = serializers.ListField(child=serializers.CharField(), help_text="Best first.")


class SimilarOut(serializers.Serializer[object]):
    pair = serializers.IntegerField(source="pair.pk")
    share = serializers.FloatField(allow_null=True, help_text="Cosine of the meanings; null: only words were compared.")
    instruction = serializers.CharField(source="pair.approved.instruction")
    response = serializers.CharField(source="pair.approved.response")


class MarksIn(serializers.Serializer[object]):
    """What is not given stays as it is."""

    tags = serializers.ListField(child=serializers.CharField(max_length=40), required=False, help_text="All of them.")
    topic = serializers.CharField(max_length=120, required=False, allow_blank=True)
    assignee = serializers.IntegerField(required=False, allow_null=True, help_text="A member's id; null for nobody.")


class DraftIn(serializers.Serializer[object]):
    version = serializers.IntegerField(min_value=0, max_value=2**31 - 2, help_text="How many saves you know of.")
    fields = serializers.DictField(help_text="Texts by name; turns is a list of {role, content}.")  # type: ignore[assignment]


class DraftOut(serializers.Serializer[Draft]):
    version = serializers.IntegerField()
    fields = serializers.DictField()  # type: ignore[assignment]


class BegunOut(DraftOut):
    """`task` and `key` lead to the draft; `pair` is the one that it corrects."""

    task = serializers.IntegerField(source="task_id")
    key = serializers.CharField()
    pair = serializers.IntegerField(source="pair_id", allow_null=True)
    updated_at = serializers.DateTimeField()


class ActionOut(serializers.Serializer[object]):
    event = serializers.IntegerField(source="event.pk")
    action = serializers.CharField(source="event.action")
    at = serializers.DateTimeField(source="event.at")
    text = serializers.CharField(help_text="What it was about.")
    url = serializers.CharField()


class UndoIn(serializers.Serializer[object]):
    project = serializers.SlugField()
    event = serializers.IntegerField(min_value=1, required=False, default=None, help_text="Without it, the newest.")


class UndoneOut(serializers.Serializer[object]):
    event = serializers.IntegerField()
    pair = serializers.IntegerField(allow_null=True)
    state = serializers.CharField(allow_null=True, help_text="Of the pair, if it was about one.")
    assignment = serializers.IntegerField(allow_null=True, help_text="What you hold again.")
    url = serializers.CharField(help_text="The page on which it can be done differently.")
