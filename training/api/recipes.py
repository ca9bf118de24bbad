"""Recipes by the API: as YAML and back, kept as presets of a project, and two runs compared."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import project_access
from core.api.asked import number_asked
from core.api.projects import REFUSALS
from core.api.shapes import Refusal
from core.choices import Need
from core.denied import ApplicationError
from curation.access import by_id
from ml.recipe import Recipe, RecipeError
from training.access import run_by_id
from training.api.shapes import RecipeIn
from training.models import OwnPreset, Run
from training.presets import refused
from training.selectors.comparison import Line, compared, outcomes
from training.services.presets import NAME_LENGTH, preset_drop, preset_keep

PROJECT = OpenApiParameter("project", str, required=True, description="Slug.")


class PresetOut(serializers.ModelSerializer[OwnPreset]):
    key = serializers.SerializerMethodField(help_text="Name it as the preset of a run.")

    class Meta:
        model = OwnPreset
        fields = ("id", "key", "name", "recipe", "created_at")

    def get_key(self, preset: OwnPreset) -> str:
        return f"own-{preset.pk}"


class PresetIn(serializers.Serializer[object]):
    run = serializers.IntegerField(help_text="Id of the run whose recipe is kept.")
    name = serializers.CharField(max_length=NAME_LENGTH)


class LineOut(serializers.Serializer[object]):
    label = serializers.CharField()  # type: ignore[assignment]
    left = serializers.CharField()
    right = serializers.CharField()


class ComparedOut(serializers.Serializer[object]):
    differences = LineOut(many=True)
    same = LineOut(many=True)
    outcomes = LineOut(many=True)


class RecipeTextIn(serializers.Serializer[object]):
    project = serializers.SlugField()
    recipe = serializers.CharField(max_length=20_000, help_text="YAML, as a run gives it.")


class RecipeReadOut(serializers.Serializer[object]):
    method = serializers.CharField()
    recipe = RecipeIn()


@extend_schema(tags=["presets"], parameters=[PROJECT])
class Presets(generics.ListAPIView[OwnPreset]):
    """The presets that a project keeps, by name."""

    serializer_class = PresetOut
    queryset = OwnPreset.objects.none()

    def get_queryset(self) -> QuerySet[OwnPreset]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        access = project_access(self.request, self.request.query_params.get("project", ""))
        return OwnPreset.objects.filter(project=access.project)

    @extend_schema(
        request=PresetIn, responses={201: PresetOut, **REFUSALS}, summary="Keep a run's recipe as a preset (owners)"
    )
    def post(self, request: Request) -> Response:
        given = PresetIn(data=request.data)
        given.is_valid(raise_exception=True)
        access, run = run_by_id(request, given.validated_data["run"], Need.OWN)
        made = preset_keep(actor=access.user, run=run, name=given.validated_data["name"])
        return Response(PresetOut(made).data, status=status.HTTP_201_CREATED)


@extend_schema(tags=["presets"], responses={204: None, **REFUSALS}, summary="Delete a preset (owners)")
@api_view(["DELETE"])
def preset(request: Request, preset: int) -> Response:
    access, found = by_id(request, OwnPreset.objects.select_related("project"), preset, Need.OWN, "project")
    preset_drop(actor=access.user, project=access.project, preset=found)
    return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(
    tags=["runs"],
    responses={(200, "application/yaml"): OpenApiTypes.STR, 404: Refusal},
    summary="A run's recipe as YAML",
)
@api_view(["GET"])
def recipe(request: Request, run: int) -> HttpResponse:
    _access, found = run_by_id(request, run)
    return HttpResponse(Recipe.from_json(found.recipe).to_yaml(), content_type="application/yaml")


@extend_schema(
    tags=["runs"],
    request=RecipeTextIn,
    responses={200: RecipeReadOut, **REFUSALS},
    summary="Read a recipe from YAML: its method and settings, as a run is asked for (owners)",
)
@api_view(["POST"])
def recipe_read(request: Request) -> Response:
    given = RecipeTextIn(data=request.data)
    given.is_valid(raise_exception=True)
    project_access(request, given.validated_data["project"], Need.OWN)
    try:
        found = Recipe.from_yaml(given.validated_data["recipe"]).to_json()
        return Response({"method": found.pop("method"), "recipe": found})
    except RecipeError as error:
        raise ApplicationError(refused(error), field=error.field) from error


@extend_schema(
    tags=["runs"],
    parameters=[
        OpenApiParameter("a", int, required=True, description="Id of a run."),
        OpenApiParameter("b", int, required=True, description="Id of another run of its project."),
    ],
    responses={200: ComparedOut, **REFUSALS},
    summary="Two runs of a project side by side: in what they differ, and what came of it",
)
@api_view(["GET"])
def compare(request: Request) -> Response:
    left, right = (run_asked(request, name) for name in ("a", "b"))
    if left.project_id != right.project_id:
        raise serializers.ValidationError({"b": [_("Both runs must belong to one project.")]})
    lines = compared(left, right)
    parts = {
        "differences": [line for line in lines if line.differs],
        "same": [line for line in lines if not line.differs],
        "outcomes": outcomes(left, right),
    }
    return Response({name: [shown(line) for line in found] for name, found in parts.items()})


def run_asked(request: Request, name: str) -> Run:
    return run_by_id(request, number_asked(request, name))[1]


def shown(line: Line) -> dict[str, Any]:
    return {"label": str(line.label), "left": line.left, "right": line.right}
