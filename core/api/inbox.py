from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import api_token, comment_by_id, person, projects_for, refuse_read_only_token
from core.api.projects import REFUSALS
from core.api.shapes import PersonOut
from core.choices import NoticeKind
from core.models import Comment, Notice, Project
from core.selectors.inbox import notices_of, own_ids
from core.services.inbox import notices_read
from core.services.threads import comment_remove


class NoticeOut(serializers.ModelSerializer[Notice]):
    project: serializers.SlugRelatedField[Project] = serializers.SlugRelatedField(
        slug_field="slug", read_only=True, allow_null=True, help_text="Null: it is about your account."
    )
    actor = PersonOut(read_only=True, allow_null=True)

    class Meta:
        model = Notice
        fields = (
            "id", "project", "kind", "actor", "subject_type", "subject_id", "url", "text", "count", "created_at",
            "read_at",
        )  # fmt: skip


class ReadIn(serializers.Serializer[object]):
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1), max_length=500, required=False, help_text="Without them: all."
    )
    kind = serializers.ChoiceField(choices=NoticeKind.choices, required=False, default="", allow_blank=True)


class ReadOut(serializers.Serializer[object]):
    read = serializers.IntegerField(help_text="How many lines were unread until now.")


class CommentOut(serializers.ModelSerializer[Comment]):
    author = PersonOut(read_only=True)
    mentioned = PersonOut(read_only=True, many=True)

    class Meta:
        model = Comment
        fields = ("id", "author", "body", "mentioned", "created_at", "removed_at")


class CommentIn(serializers.Serializer[object]):
    body = serializers.CharField(max_length=4000, help_text="@ and a member's name tells that person.")


@extend_schema(tags=["inbox"], parameters=[OpenApiParameter("kind", str, enum=NoticeKind.values)])
class Inbox(generics.ListAPIView[Notice]):
    """Your inbox, newest first."""

    serializer_class = NoticeOut
    queryset = Notice.objects.none()

    def get_queryset(self) -> QuerySet[Notice]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        kind = self.request.query_params.get("kind", "")
        found = notices_of(person(self.request), projects_for(self.request), kind)
        token = api_token(self.request)
        return found.exclude(project=None) if token and token.project_id else found


@extend_schema(tags=["inbox"], request=ReadIn, responses={200: ReadOut, **REFUSALS}, summary="Mark lines as read")
@api_view(["POST"])
def read(request: Request) -> Response:
    given = ReadIn(data=request.data)
    given.is_valid(raise_exception=True)
    values = dict(given.validated_data)
    user = person(request)
    refuse_read_only_token(request)
    ids = own_ids(user, values["ids"]) if "ids" in values else None
    return Response({"read": notices_read(user=user, ids=ids, kind=values["kind"])})


@extend_schema(tags=["threads"], responses={204: None, **REFUSALS}, summary="Take a comment back")
@api_view(["DELETE"])
def comment(request: Request, comment: int) -> Response:
    access, found = comment_by_id(request, comment)
    comment_remove(actor=access.user, comment=found)
    return Response(status=204)
