from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.access import person
from core.api.asked import number_asked
from core.api.projects import REFUSALS
from core.choices import Need, ThreadState
from core.denied import ApplicationError
from core.numbers import whole_number
from core.services.work import work_claim
from curation.access import pair_by_id, refuse_onlookers, task_by_id
from curation.api.editor_shapes import MarksIn
from curation.api.shapes import PairIn, PairOut, ReviewIn, ReviewOut, RevisionIn, RevisionOut, StaleOut
from curation.choices import Decision, Origin, PairState, Part
from curation.fingerprints import NO_TRACES, Texts, Traces, texts_from, texts_of
from curation.models import Pair, Revision, Task
from curation.outputs import evidence_read
from curation.pair_filter import filter_read
from curation.selectors.editor import key_of
from curation.selectors.pair_filters import pairs_filtered
from curation.selectors.passages import passage_of
from curation.selectors.reviews import review_item
from curation.services.marking import pair_mark
from curation.services.pairs import pair_restore, pair_revise, pair_submit, pair_trash
from curation.services.reviews import review_ask_again, review_decide
from curation.services.settling import Seen

STALE = {409: StaleOut, 412: StaleOut}
FILTERS = [
    OpenApiParameter("task", int, required=True),
    OpenApiParameter("q", str, description='Words by their beginnings; "words in quotes" as they stand; -word: not.'),
    OpenApiParameter("state", str, enum=PairState.values),
    OpenApiParameter("origin", str, enum=["real", *Origin.values]),
    OpenApiParameter("finding", str, description="A check's id, or any, none, unchecked."),
    OpenApiParameter("topic", str),
    OpenApiParameter("tag", str),
    OpenApiParameter("language", str),
    OpenApiParameter("author", str, description="A member's id, or me; so are the next two."),
    OpenApiParameter("reviewer", str, description="Who reviewed any of its revisions."),
    OpenApiParameter("assigned", str),
    OpenApiParameter("since", OpenApiTypes.DATE),
    OpenApiParameter("until", OpenApiTypes.DATE),
    OpenApiParameter("shortest", int, description="In tokens."),
    OpenApiParameter("longest", int, description="In tokens."),
    OpenApiParameter("version", str, description="A dataset version's id, or none: approved and in no version yet."),
    OpenApiParameter("part", str, enum=Part.values, description="Of that version, else where a freeze would put it."),
    OpenApiParameter("edition", str, enum=["older"], description="Not looked at since the guidelines changed."),
    OpenApiParameter("passage", int, description="A passage's id."),
    OpenApiParameter("thread", str, enum=["any", *ThreadState.values]),
    OpenApiParameter("batch", int, description="An import's id."),
    OpenApiParameter("metadata", str, description="column=value of an imported column, or a column."),
]
PAGING = {"task", "cursor", "page_size"}
TEXTS = ("system", "instruction", "input", "response", "turns", "language", "topic")


def texts_given(values: dict[str, Any]) -> dict[str, Any]:
    found = {name: values[name] for name in TEXTS if name in values}
    return {**found, **({"turns": [dict(turn) for turn in found["turns"]]} if "turns" in found else {})}


def traces_given(values: dict[str, Any], task: Task, texts: Texts) -> Traces:
    """Evidence that is not given stays as it was, as far as its words still stand in the input."""
    if "evidence" not in values:
        return NO_TRACES
    return Traces(evidence=evidence_read(task, texts.input, [dict(place) for place in values["evidence"]]))


