"""What curation's endpoints take and give, as serializers: the schema is made from them."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from core.api.shapes import PersonOut
from curation.choices import BulkKind, Decision, LeakRule, TaskKind
from curation.fingerprints import LONGEST
from curation.import_forms import FIELDS
from curation.import_mapping import Mapping
from curation.models import (
    BulkAction,
    BulkRow,
    DatasetVersion,
    Import,
    ImportProblem,
    Pair,
    Review,
    Revision,
    SavedView,
    Suite,
    SuiteItem,
    Task,
    VersionPair,
)
from ml.outputs import KINDS, LONGEST_NAME

LANGUAGE = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$"


class Text(serializers.CharField):
    """A text that keeps every blank and line end."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": LONGEST, "trim_whitespace": False, **kwargs})


class TurnShape(serializers.Serializer[object]):
    role = serializers.ChoiceField(choices=["user", "assistant"])
    content = Text()


class TemplateShape(serializers.Serializer[object]):
    """See the glossary: {{instruction}}, {{input}} and {{system}} are replaced literally."""

    kind = serializers.ChoiceField(choices=["chat", "text"])
    prompt = Text(max_length=8000)
    before_response = Text(max_length=2000, required=False, default="", allow_blank=True)
    after_response = Text(max_length=2000, required=False, default="", allow_blank=True)


class OutputFieldShape(serializers.Serializer[object]):
    """A field that a response holds; `choices` only for the kind choice."""

    name = serializers.CharField(max_length=LONGEST_NAME)
    kind = serializers.ChoiceField(choices=KINDS, default="text")
    choices = serializers.ListField(child=serializers.CharField(max_length=200), required=False, default=list)
    many = serializers.BooleanField(default=False)  # type: ignore[assignment]
    required = serializers.BooleanField(default=True)  # type: ignore[assignment]


class TaskOut(serializers.ModelSerializer[Task]):
    project: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    template = TemplateShape()
    output_fields = OutputFieldShape(many=True)

    class Meta:
        model = Task
        fields = (
            "id", "project", "slug", "name", "kind", "description", "language", "system_prompt", "template",
            "output_fields", "max_tokens", "target_pairs", "train_share", "created_at",
        )  # fmt: skip


class TaskChange(serializers.Serializer[object]):
    """Only what is given is changed."""

    name = serializers.CharField(max_length=120, required=False)
    kind = serializers.ChoiceField(choices=TaskKind.choices, required=False)
    description = serializers.CharField(max_length=4000, required=False, allow_blank=True)
    language = serializers.RegexField(LANGUAGE, max_length=12, required=False)
    system_prompt = serializers.CharField(max_length=8000, required=False, allow_blank=True)
    template = TemplateShape(required=False)
    output_fields = OutputFieldShape(many=True, required=False, help_text="The response is then JSON of these fields.")
    max_tokens = serializers.IntegerField(min_value=16, max_value=131_072, required=False)
    target_pairs = serializers.IntegerField(min_value=0, max_value=10_000_000, required=False)
    train_share = serializers.FloatField(min_value=0.05, max_value=0.95, required=False)


class TaskIn(TaskChange):
    project = serializers.SlugField()
    name = serializers.CharField(max_length=120)
    guidelines = serializers.CharField(max_length=50_000, required=False, default="", allow_blank=True)


class RevisionOut(serializers.ModelSerializer[Revision]):
    author = PersonOut(read_only=True, allow_null=True)
    turns = TurnShape(many=True)

    class Meta:
        model = Revision
        fields = (
            "id", "number", "system", "instruction", "input", "response", "rejected", "turns", "language", "topic",
            "origin", "source", "fingerprint", "tokens", "pasted", "evidence", "guideline", "author", "note",
            "created_at",
        )  # fmt: skip


class PairOut(serializers.ModelSerializer[Pair]):
    """A pair with its newest revision. `version` goes back with a change."""

    author = PersonOut(read_only=True, allow_null=True)
    assignee = PersonOut(read_only=True, allow_null=True)
    current = RevisionOut(read_only=True)
    findings = serializers.ListField(
        source="found", child=serializers.CharField(), allow_null=True, help_text="Checks; null: not checked yet."
    )

    class Meta:
        model = Pair
        fields = (
            "id", "task", "state", "version", "current", "approved", "author", "assignee", "tags", "findings",
            "edition", "passage", "metadata", "created_at", "updated_at",
        )  # fmt: skip


