"""The loop of a project with its numbers, and the walk from any object to what it came from, for programs."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import project_access
from core.api.projects import REFUSALS
from core.api.shapes import PersonOut
from home.selectors.lineage import KINDS, lineage_page, subject_of
from home.selectors.overview import overview_of


class StationOut(serializers.Serializer[object]):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    value = serializers.IntegerField()
    detail = serializers.CharField()
    url = serializers.CharField(help_text="The page with the rows behind the number.")
    done = serializers.BooleanField()
    going = serializers.BooleanField(help_text="Whether something is under way there.")


class NextActionOut(serializers.Serializer[object]):
    text = serializers.CharField()
    detail = serializers.CharField()
    url = serializers.CharField(help_text="The page on which it is done.")
    button = serializers.CharField()


class StepOut(serializers.Serializer[object]):
    label = serializers.CharField()  # type: ignore[assignment]
    done = serializers.BooleanField()


class HappeningOut(serializers.Serializer[object]):
    at = serializers.DateTimeField(source="event.at", help_text="The last time, where it happened several times.")
    actor = PersonOut(source="event.actor", allow_null=True)
    text = serializers.CharField(source="words")
    times = serializers.IntegerField()


class OverviewOut(serializers.Serializer[object]):
    stations = StationOut(many=True)
    next_key = serializers.CharField(help_text="The station to go on with; empty while something is under way.")
    actions = NextActionOut(many=True, help_text="What you could do now, the best first.")
    steps = StepOut(many=True)
    evaluation = serializers.IntegerField(source="latest.pk", default=None, allow_null=True, help_text="The newest.")
    activity = HappeningOut(many=True)


class WayOut(serializers.Serializer[object]):
    kind = serializers.CharField(source="entry.kind")
    label = serializers.CharField(source="entry.label")  # type: ignore[assignment]
    url = serializers.CharField(source="entry.url", help_text="Its page.")
    distance = serializers.IntegerField(help_text="Steps from the object asked for.")


class LineageOut(serializers.Serializer[object]):
    kind = serializers.CharField()
    label = serializers.CharField(source="subject")  # type: ignore[assignment]
    url = serializers.CharField(source="subject_url")
    up = WayOut(many=True, help_text="What it came from, nearest first.")
    down = WayOut(many=True, help_text="What came of it, nearest first.")


@extend_schema(tags=["projects"], responses={200: OverviewOut, **REFUSALS}, summary="The loop with its numbers")
@api_view(["GET"])
def overview(request: Request, project: str) -> Response:
    found = overview_of(project_access(request, project))
    actions = [found["best"], *found["others"]] if found["best"] else []
    return Response(OverviewOut({**found, "actions": actions}).data)


@extend_schema(
    tags=["projects"],
    responses={200: LineageOut, **REFUSALS},
    summary="Where an object comes from, and what came of it",
    description=f"Kinds: {', '.join(KINDS)}.",
)
@api_view(["GET"])
def lineage(request: Request, project: str, kind: str, number: int) -> Response:
    access = project_access(request, project)
    subject = subject_of(access.project, kind, number)
    if subject is None:
        raise Http404
    return Response(LineageOut(lineage_page(kind, subject)).data)