@extend_schema(tags=["pairs"], parameters=FILTERS)
class Pairs(generics.ListAPIView[Pair]):
    """The pairs of a task, newest first; the trash only when asked for by its state."""

    serializer_class = PairOut
    queryset = Pair.objects.none()

    def get_queryset(self) -> QuerySet[Pair]:
        access, task = task_by_id(self.request, number_asked(self.request, "task"))
        given = {name: value for name, value in self.request.query_params.dict().items() if name not in PAGING}
        found = pairs_filtered(task, filter_read(given, task=task, user=access.user).query())
        return found.select_related("author", "assignee", "current__author").defer("search")

    @extend_schema(
        request=PairIn, parameters=[], responses={201: PairOut, **REFUSALS}, summary="Write and submit a pair"
    )
    def post(self, request: Request) -> Response:
        given = PairIn(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(given.validated_data)
        access, task = task_by_id(request, values["task"], Need.WRITE)
        texts = texts_from({"language": task.language, **texts_given(values)})
        passage = passage_of(access.project, values.get("passage"))
        if passage is None and "passage" in values:
            raise ApplicationError(_("This project has no such passage."), field="passage")
        pair = pair_submit(
            actor=access.user,
            task=task,
            texts=texts,
            draft_key=values["key"],
            note=values["note"],
            passage=passage,
            traces=traces_given(values, task, texts),
            despite=values["despite"],
            seen=Seen(values["draft_version"]),
        )
        return Response(PairOut(pair).data, status=201)


@extend_schema(tags=["pairs"])
class PairView(APIView):
    @extend_schema(responses={200: PairOut, **REFUSALS}, summary="One pair")
    def get(self, request: Request, pair: int) -> Response:
        found = pair_by_id(request, pair)[1]
        return Response(PairOut(found).data, headers={"ETag": f'"{found.version}"'})

    @extend_schema(
        request=MarksIn, responses={200: PairOut, **REFUSALS}, summary="Set tags, topic, assignee (only owners assign)"
    )
    def patch(self, request: Request, pair: int) -> Response:
        given = MarksIn(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(given.validated_data)
        need = Need.OWN if "assignee" in values else Need.WRITE
        access, found = pair_by_id(request, pair, need)
        marked = pair_mark(actor=access.user, pair=found, **values)
        return Response(PairOut(marked).data, headers={"ETag": f'"{marked.version}"'})


@extend_schema(tags=["pairs"])
class Revisions(generics.ListAPIView[Revision]):
    """Every text the pair ever had, newest first."""

    serializer_class = RevisionOut
    queryset = Revision.objects.none()

    def get_queryset(self) -> QuerySet[Revision]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        found = pair_by_id(self.request, self.kwargs["pair"])[1]
        return Revision.objects.filter(pair=found).select_related("author")

    @extend_schema(
        request=RevisionIn, responses={201: PairOut, **STALE, **REFUSALS}, summary="Correct a pair and submit it"
    )
    def post(self, request: Request, pair: int) -> Response:
        access, found = pair_by_id(request, pair, Need.WRITE)
        given = RevisionIn(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(given.validated_data)
        assert found.current is not None
        texts = texts_from(texts_given(values), texts_of(found.current))
        revised = pair_revise(
            actor=access.user,
            pair=found,
            texts=texts,
            version=version_read(request, values),
            note=values["note"],
            traces=traces_given(values, found.task, texts),
            draft_key=key_of(found),
            despite=values["despite"],
            seen=Seen(values["draft_version"]),
        )
        return Response(PairOut(revised).data, status=201, headers={"ETag": f'"{revised.version}"'})


def version_read(request: Request, values: dict[str, Any]) -> int:
    """The version that the caller read: from If-Match, else from the body."""
    tag = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')
    if (version := whole_number(tag)) is not None:
        return version
    if tag or "version" not in values:
        raise ApplicationError(_("Say which version you read, as “version” or as If-Match."), field="version")
    return int(values["version"])


@extend_schema(
    tags=["pairs"],
    request=ReviewIn,
    responses={201: ReviewOut, **STALE, **REFUSALS},
    summary="Approve or return a pair",
)
@api_view(["POST"])
def review(request: Request, pair: int) -> Response:
    access, found = pair_by_id(request, pair, Need.REVIEW)
    given = ReviewIn(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(given.validated_data)
    item = review_item(found)
    held = work_claim(user=access.user, item=item) if item else None
    if item is not None and held is None and item.excluded_user_id != access.user.pk:
        raise ApplicationError(_("Somebody else is reviewing this pair at the moment."))
    decided = review_decide(
        actor=access.user,
        pair=found,
        revision_id=values["revision"],
        decision=Decision(values["decision"]),
        reason=values["reason"],
        assignment=held,
    )
    return Response(ReviewOut(decided).data, status=201)


@extend_schema(
    tags=["pairs"],
    request=None,
    responses={200: PairOut, **REFUSALS},
    summary="Ask for another look at an approved pair",
)
@api_view(["POST"])
def review_anew(request: Request, pair: int) -> Response:
    access, found = pair_by_id(request, pair)
    refuse_onlookers(access)
    return Response(PairOut(review_ask_again(actor=access.user, pair=found)).data)


@extend_schema(tags=["pairs"], request=None, responses={200: PairOut, **REFUSALS}, summary="Move a pair to the trash")
@api_view(["POST"])
def trash(request: Request, pair: int) -> Response:
    found = pair_by_id(request, pair, Need.WRITE)[1]
    return Response(PairOut(pair_trash(actor=person(request), pair=found)).data)


@extend_schema(tags=["pairs"], request=None, responses={200: PairOut, **REFUSALS}, summary="Bring a pair back")
@api_view(["POST"])
def restore(request: Request, pair: int) -> Response:
    found = pair_by_id(request, pair, Need.WRITE)[1]
    return Response(PairOut(pair_restore(actor=person(request), pair=found)).data)
