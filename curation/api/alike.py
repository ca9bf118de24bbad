from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.projects import REFUSALS
from core.denied import ApplicationError
from curation.access import pair_by_id
from curation.selectors.alike import pairs_alike


class AlikeOut(serializers.Serializer[object]):
    pair = serializers.IntegerField(source="pair.pk")
    state = serializers.CharField(source="pair.state")
    instruction = serializers.CharField(source="pair.instruction", help_text="Its beginning.")
    similarity = serializers.FloatField(help_text="Cosine of the two meanings.")


@extend_schema(
    tags=["pairs"], responses={200: AlikeOut(many=True), **REFUSALS}, summary="Pairs that mean nearly the same"
)
@api_view(["GET"])
def alike(request: Request, pair: int) -> Response:
    found = pairs_alike(pair_by_id(request, pair)[1])
    if found is None:
        raise ApplicationError(_("This pair was not read for its meaning yet."))
    return Response(AlikeOut(found, many=True).data)
