from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import project_access, require_admin
from core.api.projects import REFUSALS
from core.api.shapes import PersonOut
from core.choices import Need
from core.services.projects import speeds_set
from curation.selectors.people import people_of, row_json


class ShareOut(serializers.Serializer[object]):
    part = serializers.IntegerField()
    of = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True, help_text="Null: nothing to divide by.")


class TimesOut(serializers.Serializer[object]):
    kind = serializers.CharField()
    median_seconds = serializers.FloatField()
    pieces = serializers.IntegerField()


class PersonNumbersOut(serializers.Serializer[object]):
    user = PersonOut()
    written = serializers.IntegerField()
    corrected = serializers.IntegerField()
    reviewed = serializers.IntegerField()
    returned = ShareOut()
    unchanged = ShareOut()
    agreed = ShareOut()
    times = TimesOut(many=True, allow_null=True, help_text="Your own; others' only while they are measured.")
    weeks = serializers.ListField(child=serializers.IntegerField(), help_text="Texts a week, this week last.")


class SpeedsIn(serializers.Serializer[object]):
    on = serializers.BooleanField()


class SpeedsOut(serializers.Serializer[object]):
    speeds_since = serializers.DateTimeField(allow_null=True)


@extend_schema(
    tags=["people"],
    responses={200: PersonNumbersOut(many=True), **REFUSALS},
    summary="What the people of a project did: everybody for owners, yourself otherwise",
)
@api_view(["GET"])
def people(request: Request, project: str) -> Response:
    access = project_access(request, project)
    rows = people_of(access.project, access.user, everybody=access.allows(Need.OWN))
    return Response(PersonNumbersOut([row_json(row) for row in rows], many=True).data)


@extend_schema(
    tags=["people"],
    request=SpeedsIn,
    responses={200: SpeedsOut, **REFUSALS},
    summary="Measure times for each person, or no longer (admins); everybody is told",
)
@api_view(["POST"])
def speeds(request: Request, project: str) -> Response:
    actor = require_admin(request)
    access = project_access(request, project)
    given = SpeedsIn(data=request.data)
    given.is_valid(raise_exception=True)
    speeds_set(actor=actor, project=access.project, on=given.validated_data["on"])
    return Response(SpeedsOut(access.project).data)