class ViewOut(serializers.ModelSerializer[SavedView]):
    user = PersonOut(read_only=True)

    class Meta:
        model = SavedView
        fields = ("id", "task", "user", "name", "query", "shared", "created_at")


class ViewIn(serializers.Serializer[object]):
    task = serializers.IntegerField(min_value=1)
    name = serializers.CharField(max_length=80)
    query = serializers.DictField(
        child=serializers.CharField(max_length=200), help_text="Filters of the list of pairs."
    )
    shared = serializers.BooleanField(default=False)


class BulkOut(serializers.ModelSerializer[BulkAction]):
    """`job` tells how far it is, and is what to cancel."""

    created_by = PersonOut(read_only=True)

    class Meta:
        model = BulkAction
        fields = (
            "id", "task", "kind", "value", "query", "undoes", "total", "changed", "unchanged", "refused", "job",
            "created_by", "created_at",
        )  # fmt: skip


class BulkIn(serializers.Serializer[object]):
    task = serializers.IntegerField(min_value=1)
    kind = serializers.ChoiceField(choices=BulkKind.choices)
    value = serializers.CharField(
        max_length=120, required=False, default="", allow_blank=True, help_text="The tag, the topic, a member's id."
    )
    query = serializers.DictField(
        child=serializers.CharField(max_length=200), help_text="Filters of the list of pairs; {} is the whole task."
    )
    key = serializers.RegexField(r"^[A-Za-z0-9-]{8,64}$", help_text="Yours; sent twice, it is one action.")


class BulkRefusalOut(serializers.ModelSerializer[BulkRow]):
    class Meta:
        model = BulkRow
        fields = ("id", "pair", "reason")


class PlaceShape(serializers.Serializer[object]):
    """`start` counts the characters of the input before the words."""

    field = serializers.CharField(max_length=LONGEST_NAME)
    start = serializers.IntegerField(min_value=0)
    text = Text()


class TracesIn(serializers.Serializer[object]):
    evidence = PlaceShape(many=True, required=False, help_text="Where in the input output fields are read off.")
    draft_version = serializers.IntegerField(
        min_value=0,
        max_value=2**31 - 2,
        required=False,
        default=0,
        help_text="How many saves of your draft of this you know of. A newer one with other words stays.",
    )


class RevisionIn(TracesIn):
    """What is not given stays as it was."""

    version = serializers.IntegerField(
        min_value=1, required=False, help_text="The version that you read; or send it as If-Match."
    )
    system = Text(required=False, allow_blank=True)
    instruction = Text(required=False)
    input = Text(required=False, allow_blank=True)
    response = Text(required=False)
    turns = TurnShape(many=True, required=False)
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


class PairIn(RevisionIn):
    version = None  # type: ignore[assignment]
    task = serializers.IntegerField(min_value=1)
    instruction = Text()
    response = Text()
    passage = serializers.IntegerField(min_value=1, required=False, help_text="The passage that it was written from.")
    key = serializers.RegexField(
        r"^[A-Za-z0-9_-]{1,40}$", required=False, default="", help_text="Sent twice with the same key, it is one pair."
    )


class ReviewIn(serializers.Serializer[object]):
    revision = serializers.IntegerField(min_value=1, help_text="The id of the revision that you read.")
    decision = serializers.ChoiceField(choices=Decision.choices)
    reason = serializers.CharField(max_length=4000, required=False, default="", allow_blank=True)


class ReviewOut(serializers.ModelSerializer[Review]):
    reviewer = PersonOut(read_only=True, allow_null=True)

    class Meta:
        model = Review
        fields = ("id", "revision", "decision", "basis", "reason", "reviewer", "fingerprint", "guideline", "created_at")


class StaleOut(serializers.Serializer[object]):
    """409 (412 with If-Match): somebody was faster; both texts, and the one that both began with if it is known."""

    detail = serializers.CharField()
    yours = serializers.JSONField()
    theirs = serializers.JSONField()
    base = serializers.JSONField(allow_null=True)
    version = serializers.IntegerField()


