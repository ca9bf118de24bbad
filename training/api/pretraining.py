"""Pretraining by the API: a run over a corpus, perhaps with the finetuning after it, and new models from scratch."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import project_access
from core.api.projects import REFUSALS
from core.choices import Need
from curation.models import Corpus
from ml.sizes import SIZES
from training.api.shapes import BaseOut, RecipeIn, RunOut, base_of, version_of
from training.services.launch import NAME_LENGTH
from training.services.pretraining import PRESETS, NewModel, Next, pretraining_prepare
from training.services.scratch import scratch_make


class NewModelIn(serializers.Serializer[object]):
    size = serializers.ChoiceField(choices=list(SIZES))
    vocabulary = serializers.IntegerField(min_value=0, default=0, help_text="Tokens; 0 takes as many as suit the size.")


class PretrainingIn(serializers.Serializer[object]):
    project = serializers.SlugField()
    corpus = serializers.IntegerField(help_text="Id of a corpus of this project.")
    base = serializers.IntegerField(required=False, help_text="Id of a base model that is ready, or give `new`.")
    new = NewModelIn(required=False, help_text="A model to be made from nothing.")
    preset = serializers.ChoiceField(choices=list(PRESETS), default="balanced")
    method = serializers.ChoiceField(choices=["", "lora", "full"], default="")
    name = serializers.CharField(max_length=NAME_LENGTH, allow_blank=True, required=False, default="")
    then = serializers.IntegerField(
        required=False, help_text="Id of a dataset version: a finetuning on it follows by itself."
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
    given = PretrainingIn(data=request.data)
    given.is_valid(raise_exception=True)
    asked: dict[str, Any] = dict(given.validated_data)
    access = project_access(request, asked.pop("project"), Need.OWN)
    new = asked.pop("new", None)
    asked["corpus"] = corpus_of(access.project, asked["corpus"])
    asked["base"] = NewModel(**new) if new else base_of(asked["base"])
    then = asked.pop("then", None)
    run = pretraining_prepare(
        actor=access.user, project=access.project, changes=asked.pop("recipe", {}),
        then=Next(version_of(access.project, then)) if then else None, **asked,
    )  # fmt: skip
    return Response(RunOut(run).data, status=status.HTTP_201_CREATED)


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
