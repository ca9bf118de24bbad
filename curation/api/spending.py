from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.asked import number_asked
from core.api.projects import REFUSALS
from core.api.shapes import PersonOut
from core.choices import Need
from curation.access import pair_by_id, task_by_id
from curation.api.freezing import ById
from curation.models import Spent
from curation.selectors.spending import spent_of
from curation.services.spending import test_item_spend


class SpendIn(serializers.Serializer[object]):
    reason = serializers.CharField(max_length=300)


class SpentOut(serializers.ModelSerializer[Spent]):
    """A pair that left the test part for good; `because` is the item that was asked for, else one of its group."""

    spent_by = PersonOut(read_only=True, allow_null=True)

    class Meta:
        model = Spent
        fields = ("pair", "task", "because", "reason", "spent_by", "spent_at")


@extend_schema(
    tags=["pairs"],
    request=SpendIn,
    responses={200: SpentOut(many=True), **REFUSALS},
    summary="Spend a test item: its group goes to train (owners)",
)
@api_view(["POST"])
def spend(request: Request, pair: int) -> Response:
    access, found = pair_by_id(request, pair, Need.OWN)
    given = SpendIn(data=request.data)
    given.is_valid(raise_exception=True)
    spent = test_item_spend(actor=access.user, pair=found, reason=given.validated_data["reason"])
    return Response(SpentOut(spent, many=True).data)


@extend_schema(tags=["suites"], parameters=[OpenApiParameter("task", int, required=True)])
class SpentItems(generics.ListAPIView[Spent]):
    """Test items of a task that were given up as lessons."""

    serializer_class = SpentOut
    pagination_class = ById
    queryset = Spent.objects.none()

    def get_queryset(self) -> QuerySet[Spent]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return spent_of(task_by_id(self.request, number_asked(self.request, "task"))[1])
