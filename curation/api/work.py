"""Work items for programs: what waits, claiming the next review, keeping it, deciding it."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import Access, person, project_access
from core.api.projects import REFUSALS
from core.choices import AssignmentState, WorkKind, WorkState
from core.denied import ApplicationError
from core.models import Assignment, WorkItem
from core.services.work import work_claim_next, work_release, work_renew, work_skip
from curation.access import NEEDS, assignment_by_id
from curation.api.document_shapes import PassageOut
from curation.api.pairs import STALE, texts_given, traces_given, version_read
from curation.api.question_shapes import QuestionOut
from curation.api.shapes import PairOut, ReviewIn, ReviewOut, RevisionIn
from curation.api.tasks import PROJECT, projects_asked
from curation.api.work_shapes import AssignmentOut, ClaimedOut, ClaimIn, MineOut, SkipIn, WorkItemOut
from curation.choices import Decision
from curation.fingerprints import texts_from, texts_of
from curation.models import Pair, Question
from curation.selectors.editor import key_of
from curation.selectors.passages import passage_held
from curation.selectors.questions import answers_beside
from curation.selectors.reviews import pair_held
from curation.services.reviews import pair_waiting, review_decide, review_fix
from curation.services.settling import Seen
from curation.subjects import QUESTION, review_batch


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
    tags=["work-items"],
    parameters=[PROJECT, OpenApiParameter("state", str, enum=AssignmentState.values)],
)
class Mine(generics.ListAPIView[Assignment]):
    """Your own work, newest first: what you hold, what you did, what you skipped and why."""

    serializer_class = MineOut
    queryset = Assignment.objects.none()

    def get_queryset(self) -> QuerySet[Assignment]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        mine = Assignment.objects.filter(user=person(self.request), item__project__in=projects_asked(self.request))
        state = self.request.query_params.get("state")
        return (mine.filter(state=state) if state else mine).select_related("item__project")


@extend_schema(
    tags=["work-items"], request=ClaimIn, responses={200: ClaimedOut, 204: None, **REFUSALS},
    summary="Claim the next piece of work of a kind; 204 when nothing waits for you",
)  # fmt: skip
@api_view(["POST"])
def claim(request: Request) -> Response:
    given = ClaimIn(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(given.validated_data)
    kind = WorkKind(values["kind"])
    access = project_access(request, values["project"], NEEDS[kind])
    batch = review_batch(values["task"]) if "task" in values else ""
    while held := work_claim_next(user=access.user, project=access.project, kind=kind, batch=batch):
        held.item.project = access.project
        if held.item.subject_type == QUESTION:
            return Response(ClaimedOut(held, context={"question": question_asked(held)}).data)
        if held.item.kind == WorkKind.PASSAGE:
            return Response(ClaimedOut(held, context={"passage": passage_asked(held)}).data)
        if (pair := pair_waiting(held)) is not None:
            pair.project = access.project
            return Response(ClaimedOut(held, context={"pair": pair}).data)
    return Response(status=204)


def question_asked(held: Assignment) -> dict[str, Any]:
    asked = Question.objects.get(pk=held.item.subject_id)
    found: dict[str, Any] = dict(QuestionOut(asked).data)
    if held.item.kind == WorkKind.ADJUDICATE:
        found["answers"] = [{"id": view.answer.pk, "texts": view.answer.texts} for view in answers_beside(asked)]
    return found


def passage_asked(held: Assignment) -> dict[str, Any] | None:
    found = passage_held(held)
    return {**PassageOut(found[1]).data, "document": found[1].document_id, "task": found[0].pk} if found else None


def pair_of(access: Access, held: Assignment) -> Pair:
    pair = pair_held(held) if held.item.kind in (WorkKind.REVIEW, WorkKind.ADJUDICATE) else None
    if pair is None:
        raise ApplicationError(_("This is no review; each kind of work is sent to its own endpoint."))
    pair.project = access.project
    return pair


@extend_schema(
    tags=["work-items"], request=None, responses={200: AssignmentOut, **REFUSALS}, summary="Keep a hold for longer"
)
@api_view(["POST"])
def renew(request: Request, assignment: int) -> Response:
    held = assignment_by_id(request, assignment)[1]
    return Response(AssignmentOut(work_renew(assignment=held)).data)


@extend_schema(
    tags=["work-items"], request=ReviewIn, responses={201: ReviewOut, **STALE, **REFUSALS}, summary="Decide a review"
)
@api_view(["POST"])
def submit(request: Request, assignment: int) -> Response:
    access, held = assignment_by_id(request, assignment)
    given = ReviewIn(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(given.validated_data)
    review = review_decide(
        actor=access.user,
        pair=pair_of(access, held),
        revision_id=values["revision"],
        decision=Decision(values["decision"]),
        reason=values["reason"],
        assignment=held,
    )
    return Response(ReviewOut(review).data, status=201)


@extend_schema(
    tags=["work-items"], request=RevisionIn, responses={201: PairOut, **STALE, **REFUSALS},
    summary="Mend the text that you hold for review, instead of returning it",
    description="In a project of several people the mended text is yours and waits for somebody else's review.",
)  # fmt: skip
@api_view(["POST"])
def mend(request: Request, assignment: int) -> Response:
    access, held = assignment_by_id(request, assignment)
    pair = pair_of(access, held)
    given = RevisionIn(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(given.validated_data)
    assert pair.current is not None
    texts = texts_from(texts_given(values), texts_of(pair.current))
    mended, _approved = review_fix(
        actor=access.user,
        pair=pair,
        texts=texts,
        traces=traces_given(values, pair.task, texts),
        version=version_read(request, values),
        note=values["note"],
        despite=values["despite"],
        assignment=held,
        draft_key=key_of(pair),
        seen=Seen(values["draft_version"]),
    )
    return Response(PairOut(mended).data, status=201, headers={"ETag": f'"{mended.version}"'})


@extend_schema(
    tags=["work-items"], request=SkipIn, responses={204: None, **REFUSALS}, summary="Pass an item on to others"
)
@api_view(["POST"])
def skip(request: Request, assignment: int) -> Response:
    held = assignment_by_id(request, assignment)[1]
    given = SkipIn(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(given.validated_data)
    work_skip(assignment=held, reason=values["reason"])
    return Response(status=204)


@extend_schema(
    tags=["work-items"], request=None, responses={204: None, **REFUSALS},
    summary="Give an item back that was claimed and not begun; it may be offered to you again",
)  # fmt: skip
@api_view(["POST"])
def release(request: Request, assignment: int) -> Response:
    access, held = assignment_by_id(request, assignment)
    work_release(user=access.user, assignments=[held.pk])
    return Response(status=204)