class MappingShape(serializers.Serializer[object]):
    """Which column of the file becomes which field of a pair."""

    columns = serializers.DictField(child=serializers.CharField(allow_blank=True, max_length=400), default=dict)
    conversation = serializers.CharField(required=False, default="", allow_blank=True, max_length=400)
    turns = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=400,
        help_text="A column with the turns before the instruction, as a list.",
    )  # fmt: skip
    metadata = serializers.ListField(child=serializers.CharField(max_length=400), required=False, default=list)

    def validate_columns(self, value: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(value) - set(FIELDS))
        if unknown:
            text = _("A pair has no field %(unknown)s; it has: %(known)s.")
            raise serializers.ValidationError(text % {"unknown": unknown[0], "known": ", ".join(FIELDS)})
        return value


def mapping_of(given: dict[str, Any]) -> Mapping:
    columns = {name: given["columns"].get(name, "") for name in FIELDS}
    return Mapping("columns", columns, given["conversation"], given["metadata"], given["turns"])


class ImportOut(serializers.ModelSerializer[Import]):
    mapping = MappingShape()
    tables = serializers.ListField(
        child=serializers.CharField(), help_text="Sheets of a workbook, splits of a dataset."
    )
    report = serializers.DictField(help_text="What the look through the file found; empty before it.")
    created_by = PersonOut(read_only=True, allow_null=True)

    class Meta:
        model = Import
        fields = (
            "id", "task", "file_name", "size", "sha256", "format", "encoding", "tables", "table", "mapping", "report",
            "approve", "source", "state", "rows", "accepted", "duplicates", "refused", "error", "job", "created_by",
            "created_at",
        )  # fmt: skip


class ImportIn(serializers.Serializer[object]):
    task = serializers.IntegerField(min_value=1)
    file = serializers.FileField(allow_empty_file=True, max_length=200)


class ImportCheckIn(serializers.Serializer[object]):
    mapping = MappingShape(required=False, help_text="Without it, the columns as they were recognised.")
    table = serializers.CharField(
        max_length=200, required=False, default="", allow_blank=True,
        help_text="One of `tables`: a sheet of the workbook or a split of the dataset; * for all splits.",
    )  # fmt: skip


class ImportStartIn(ImportCheckIn):
    approve = serializers.BooleanField(default=False, help_text="Owners only.")
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=300, required=False, default="", allow_blank=True
    )


class ProblemOut(serializers.ModelSerializer[ImportProblem]):
    class Meta:
        model = ImportProblem
        fields = ("row", "column", "reason", "excerpt")


class VersionOut(serializers.ModelSerializer[DatasetVersion]):
    template = TemplateShape()
    created_by = PersonOut(read_only=True, allow_null=True)

    class Meta:
        model = DatasetVersion
        fields = (
            "id", "task", "number", "note", "state", "train_share", "leaks", "sha256", "template", "system_prompt",
            "counts", "erased", "error", "job", "verification", "verified_at", "verified_same", "verified_changed",
            "created_by", "created_at",
        )  # fmt: skip


class VersionIn(serializers.Serializer[object]):
    task = serializers.IntegerField(min_value=1)
    note = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)
    train_share = serializers.FloatField(min_value=0.05, max_value=0.95, required=False)
    leaks = serializers.ChoiceField(
        choices=LeakRule.choices, default=LeakRule.EXCLUDE, help_text="What becomes of pairs that give test items away."
    )


class VersionRowOut(serializers.ModelSerializer[VersionPair]):
    revision = RevisionOut(read_only=True)
    pair = serializers.IntegerField(source="revision.pair_id", read_only=True)

    class Meta:
        model = VersionPair
        fields = ("ordinal", "pair", "part", "group", "digest", "unreviewed", "revision")


class VerifiedOut(serializers.Serializer[object]):
    same = serializers.BooleanField(
        allow_null=True, help_text="null while a job looks; the version says it afterwards."
    )
    sha256 = serializers.CharField()
    changed = serializers.IntegerField(allow_null=True, help_text="Rows whose texts differ.")
    job = serializers.IntegerField(allow_null=True, help_text="The job that looks just now.")


class SuiteOut(serializers.ModelSerializer[Suite]):
    class Meta:
        model = Suite
        fields = ("id", "task", "version", "name", "role", "sha256", "size", "created_at")


class SuiteItemOut(serializers.ModelSerializer[SuiteItem]):
    revision = RevisionOut(read_only=True, allow_null=True)

    class Meta:
        model = SuiteItem
        fields = ("id", "ordinal", "fingerprint", "revision")
