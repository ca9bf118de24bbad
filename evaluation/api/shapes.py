"""What evaluation's endpoints take and give, as serializers: the schema is made from them."""

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from evaluation.choices import RoundKind, Usable, Winner
from evaluation.models import Candidate, Evaluation, Grade, GradingRound, Output, Rubric, Score, Vote
from evaluation.selectors.amounts import QUICK_LOOK
from evaluation.selectors.estimates import BATCH
from evaluation.selectors.evaluations import candidates_of
from evaluation.selectors.progress import whole_of


class CandidateOut(serializers.ModelSerializer[Candidate]):
    """One model of an evaluation; the first one is what the others are compared with."""

    name = serializers.CharField(source="__str__", read_only=True)

    class Meta:
        model = Candidate
        fields = ("id", "ordinal", "name", "base", "model_version", "state", "error", "job")


class EvaluationOut(serializers.ModelSerializer[Evaluation]):
    project = serializers.CharField(source="project.slug", read_only=True)
    candidates = CandidateOut(many=True, read_only=True)

    class Meta:
        model = Evaluation
        fields = (
            "id",
            "project",
            "name",
            "suite",
            "settings",
            "state",
            "error",
            "candidates",
            "created_at",
            "ended_at",
        )


class WholeOut(serializers.Serializer[object]):
    """How far an evaluation is, all its models together."""

    share = serializers.FloatField()
    eta_seconds = serializers.IntegerField(allow_null=True)


class EvaluationDetailOut(EvaluationOut):
    """With the summary: every measure of every model and each model against the first, with 95 % intervals.

    `estimate` is what was foretold when it was asked for, in seconds; `progress` is null once it has ended.
    """

    progress = serializers.SerializerMethodField()

    class Meta(EvaluationOut.Meta):
        fields = (*EvaluationOut.Meta.fields, "estimate", "progress", "summary")  # type: ignore[assignment]

    @extend_schema_field(WholeOut(allow_null=True))
    def get_progress(self, evaluation: Evaluation) -> object:
        whole = whole_of(evaluation, candidates_of(evaluation))
        return WholeOut(whole).data if whole else None


class ModelIn(serializers.Serializer[object]):
    """A base model or a model version, never both."""

    base = serializers.IntegerField(required=False, min_value=1)
    model_version = serializers.IntegerField(required=False, min_value=1)

    def validate(self, attrs: dict[str, int]) -> dict[str, int]:
        if len(attrs) != 1:
            raise serializers.ValidationError(_("Name either base or model_version."))
        return attrs


class EvaluationIn(serializers.Serializer[object]):
    project = serializers.SlugField()
    suite = serializers.IntegerField(min_value=1)
    models = ModelIn(many=True, allow_empty=False)
    answers = serializers.IntegerField(default=QUICK_LOOK, help_text="Items that each model answers; 0 for all.")
    max_new_tokens = serializers.IntegerField(
        required=False, help_text="Left out: a quarter more than the longest reference answer."
    )
    batch_size = serializers.IntegerField(default=BATCH)
    name = serializers.CharField(max_length=120, required=False, default="")


class ScoreOut(serializers.ModelSerializer[Score]):
    class Meta:
        model = Score
        fields = ("metric", "value")


class OutputOut(serializers.ModelSerializer[Output]):
    scores = ScoreOut(many=True, read_only=True)

    class Meta:
        model = Output
        fields = (
            "id",
            "candidate",
            "item",
            "text",
            "fingerprint",
            "answered",
            "finish_reason",
            "prompt_tokens",
            "new_tokens",
            "seconds",
            "reference_loss",
            "reference_tokens",
            "reused_from",
            "scores",
        )


class CriterionShape(serializers.Serializer[object]):
    key = serializers.CharField(read_only=True)
    label = serializers.CharField(max_length=60)  # type: ignore[assignment]
    low = serializers.CharField(max_length=80, allow_blank=True, default="")
    high = serializers.CharField(max_length=80, allow_blank=True, default="")


class RubricOut(serializers.ModelSerializer[Rubric]):
    criteria = CriterionShape(many=True)

    class Meta:
        model = Rubric
        fields = ("id", "number", "criteria", "created_at")


class RubricIn(serializers.Serializer[object]):
    project = serializers.SlugField()
    criteria = CriterionShape(many=True)


class RoundOut(serializers.ModelSerializer[GradingRound]):
    class Meta:
        model = GradingRound
        fields = ("id", "evaluation", "kind", "rubric", "graders", "items", "state", "created_at", "closed_at")


class RoundIn(serializers.Serializer[object]):
    evaluation = serializers.IntegerField(min_value=1)
    items = serializers.IntegerField(min_value=1)
    graders = serializers.IntegerField(min_value=1, default=1)
    kind = serializers.ChoiceField(
        choices=RoundKind.choices, default=RoundKind.GRADES, help_text="Grades by the rubric, or votes on two answers."
    )


class ClaimOut(serializers.Serializer[object]):
    """An answer held for the caller, or in a round of votes two (`left`, `right`); nothing tells whose they are."""

    assignment = serializers.IntegerField()
    token = serializers.IntegerField()
    lease_until = serializers.DateTimeField()
    system = serializers.CharField()
    turns = serializers.ListField(child=serializers.DictField())
    instruction = serializers.CharField()
    input = serializers.CharField()
    reference = serializers.CharField()
    answer = serializers.CharField(required=False)
    was_cut = serializers.BooleanField(required=False)
    criteria = CriterionShape(many=True, required=False)
    left = serializers.CharField(required=False)
    right = serializers.CharField(required=False)


class GradeIn(serializers.Serializer[object]):
    round = serializers.IntegerField(min_value=1)
    assignment = serializers.IntegerField(min_value=1)
    token = serializers.IntegerField(min_value=1)
    values = serializers.DictField(child=serializers.IntegerField(), help_text="Criterion key: 1 to 5.")
    usable = serializers.ChoiceField(choices=Usable.choices)
    comment = serializers.CharField(max_length=4000, allow_blank=True, required=False, default="")


class VoteIn(serializers.Serializer[object]):
    round = serializers.IntegerField(min_value=1)
    assignment = serializers.IntegerField(min_value=1)
    token = serializers.IntegerField(min_value=1)
    winner = serializers.ChoiceField(choices=Winner.choices)


class VoteOut(serializers.ModelSerializer[Vote]):
    """A vote. While its round is open it does not say on which outputs."""

    grading_round = serializers.IntegerField(source="comparison.grading_round_id", read_only=True)
    left = serializers.SerializerMethodField()
    right = serializers.SerializerMethodField()

    class Meta:
        model = Vote
        fields = (
            "id", "grading_round", "voter", "winner", "left", "right", "left_fingerprint", "right_fingerprint",
            "created_at",
        )  # fmt: skip

    def get_left(self, vote: Vote) -> int | None:
        return vote.comparison.left_id if vote.comparison.grading_round.closed_at else None

    def get_right(self, vote: Vote) -> int | None:
        return vote.comparison.right_id if vote.comparison.grading_round.closed_at else None


class GradeOut(serializers.ModelSerializer[Grade]):
    """A grade. While its round is open it does not say of which output."""

    output = serializers.SerializerMethodField()

    class Meta:
        model = Grade
        fields = (
            "id", "grading_round", "grader", "values", "overall", "usable", "comment", "fingerprint", "created_at",
            "output",
        )  # fmt: skip

    def get_output(self, grade: Grade) -> int | None:
        return grade.output_id if grade.grading_round.closed_at else None
