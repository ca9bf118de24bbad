"""What the endpoints of questions and answers take and give."""

from typing import Any

from rest_framework import serializers

from core.api.shapes import PersonOut
from curation.api.shapes import LANGUAGE, Text, TracesIn
from curation.choices import WorkOrder
from curation.models import Answer, Question
from curation.selectors.questions import settled
from curation.services.questions import MOST_AT_ONCE, MOST_PEOPLE


class QuestionOut(serializers.ModelSerializer[Question]):
    class Meta:
        model = Question
        fields = (
            "id", "task", "kind", "state", "system", "instruction", "input", "wanted", "language", "topic", "source",
            "passage", "needed", "pair", "created_at",
        )  # fmt: skip


class AnswerOut(serializers.ModelSerializer[Answer]):
    """With what a model had drafted, which a blind drafting shows only now that the answer is given."""

    author = PersonOut(read_only=True)
    response = serializers.CharField(read_only=True)
    model_draft = serializers.CharField(source="draft.text", default=None, read_only=True, allow_null=True)
    model_draft_cut = serializers.BooleanField(
        source="draft.cut", default=None, read_only=True, allow_null=True,
        help_text="Whether that draft was cut at the longest that was asked for.",
    )  # fmt: skip
    distance = serializers.FloatField(
        read_only=True, allow_null=True, help_text="From that draft: the share of words added, removed or replaced."
    )

    class Meta:
        model = Answer
        fields = (
            "id", "question", "author", "response", "origin", "note", "model_draft", "model_draft_cut", "unchanged",
            "distance", "fingerprint", "pair", "created_at",
        )  # fmt: skip


class NamelessOut(serializers.ModelSerializer[Answer]):
    texts = serializers.DictField()

    class Meta:
        model = Answer
        fields = ("id", "question", "texts")


class QuestionDetailOut(QuestionOut):
    answers = serializers.SerializerMethodField()

    class Meta(QuestionOut.Meta):
        fields = (*QuestionOut.Meta.fields, "answers")  # type: ignore[assignment]

    def get_answers(self, question: Question) -> list[dict[str, Any]]:
        """Empty until the question is settled: people answer without seeing each other's."""
        found = list(question.answers.select_related("author")) if settled(question) else []
        return AnswerOut(found, many=True).data  # type: ignore[return-value]


class QuestionIn(serializers.Serializer[object]):
    instruction = Text()
    input = Text(required=False, default="", allow_blank=True)
    system = Text(required=False, default="", allow_blank=True)
    language = serializers.RegexField(LANGUAGE, max_length=12, required=False)
    topic = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)
    source = serializers.CharField(  # type: ignore[assignment]  # a field of a pair, not where a field reads from
        max_length=300, required=False, default="", allow_blank=True
    )


class QuestionsIn(serializers.Serializer[object]):
    task = serializers.IntegerField(min_value=1)
    questions = serializers.ListField(child=QuestionIn(), min_length=1, max_length=MOST_AT_ONCE)
    needed = serializers.IntegerField(min_value=1, max_value=MOST_PEOPLE, default=1)


class DeclinesIn(serializers.Serializer[object]):
    task = serializers.IntegerField(min_value=1)
    count = serializers.IntegerField(min_value=1, max_value=1000, default=20)
    wanted = Text(max_length=4000)
    seed = serializers.IntegerField(min_value=0, default=0)


class AnswerIn(TracesIn):
    """What is not given stays as it was asked."""

    instruction = Text(required=False)
    input = Text(required=False, allow_blank=True)
    response = Text(required=False)
    language = serializers.RegexField(LANGUAGE, max_length=12, required=False)
    topic = serializers.CharField(max_length=120, required=False, allow_blank=True)
    note = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)
    despite = serializers.CharField(
        max_length=300,
        required=False,
        default="",
        allow_blank=True,
        help_text="Why it is right in spite of findings that this project wants a reason for.",
    )


class ChoiceIn(AnswerIn):
    answer = serializers.IntegerField(min_value=1, required=False, help_text="Taken as it stands; else send the texts.")


class JudgementIn(serializers.Serializer[object]):
    ships = serializers.BooleanField(help_text="Whether you would send it as it stands.")


class OrderIn(serializers.Serializer[object]):
    order = serializers.ChoiceField(choices=WorkOrder.choices)
    model = serializers.CharField(
        max_length=40, required=False, default="", allow_blank=True, help_text="For uncertainty: as for drafts."
    )
