from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.projects import REFUSALS
from core.choices import Need
from curation.access import task_by_id
from curation.selectors.health import health_json, report_of
from curation.services.gaps import MOST, gap_ask
from curation.services.stock import stock_ask


class HealthOut(serializers.Serializer[object]):
    task = serializers.IntegerField()
    counted_at = serializers.DateTimeField(allow_null=True, help_text="null: not counted yet; POST counts.")
    target = serializers.IntegerField()
    projection = serializers.CharField()
    numbers = serializers.DictField()


class GapIn(serializers.Serializer[object]):
    topic = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)
    about = serializers.CharField(
        max_length=80, required=False, default="", allow_blank=True, help_text="What the texts should speak of."
    )
    shortest = serializers.IntegerField(min_value=0, default=0, help_text="In tokens, question and answer together.")
    longest = serializers.IntegerField(min_value=1, allow_null=True, default=None)
    count = serializers.IntegerField(min_value=1, max_value=MOST, default=5)


class AskedOut(serializers.Serializer[object]):
    asked = serializers.IntegerField()


class JobAskedOut(serializers.Serializer[object]):
    job = serializers.IntegerField()


@extend_schema(tags=["health"])
class HealthView(APIView):
    @extend_schema(responses={200: HealthOut, **REFUSALS}, summary="How good, various, real and large a task's data is")
    def get(self, request: Request, task: int) -> Response:
        found = task_by_id(request, task)[1]
        return Response(HealthOut(health_json(found, report_of(found))).data)

    @extend_schema(request=None, responses={202: JobAskedOut, **REFUSALS}, summary="Count it anew, in the background")
    def post(self, request: Request, task: int) -> Response:
        access, found = task_by_id(request, task, Need.WRITE)
        return Response({"job": stock_ask(actor=access.user, task=found, waited=True).pk}, status=202)


@extend_schema(tags=["health"])
class Gaps(APIView):
    @extend_schema(request=GapIn, responses={201: AskedOut, **REFUSALS}, summary="Make work of a hole (owners)")
    def post(self, request: Request, task: int) -> Response:
        access, found = task_by_id(request, task, Need.OWN)
        given = GapIn(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(given.validated_data)
        return Response({"asked": len(gap_ask(actor=access.user, task=found, **values))}, status=201)
