"""Work items for programs: what waits, claiming the next review, keeping it, deciding it."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import project_access
from core.api.projects import REFUSALS
from core.choices import Need, WorkKind, WorkState
from core.denied import ApplicationError
from core.models import Assignment, WorkItem
from core.services.work import work_renew, work_skip
from curation.access import PAIR_PARTS, assignment_by_id
from curation.api.pairs import STALE
from curation.api.shapes import AssignmentOut, ClaimedOut, ClaimIn, ReviewIn, ReviewOut, SkipIn, WorkItemOut
from curation.api.tasks import PROJECT, projects_asked
from curation.choices import Decision
from curation.models import Pair
from curation.selectors.reviews import review_next
from curation.services.pairs import review_batch
from curation.services.reviews import review_decide


@extend_schema(tags=["work-items"], parameters=[PROJECT, OpenApiParameter("kind", str, enum=WorkKind.values)])
class WorkItems(generics.ListAPIView[WorkItem]):
    """Open work, newest first."""

    serializer_class = WorkItemOut
    queryset = WorkItem.objects.none()

    def get_queryset(self) -> QuerySet[WorkItem]:
        items = WorkItem.objects.filter(project__in=projects_asked(self.request), state=WorkState.OPEN)
        kind = self.request.query_params.get("kind")
        return (items.filter(kind=kind) if kind else items).select_related("project")


@extend_schema(
    tags=["work-items"], request=ClaimIn, responses={200: ClaimedOut, 204: None, **REFUSALS},
    summary="Claim the next review; 204 when nothing waits for you",
)  # fmt: skip
@api_view(["POST"])
def claim(request: Request) -> Response:
    given = ClaimIn(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(given.validated_data)
    access = project_access(request, values["project"], Need.REVIEW)
    batch = review_batch(values["task"]) if "task" in values else ""
    held = review_next(access.project, access.user, batch)
    if held is None:
        return Response(status=204)
    return Response(ClaimedOut(held, context={"pair": pair_held(held)}).data)


def pair_held(held: Assignment) -> Pair:
    if held.item.kind != WorkKind.REVIEW:
        raise ApplicationError("This is no review; grades are sent to the endpoint of grades.")
    return Pair.objects.select_related(*PAIR_PARTS).get(pk=held.item.subject_id)


@extend_schema(
    tags=["work-items"], request=None, responses={200: AssignmentOut, **REFUSALS}, summary="Keep a hold for longer"
)
@api_view(["POST"])
def renew(request: Request, assignment: int) -> Response:
    held = assignment_by_id(request, assignment, Need.VIEW)[1]
    return Response(AssignmentOut(work_renew(assignment=held)).data)


@extend_schema(
    tags=["work-items"], request=ReviewIn, responses={201: ReviewOut, **STALE, **REFUSALS}, summary="Decide a review"
)
@api_view(["POST"])
def submit(request: Request, assignment: int) -> Response:
    access, held = assignment_by_id(request, assignment, Need.REVIEW)
    given = ReviewIn(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(given.validated_data)
    review = review_decide(
        actor=access.user,
        pair=pair_held(held),
        revision_id=values["revision"],
        decision=Decision(values["decision"]),
        reason=values["reason"],
        assignment=held,
    )
    return Response(ReviewOut(review).data, status=201)


@extend_schema(
    tags=["work-items"], request=SkipIn, responses={204: None, **REFUSALS}, summary="Pass an item on to others"
)
@api_view(["POST"])
def skip(request: Request, assignment: int) -> Response:
    held = assignment_by_id(request, assignment, Need.VIEW)[1]
    given = SkipIn(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(given.validated_data)
    work_skip(assignment=held, reason=values["reason"])
    return Response(status=204)
