from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.inbox import CommentIn, CommentOut
from core.api.projects import REFUSALS
from core.models import Comment, Thread
from core.services.threads import comment_add, thread_settle
from curation.access import pair_by_id, talk_access
from curation.models import Pair
from curation.services.pairs import SUBJECT, pair_address


class SettleIn(serializers.Serializer[object]):
    settled = serializers.BooleanField()


class ThreadOut(serializers.ModelSerializer[Thread]):
    class Meta:
        model = Thread
        fields = ("id", "state", "created_at")


def talked_about(request: Request, pair: int) -> tuple[Any, Pair]:
    return talk_access(request, pair_by_id(request, pair)[0].project.slug, pair)


@extend_schema(tags=["threads"])
class Comments(generics.ListAPIView[Comment]):
    """What was said about a pair, newest first."""

    serializer_class = CommentOut
    queryset = Comment.objects.none()

    def get_queryset(self) -> QuerySet[Comment]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        pair = pair_by_id(self.request, self.kwargs["pair"])[1]
        found = Comment.objects.filter(thread__subject_type=SUBJECT, thread__subject_id=pair.pk)
        return found.select_related("author").prefetch_related("mentioned")

    @extend_schema(request=CommentIn, responses={201: CommentOut, **REFUSALS}, summary="Say something about a pair")
    def post(self, request: Request, pair: int) -> Response:
        access, found = talked_about(request, pair)
        given = CommentIn(data=request.data)
        given.is_valid(raise_exception=True)
        url = pair_address(access.project.slug, pair)
        said = comment_add(
            actor=access.user, project=access.project, subject=(SUBJECT, found.pk), url=url,
            body=given.validated_data["body"],
        )  # fmt: skip
        return Response(CommentOut(said).data, status=201)


@extend_schema(
    tags=["threads"],
    request=SettleIn,
    responses={200: ThreadOut, **REFUSALS},
    summary="Settle a thread or reopen it",
)
@api_view(["POST"])
def thread(request: Request, pair: int) -> Response:
    access, found = talked_about(request, pair)
    given = SettleIn(data=request.data)
    given.is_valid(raise_exception=True)
    thread = get_object_or_404(Thread, subject_type=SUBJECT, subject_id=found.pk)
    thread_settle(actor=access.user, thread=thread, settled=given.validated_data["settled"])
    thread.refresh_from_db()
    return Response(ThreadOut(thread).data)
