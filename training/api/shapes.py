"""What training's endpoints take and give, as serializers: the schema is made from them."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.shapes import PersonOut
from curation.models import DatasetVersion
from ml.recipe import RecipeField, recipe_fields
from training.choices import Tell
from training.models import Audit, BaseModel, ModelVersion, Run, RunEvent
from training.presets import METHODS, effects, said
from training.selectors.curves import MEASURES, POINTS
from training.selectors.diagnoses import diagnoses
from training.services.chat import LONGEST, MOST_TOKENS
from training.services.launch import NAME_LENGTH, Wishes

MOST_POINTS, BIGGEST = 5000, 2**31 - 1


class BaseOut(serializers.ModelSerializer[BaseModel]):
    class Meta:
        model = BaseModel
        fields = (
            "id", "name", "folder", "source", "state", "fingerprint", "tokenizer_fingerprint", "architecture",
            "size", "corpus", "run",
            "parameters", "context_length", "has_chat_template", "licence", "note", "report", "error", "created_at",
        )  # fmt: skip


class BaseIn(serializers.Serializer[object]):
    folder = serializers.CharField(max_length=500, help_text="Below the model store, such as base/my-model.")
    name = serializers.CharField(max_length=120)
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=200, allow_blank=True, required=False, default=""
    )
    licence = serializers.CharField(max_length=80, allow_blank=True, required=False, default="")


class AuditOut(serializers.ModelSerializer[Audit]):
    """What each pair of a version becomes. `report.launchable` says whether a run may start from it."""

    class Meta:
        model = Audit
        fields = ("id", "version", "base", "max_tokens", "state", "report", "error", "created_at")


class AuditIn(serializers.Serializer[object]):
    project = serializers.SlugField()
    version = serializers.IntegerField(help_text="Id of a dataset version of this project.")
    base = serializers.IntegerField(help_text="Id of a base model that is ready.")
    max_tokens = serializers.IntegerField(min_value=16, max_value=131_072)


def setting_field(setting: RecipeField) -> serializers.Field[Any, Any, Any, Any]:
    common: dict[str, Any] = {
        "required": False,
        "help_text": f"{said(setting.label)}: {said(setting.help)} {effects(setting)}",
    }
    if setting.choices:
        return serializers.ChoiceField(choices=[(choice, said(label)) for choice, label in setting.choices], **common)
    if setting.kind == "bool":
        return serializers.BooleanField(**common)
    kind: Any = serializers.IntegerField if setting.kind == "int" else serializers.FloatField
    return kind(min_value=setting.minimum, max_value=setting.maximum, **common)


class RecipeIn(serializers.Serializer[object]):
    """Settings that differ from the preset. Those that are not given are what the preset says."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {setting.name: setting_field(setting) for setting in recipe_fields() if setting.name != "method"}

    def to_internal_value(self, data: Any) -> Any:
        unknown = set(data) - set(self.fields) if isinstance(data, dict) else set()
        if unknown:
            raise serializers.ValidationError({str(name): [_("There is no such setting.")] for name in unknown})
        return super().to_internal_value(data)


class WishesIn(serializers.Serializer[object]):
    tell = serializers.ChoiceField(choices=Tell.choices, default=Tell.REQUESTER, help_text="Who hears of its end.")
    wanted_by = serializers.DateTimeField(required=False, allow_null=True, default=None)
    nights = serializers.BooleanField(default=False, help_text="Whether it may run only at night.")


def wishes_of(asked: dict[str, Any]) -> Wishes:
    """Taken out of what was asked."""
    return Wishes(**{name: asked.pop(name) for name in ("tell", "wanted_by", "nights")})


class RunIn(WishesIn):
    project = serializers.SlugField()
    version = serializers.IntegerField(help_text="Id of a dataset version of this project.")
    base = serializers.IntegerField(help_text="Id of a base model that is ready.")
    start = serializers.IntegerField(
        required=False, allow_null=True, default=None, help_text="Id of a model version to go on from."
    )
    preset = serializers.CharField(
        default="balanced", max_length=20, help_text="quick, balanced, best, or own-ID for one of the project's own."
    )
    method = serializers.ChoiceField(
        choices=[key for key, _label in METHODS], required=False, default="", help_text="Left out: the preset's."
    )
    name = serializers.CharField(max_length=NAME_LENGTH, allow_blank=True, required=False, default="")
    data_share = serializers.FloatField(
        min_value=0.001, max_value=1, default=1.0, help_text="Share of the train part; a smaller one lies in a larger."
    )
    data_seed = serializers.IntegerField(min_value=0, max_value=2**31, default=0, help_text="Which pairs these are.")
    recipe = RecipeIn(required=False)


