"""What the editor does beside submitting, for programs: checks, similar pairs, drafts, taking back."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import registries
from core.access import project_access
from core.api.asked import number_asked
from core.api.projects import REFUSALS
from core.denied import ApplicationError, Conflict
from curation.access import refuse_onlookers, task_by_id
from curation.api.editor_shapes import (
    ActionOut,
    BegunOut,
    DraftIn,
    DraftOut,
    LookOut,
    SimilarOut,
    TypedIn,
    UndoIn,
    UndoneOut,
)
from curation.api.pairs import STALE, texts_given
from curation.models import Draft, Pair
from curation.selectors import editor
from curation.selectors.actions import actions_last
from curation.selectors.similar import similar_pairs
from curation.services.drafts import draft_drop, draft_save
from curation.services.settling import Seen
from curation.services.undo import action_undo

PROJECT = OpenApiParameter("project", str, required=True, description="Slug.")


@extend_schema(
    tags=["tasks"], request=TypedIn, responses={200: LookOut, **REFUSALS},
    summary="What the checks say of texts that are not stored, and how long they are",
)  # fmt: skip
@api_view(["POST"])
def look(request: Request, task: int) -> Response:
    _access, found = task_by_id(request, task)
    given = TypedIn(data=request.data)
    given.is_valid(raise_exception=True)
    return Response(editor.look(editor.texts_typed(texts_given(dict(given.validated_data)), found), found))


@extend_schema(
    tags=["tasks"], request=TypedIn, responses={200: SimilarOut(many=True), **REFUSALS},
    summary="Approved pairs that ask for something similar",
)  # fmt: skip
@api_view(["POST"])
def similar(request: Request, task: int) -> Response:
    _access, found = task_by_id(request, task)
    given = TypedIn(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(given.validated_data)
    rows = similar_pairs(found, values.get("instruction", ""), values.get("input", ""))
    return Response(SimilarOut(rows, many=True).data)


@extend_schema(tags=["drafts"])
class Drafts(APIView):
    """What its writer has typed and not submitted. A draft is not an answer: nobody else sees it."""

    @extend_schema(
        responses={200: DraftOut, **REFUSALS}, summary="Your draft of this key; version 0 when there is none"
    )
    def get(self, request: Request, task: int, key: str) -> Response:
        access, found = task_by_id(request, task)
        refuse_onlookers(access)
        draft = editor.draft_of(access.user, found, key)
        return Response({"version": draft.version if draft else 0, "fields": draft.fields if draft else {}})

    @extend_schema(request=DraftIn, responses={200: DraftOut, **STALE, **REFUSALS}, summary="Keep what was typed")
    def put(self, request: Request, task: int, key: str) -> Response:
        access, found = task_by_id(request, task)
        refuse_onlookers(access)
        given = DraftIn(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(given.validated_data)
        if not editor.is_key(key):
            raise ApplicationError(_("A key has up to 40 letters, digits, - and _."), field="key")
        saved = draft_save(
            actor=access.user, task=found, key=key, fields=values["fields"], version=values["version"],
            pair=editor.pair_of_key(access.project, key),
        )  # fmt: skip
        return Response({"version": saved.version, "fields": saved.fields})

    @extend_schema(
        parameters=[OpenApiParameter("version", int, description="How many saves you know of: a newer one stays.")],
        responses={204: None, **STALE, **REFUSALS},
        summary="Throw it away; without a version, whatever there is",
    )
    def delete(self, request: Request, task: int, key: str) -> Response:
        access, found = task_by_id(request, task)
        refuse_onlookers(access)
        seen = Seen(number_asked(request, "version")) if "version" in request.query_params else None
        if not draft_drop(actor=access.user, task=found, key=key, seen=seen):
            newer = editor.draft_of(access.user, found, key)
            sentence = _("Another window saved a newer draft of this text.")
            raise Conflict(
                sentence, yours=None, theirs=newer.fields if newer else {}, version=newer.version if newer else 0
            )
        return Response(status=204)


@extend_schema(tags=["drafts"], parameters=[PROJECT])
class Begun(generics.ListAPIView[Draft]):
    """What you typed and have not submitted, what was begun last first."""

    serializer_class = BegunOut
    queryset = Draft.objects.none()

    def get_queryset(self) -> QuerySet[Draft]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        access = project_access(self.request, self.request.query_params.get("project", ""))
        refuse_onlookers(access)
        return editor.drafts_begun(access.user, access.project)


@extend_schema(
    tags=["work-items"], parameters=[PROJECT], responses={200: ActionOut(many=True), **REFUSALS},
    summary="Your last 20 actions, newest first",
)  # fmt: skip
@api_view(["GET"])
def actions(request: Request) -> Response:
    access = project_access(request, request.query_params.get("project", ""))
    return Response(ActionOut(actions_last(access.user, access.project), many=True).data)


@extend_schema(
    tags=["work-items"], request=UndoIn, responses={200: UndoneOut, **REFUSALS},
    summary="Take back one of your last actions",
)  # fmt: skip
@api_view(["POST"])
def undo(request: Request) -> Response:
    given = UndoIn(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(given.validated_data)
    access = project_access(request, values["project"])
    refuse_onlookers(access)
    rows = actions_last(access.user, access.project)
    row = next((row for row in rows if values["event"] in (None, row.event.pk)), None)
    if row is None or not access.allows(registries.undoable[row.event.action].need(row.event)):
        raise ApplicationError(_("There is nothing of yours to take back here."), field="event")
    undone = action_undo(actor=access.user, project=access.project, event=row.event)
    pair = Pair.objects.filter(pk=undone.pair).first() if undone.pair else None
    state = pair.state if pair else None
    told = {"event": row.event.pk, "pair": undone.pair, "state": state, "assignment": undone.assignment}
    return Response({**told, "url": undone.url})
