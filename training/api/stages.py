"""What a model at any stage makes of words, and how it reads them."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import project_access
from core.api.projects import REFUSALS
from training.models import BaseModel, ModelVersion
from training.selectors.stages import stage_model
from training.services.stages import LONGEST, MOST_TOKENS, NEW_TOKENS, stage_answer, stage_tokens


class AskedIn(serializers.Serializer[object]):
    project = serializers.SlugField()
    base = serializers.IntegerField(required=False, help_text="Id of a base model, or give `version`.")
    version = serializers.IntegerField(required=False, help_text="Id of a model version of this project.")
    prompt = serializers.CharField(max_length=LONGEST, trim_whitespace=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("base" in attrs) == ("version" in attrs):
            raise serializers.ValidationError({"base": [_("Give either a base model or a model version.")]})
        return attrs


class CompletionIn(AskedIn):
    new_tokens = serializers.IntegerField(min_value=1, max_value=MOST_TOKENS, default=NEW_TOKENS)


class CompletionOut(serializers.Serializer[object]):
    text = serializers.CharField()
    seconds = serializers.FloatField()


class LikelyOut(serializers.Serializer[object]):
    id = serializers.IntegerField()
    text = serializers.CharField()
    share = serializers.FloatField()


class TokenOut(serializers.Serializer[object]):
    id = serializers.IntegerField()
    text = serializers.CharField()
    share = serializers.FloatField(allow_null=True, help_text="How likely the model held it; null for the first.")
    likeliest = LikelyOut(many=True, help_text="The five likeliest next tokens after it.")


def asked_of(request: Request, shape: type[AskedIn]) -> tuple[BaseModel | ModelVersion, dict[str, Any]]:
    given = shape(data=request.data)
    given.is_valid(raise_exception=True)
    asked: dict[str, Any] = dict(given.validated_data)
    access = project_access(request, asked["project"])
    key = f"b{asked['base']}" if "base" in asked else f"v{asked['version']}"
    found = stage_model(access.project, key)
    if found is None:
        raise serializers.ValidationError({"base": [_("There is no such model.")]})
    return found, asked


@extend_schema(
    tags=["model-versions"], request=CompletionIn, responses={200: CompletionOut, **REFUSALS},
    summary="What a model makes of words: a base model goes on with them, a model version answers",
)  # fmt: skip
@api_view(["POST"])
def completions(request: Request) -> Response:
    model, asked = asked_of(request, CompletionIn)
    said = stage_answer(model=model, prompt=asked["prompt"], new_tokens=asked["new_tokens"])
    return Response(CompletionOut(said).data)


@extend_schema(
    tags=["model-versions"], request=AskedIn, responses={200: TokenOut(many=True), **REFUSALS},
    summary="Tokens and ids of a text, with the five likeliest next tokens at each place",
)  # fmt: skip
@api_view(["POST"])
def next_tokens(request: Request) -> Response:
    model, asked = asked_of(request, AskedIn)
    return Response(stage_tokens(model=model, text=asked["prompt"]))