class RunCodeIn(serializers.Serializer[object]):
    code = serializers.SlugField(help_text="Of a problem in the audit's report.")


class RunExcludeIn(RunCodeIn):
    exclude = serializers.BooleanField(default=True)


class SentOut(serializers.Serializer[object]):
    pairs = serializers.IntegerField()


class TrialOut(serializers.Serializer[object]):
    method = serializers.CharField()
    memory = serializers.IntegerField(help_text="Bytes at most, with the longest pairs.")
    most = serializers.IntegerField(help_text="Bytes that this machine has for it.")
    fits = serializers.BooleanField()
    speed = serializers.FloatField(help_text="Tokens a second.")
    seconds = serializers.FloatField(help_text="Of the whole training.")
    disk = serializers.IntegerField(help_text="Bytes of checkpoints.")
    error = serializers.CharField(allow_blank=True)


class ProbeOut(serializers.Serializer[object]):
    state = serializers.CharField(help_text="running, ready, failed; empty when the run as it is was never tried.")
    error = serializers.CharField()
    trials = TrialOut(many=True)
    advice = serializers.CharField()


class RunOut(serializers.ModelSerializer[Run]):
    project: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    requested_by = PersonOut(read_only=True, allow_null=True)
    model_version = serializers.SerializerMethodField(help_text="Id of what it made; null until it is done.")
    base_model = serializers.SerializerMethodField(help_text="Id of the base model that a pretraining made.")

    class Meta:
        model = Run
        fields = (
            "id", "project", "version", "corpus", "base", "start", "after", "audit", "subset", "excluded",
            "name", "preset", "recipe", "state",
            "step", "steps", "attempt", "live", "result", "estimate", "error", "tell", "wanted_by", "nights", "job",
            "model_version", "base_model", "requested_by", "created_at", "started_at", "ended_at",
        )  # fmt: skip

    def get_model_version(self, run: Run) -> int | None:
        made = getattr(run, "model_version", None)
        return made.pk if made else None

    def get_base_model(self, run: Run) -> int | None:
        made = getattr(run, "base_made", None)
        return made.pk if made else None


class DiagnosisOut(serializers.Serializer[object]):
    code = serializers.CharField()
    title = serializers.CharField()
    cause = serializers.CharField()
    cure = serializers.CharField()
    retry = serializers.BooleanField(help_text="Whether `halve` is the way out.")


class RunDetailOut(RunOut):
    refusals = serializers.SerializerMethodField(help_text="Why a prepared run may not start yet; empty when it may.")
    diagnoses = serializers.SerializerMethodField(help_text="What is wrong with it, by what it told so far.")

    class Meta(RunOut.Meta):
        fields = (*RunOut.Meta.fields, "refusals", "diagnoses")  # type: ignore[assignment]

    @extend_schema_field(DiagnosisOut(many=True))
    def get_diagnoses(self, run: Run) -> Any:
        return DiagnosisOut(diagnoses(run), many=True).data

    def get_refusals(self, run: Run) -> list[str]:
        return [str(denied) for denied in self.context.get("refusals", [])]


class WaitingOut(serializers.Serializer[object]):
    run = serializers.IntegerField()
    job = serializers.IntegerField()
    place = serializers.IntegerField(allow_null=True, help_text="Among the runs of all projects; null while held.")
    starts_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    late = serializers.BooleanField(help_text="Whether it should end later than it is wanted.")


class RunEventOut(serializers.ModelSerializer[RunEvent]):
    class Meta:
        model = RunEvent
        fields = ("attempt", "seq", "type", "step", "at", "data", "superseded")


class RunEventsOut(serializers.Serializer[object]):
    events = RunEventOut(many=True)
    state = serializers.CharField()
    next = serializers.CharField(help_text="Give it as `after` to get what comes next.")


