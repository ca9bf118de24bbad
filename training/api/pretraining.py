"""Pretraining by the API: a run over a corpus, perhaps with the finetuning after it, and new models from scratch."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import Access, project_access
from core.api.projects import REFUSALS
from core.choices import Need
from core.denied import ApplicationError
from curation.choices import CorpusState
from curation.models import Corpus
from ml.recipe import Recipe
from ml.sizes import SIZES
from training.access import run_by_id
from training.api.shapes import BaseOut, RecipeIn, RunOut, WishesIn, base_of, version_of, wishes_of
from training.choices import ModelState, RunState
from training.models import Run
from training.selectors.gate import launch_refusals
from training.selectors.text_estimates import text_forecast
from training.services.launch import NAME_LENGTH
from training.services.pretraining import PRESETS, NewModel, Next, OfDocuments, pretraining_prepare
from training.services.scratch import scratch_make


class NewModelIn(serializers.Serializer[object]):
    size = serializers.ChoiceField(choices=list(SIZES))
    vocabulary = serializers.IntegerField(min_value=0, default=0, help_text="Tokens; 0 takes as many as suit the size.")


class PretrainingIn(WishesIn):
    project = serializers.SlugField()
    corpus = serializers.IntegerField(
        required=False, help_text="Id of a corpus of this project, ready or being made. Left out: of its documents."
    )
    base = serializers.IntegerField(required=False, help_text="Id of a base model that is ready, or give `new`.")
    new = NewModelIn(required=False, help_text="A model to be made from nothing.")
    preset = serializers.ChoiceField(choices=list(PRESETS), default="balanced")
    method = serializers.ChoiceField(choices=["", "lora", "full"], default="")
    name = serializers.CharField(max_length=NAME_LENGTH, allow_blank=True, required=False, default="")
    then = serializers.IntegerField(
        required=False, help_text="Id of a dataset version: a finetuning on it follows by itself."
    )
    then_preset = serializers.CharField(
        default="balanced", max_length=20, help_text="Of that finetuning: quick, balanced, best, or own-ID."
    )
    recipe = RecipeIn(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("base" in attrs) == ("new" in attrs):
            raise serializers.ValidationError({"base": [_("Give either a base model or a new one.")]})
        return attrs


class ScratchIn(NewModelIn):
    project = serializers.SlugField()
    corpus = serializers.IntegerField(help_text="Id of a corpus of this project, whose words its tokenizer learns.")
    name = serializers.CharField(max_length=120, allow_blank=True, required=False, default="")


def corpus_of(project: Any, key: int) -> Corpus:
    """The corpus of this project, or a validation error that does not tell whether it is elsewhere."""
    found = Corpus.objects.filter(project=project, pk=key).first()
    if found is None:
        raise serializers.ValidationError({"corpus": [_("There is no such corpus in this project.")]})
    return found


@extend_schema(
    tags=["runs"],
    request=PretrainingIn,
    responses={201: RunOut, **REFUSALS},
    summary="Prepare a pretraining (owners), alone or with the finetuning after it; launch it like any run",
)
@api_view(["POST"])
def pretrainings(request: Request) -> Response:
    access, asked = asked_of(request)
    run = pretraining_prepare(actor=access.user, project=access.project, **asked)
    return Response(RunOut(run).data, status=status.HTTP_201_CREATED)


class ForecastOut(serializers.Serializer[object]):
    bytes_a_token = serializers.FloatField()
    tokens = serializers.IntegerField(help_text="Of the text that is learnt from.")
    steps = serializers.IntegerField()
    seconds = serializers.FloatField(allow_null=True, help_text="null until a model of this size was trained here.")


class PretrainingOut(RunOut):
    forecast = serializers.SerializerMethodField(help_text="By the first texts; null while corpus or model is made.")
    refusals = serializers.SerializerMethodField(help_text="Why it may not start yet; empty when it may.")
    followers: Any = serializers.PrimaryKeyRelatedField(
        many=True, read_only=True, help_text="Ids of the runs that begin when it is done."
    )

    class Meta(RunOut.Meta):
        fields = (*RunOut.Meta.fields, "forecast", "refusals", "followers")  # type: ignore[assignment]

    @extend_schema_field(ForecastOut(allow_null=True))
    def get_forecast(self, run: Run) -> Any:
        made = run.base.state == ModelState.READY and run.corpus is not None and run.corpus.state == CorpusState.READY
        found = text_forecast(run, Recipe.from_json(run.recipe)) if made else None
        return ForecastOut(found).data if found else None

    def get_refusals(self, run: Run) -> list[str]:
        return [str(denied) for denied in launch_refusals(run)] if run.state == RunState.DRAFT else []


@extend_schema(
    methods=["GET"],
    tags=["runs"],
    responses={200: PretrainingOut, **REFUSALS},
    summary="A pretraining and what it takes",
)
@extend_schema(
    methods=["PUT"],
    tags=["runs"],
    request=PretrainingIn,
    responses={200: RunOut, **REFUSALS},
    summary="Change a prepared pretraining and what follows it (owners)",
)
@api_view(["GET", "PUT"])
def pretraining(request: Request, run: int) -> Response:
    found = run_by_id(request, run, Need.VIEW if request.method == "GET" else Need.OWN)[1]
    if request.method == "GET":
        if not found.corpus_id:
            raise ApplicationError(_("This run learns pairs; look at it as such."))
        return Response(PretrainingOut(found).data)
    access, asked = asked_of(request)
    if found.project_id != access.project.pk:
        raise serializers.ValidationError({"project": [_("This run belongs to another project.")]})
    if not found.corpus_id:
        raise ApplicationError(_("This run learns pairs; change it as such."))
    changed = pretraining_prepare(actor=access.user, project=access.project, run=found, **asked)
    return Response(RunOut(changed).data)


def asked_of(request: Request) -> tuple[Access, dict[str, Any]]:
    """What `pretraining_prepare` takes."""
    given = PretrainingIn(data=request.data)
    given.is_valid(raise_exception=True)
    asked: dict[str, Any] = dict(given.validated_data)
    access = project_access(request, asked.pop("project"), Need.OWN)
    new, then, preset = asked.pop("new", None), asked.pop("then", None), asked.pop("then_preset")
    asked["corpus"] = corpus_of(access.project, asked["corpus"]) if "corpus" in asked else OfDocuments()
    asked["base"] = NewModel(**new) if new else base_of(asked["base"])
    asked["then"] = Next(version_of(access.project, then), preset) if then else None
    asked["changes"], asked["wishes"] = asked.pop("recipe", {}), wishes_of(asked)
    return access, asked


@extend_schema(
    tags=["base-models"],
    request=ScratchIn,
    responses={201: BaseOut, **REFUSALS},
    summary="Make a new model from nothing but a corpus (owners): its tokenizer, and random weights",
)
@api_view(["POST"])
def scratch(request: Request) -> Response:
    given = ScratchIn(data=request.data)
    given.is_valid(raise_exception=True)
    asked: dict[str, Any] = dict(given.validated_data)
    access = project_access(request, asked.pop("project"), Need.OWN)
    made = scratch_make(actor=access.user, **{**asked, "corpus": corpus_of(access.project, asked["corpus"])})
    return Response(BaseOut(made).data, status=status.HTTP_201_CREATED)
