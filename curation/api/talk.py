"""The threads of pairs and passages for programs."""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core import registries
from core.access import Access
from core.api.inbox import CommentIn, CommentOut
from core.api.projects import REFUSALS
from core.models import Comment, Thread
from core.services.threads import comment_add, thread_settle
from curation.access import pair_by_id, passage_by_id, refuse_onlookers
from curation.subjects import PAIR, PASSAGE


class SettleIn(serializers.Serializer[object]):
    settled = serializers.BooleanField()


class ThreadOut(serializers.ModelSerializer[Thread]):
    class Meta:
        model = Thread
        fields = ("id", "state", "created_at")


class Talk(generics.ListAPIView[Comment]):
    """What was said about a thing, newest first."""

    serializer_class = CommentOut
    queryset = Comment.objects.none()

    def about(self) -> tuple[Access, tuple[str, int]]:
        raise NotImplementedError

    def get_queryset(self) -> QuerySet[Comment]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        subject = self.about()[1]
        found = Comment.objects.filter(thread__subject_type=subject[0], thread__subject_id=subject[1])
        return found.select_related("author").prefetch_related("mentioned")

    @extend_schema(request=CommentIn, responses={201: CommentOut, **REFUSALS}, summary="Say something about it")
    def post(self, request: Request, **_kwargs: int) -> Response:
        access, subject = self.about()
        refuse_onlookers(access)
        given = CommentIn(data=request.data)
        given.is_valid(raise_exception=True)
        said = comment_add(
            actor=access.user, project=access.project, subject=subject,
            url=registries.subject_urls[subject[0]](access.project.slug, subject[1]),
            body=given.validated_data["body"],
        )  # fmt: skip
        return Response(CommentOut(said).data, status=201)


@extend_schema(tags=["threads"])
class Comments(Talk):
    """What was said about a pair, newest first."""

    def about(self) -> tuple[Access, tuple[str, int]]:
        access, pair = pair_by_id(self.request, self.kwargs["pair"])
        return access, (PAIR, pair.pk)


@extend_schema(tags=["threads"])
class PassageComments(Talk):
    """What was said about a passage, newest first."""

    def about(self) -> tuple[Access, tuple[str, int]]:
        access, passage = passage_by_id(self.request, self.kwargs["passage"])
        return access, (PASSAGE, passage.pk)


def settled(request: Request, access: Access, subject: tuple[str, int]) -> Response:
    refuse_onlookers(access)
    given = SettleIn(data=request.data)
    given.is_valid(raise_exception=True)
    thread = get_object_or_404(Thread, subject_type=subject[0], subject_id=subject[1])
    thread_settle(actor=access.user, thread=thread, settled=given.validated_data["settled"])
    thread.refresh_from_db()
    return Response(ThreadOut(thread).data)


@extend_schema(
    tags=["threads"], request=SettleIn, responses={200: ThreadOut, **REFUSALS}, summary="Settle a thread or reopen it"
)
@api_view(["POST"])
def thread(request: Request, pair: int) -> Response:
    access, found = pair_by_id(request, pair)
    return settled(request, access, (PAIR, found.pk))


@extend_schema(
    tags=["threads"], request=SettleIn, responses={200: ThreadOut, **REFUSALS}, summary="Settle a thread or reopen it"
)
@api_view(["POST"])
def passage_thread(request: Request, passage: int) -> Response:
    access, found = passage_by_id(request, passage)
    return settled(request, access, (PASSAGE, found.pk))