class LogOut(serializers.Serializer[object]):
    attempt = serializers.IntegerField()
    log = serializers.CharField(allow_blank=True)


class MetricOut(serializers.Serializer[object]):
    name = serializers.CharField()
    label: Any = serializers.CharField()
    text = serializers.CharField(help_text="What it says, and in what unit.")
    points: Any = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2),
        help_text="[step, value], in order of the steps.",
    )


class MetricsOut(serializers.Serializer[object]):
    state = serializers.CharField()
    step = serializers.IntegerField(help_text="The newest step. Give it as `after` to get what comes next.")
    steps = serializers.IntegerField(help_text="Of the whole run.")
    metrics = MetricOut(many=True, help_text="Those that were measured.")


class MetricsIn(serializers.Serializer[object]):
    names: Any = serializers.CharField(
        required=False, help_text=f"With commas, of {', '.join(MEASURES)}. Left out: all."
    )
    after = serializers.IntegerField(required=False, min_value=-1, max_value=BIGGEST, default=-1)
    until = serializers.IntegerField(required=False, min_value=0, max_value=BIGGEST, default=None, allow_null=True)
    points = serializers.IntegerField(
        required=False, min_value=2, max_value=MOST_POINTS, default=POINTS,
        help_text="What is measured at every step is thinned evenly to about so many; a window of `after` and `until` "
        "that is no longer has every step.",
    )  # fmt: skip

    def validate_names(self, names: str) -> list[str]:
        found = [name for name in (part.strip() for part in names.split(",")) if name]
        for name in found:
            if name not in MEASURES:
                raise serializers.ValidationError(_("There is no measure “%(name)s”.") % {"name": name})
        return found


class ModelVersionOut(serializers.ModelSerializer[ModelVersion]):
    project: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    dataset_version = serializers.IntegerField(source="run.version_id", read_only=True)

    class Meta:
        model = ModelVersion
        fields = (
            "id", "project", "number", "name", "run", "base", "dataset_version", "method", "folder", "fingerprint",
            "tokenizer_fingerprint", "template", "created_at",
        )  # fmt: skip


class ModelVersionDetailOut(ModelVersionOut):
    result = serializers.JSONField(source="run.result", read_only=True, help_text="Losses, times, digests of files.")
    recipe = serializers.JSONField(source="run.recipe", read_only=True)

    class Meta(ModelVersionOut.Meta):
        fields = (*ModelVersionOut.Meta.fields, "result", "recipe")  # type: ignore[assignment]


class TurnIn(serializers.Serializer[object]):
    role = serializers.ChoiceField(choices=["user", "assistant"])
    content = serializers.CharField(allow_blank=True)


class ChatIn(serializers.Serializer[object]):
    message = serializers.CharField(max_length=LONGEST, trim_whitespace=False)
    turns = TurnIn(many=True, required=False)
    max_new_tokens = serializers.IntegerField(min_value=1, max_value=MOST_TOKENS, default=200)
    temperature = serializers.FloatField(min_value=0, max_value=2, default=0)


class EmbedIn(serializers.Serializer[object]):
    texts: Any = serializers.ListField(child=serializers.CharField(allow_blank=True, max_length=20_000), max_length=512)


class EmbedOut(serializers.Serializer[object]):
    vectors: Any = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()), help_text="384 numbers for each text, in order."
    )


def version_of(project: Any, key: int) -> DatasetVersion:
    """The dataset version of this project, or a validation error that does not tell whether it is elsewhere."""
    found = DatasetVersion.objects.select_related("task__project").filter(task__project=project, pk=key).first()
    if found is None:
        raise serializers.ValidationError({"version": [_("There is no such dataset version in this project.")]})
    return found


def start_of(project: Any, key: int | None) -> ModelVersion | None:
    if key is None:
        return None
    found = ModelVersion.objects.select_related("base").filter(project=project, pk=key).first()
    if found is None:
        raise serializers.ValidationError({"start": [_("There is no such model version in this project.")]})
    return found


def base_of(key: int) -> BaseModel:
    found = BaseModel.objects.filter(pk=key).first()
    if found is None:
        raise serializers.ValidationError({"base": [_("There is no such base model.")]})
    return found
