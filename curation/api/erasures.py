"""Erasing texts for good: look first, then ask with the project's short name typed out."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import Access, project_access
from core.api.projects import REFUSALS
from core.api.shapes import PersonOut
from core.choices import Need
from core.denied import ApplicationError
from curation.access import erasure_by_id
from curation.choices import ErasureScope
from curation.models import Erasure
from curation.selectors.erasures import Chosen, chosen_revisions, erasure_preview, erasures_of
from curation.services.erasures import erasure_ask


class ErasureChoiceIn(serializers.Serializer[object]):
    """`scope` and the one field of that name that goes with it."""

    project = serializers.SlugField()
    scope = serializers.ChoiceField(choices=ErasureScope.choices)
    pair = serializers.IntegerField(required=False, min_value=1, max_value=2**62)
    person = serializers.IntegerField(required=False, min_value=1, max_value=2**62, help_text="A user's id.")
    words = serializers.CharField(required=False, max_length=200)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["scope"] not in given:
            raise serializers.ValidationError({given["scope"]: "Say which."})
        return given


class ErasureIn(ErasureChoiceIn):
    reason = serializers.CharField(max_length=300, help_text="Such as the number of the request; no names.")
    confirmation = serializers.CharField(max_length=80, help_text="The project's slug.")


class ModelSeenOut(serializers.Serializer[object]):
    label = serializers.CharField()  # type: ignore[assignment]
    url = serializers.CharField()


class ErasurePreviewOut(serializers.Serializer[object]):
    revisions = serializers.ListField(child=serializers.IntegerField())
    pairs = serializers.ListField(child=serializers.IntegerField())
    trashed = serializers.IntegerField(help_text="Pairs that would be in the trash for good.")
    drafts = serializers.IntegerField()
    version_rows = serializers.IntegerField()
    items = serializers.IntegerField()
    imported_kept = serializers.IntegerField(help_text="Rows that the person imported: not their words, they stay.")
    documents = serializers.IntegerField(help_text="Documents that would lose the paragraphs with the words.")
    places = serializers.IntegerField(help_text="Other rows in which the words stand: questions, comments, jobs, …")
    looked = serializers.IntegerField(help_text="Corpora and waiting files that are looked through by the job.")
    versions = serializers.SerializerMethodField()
    models = ModelSeenOut(many=True)

    def get_versions(self, found: Any) -> list[int]:
        return [version.pk for version in found.versions]


class ErasureOut(serializers.ModelSerializer[Erasure]):
    project: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    asked_by = PersonOut(read_only=True, allow_null=True)
    person = PersonOut(read_only=True, allow_null=True)
    models = ModelSeenOut(source="models_touched", many=True, read_only=True)
    targets = serializers.DictField(child=serializers.ListField(child=serializers.IntegerField()), read_only=True)
    counts = serializers.DictField(child=serializers.IntegerField(), read_only=True)

    class Meta:
        model = Erasure
        fields = (
            "id", "project", "scope", "person", "reason", "state", "targets", "counts", "models", "error", "job",
            "asked_by", "created_at", "ended_at",
        )  # fmt: skip


def chosen_of(request: Request, given: dict[str, Any]) -> tuple[Access, Chosen]:
    access = project_access(request, given["project"], Need.OWN)
    return access, chosen_revisions(access.project, given)


@extend_schema(
    tags=["erasures"],
    request=ErasureChoiceIn,
    responses={200: ErasurePreviewOut, **REFUSALS},
    summary="What an erasure would take away (owners)",
)
@api_view(["POST"])
def preview(request: Request) -> Response:
    given = ErasureChoiceIn(data=request.data)
    given.is_valid(raise_exception=True)
    access, chosen = chosen_of(request, given.validated_data)
    found = erasure_preview(access.project, chosen.revisions, chosen.person, chosen.words)
    return Response(ErasurePreviewOut(found).data)


PARAMETERS = [OpenApiParameter("project", str, required=True, description="Slug, for its owners.")]


@extend_schema(tags=["erasures"], parameters=PARAMETERS)
class Erasures(generics.ListAPIView[Erasure]):
    """What was erased in a project, newest first (owners). The texts are not kept."""

    serializer_class = ErasureOut
    queryset = Erasure.objects.none()

    def get_queryset(self) -> QuerySet[Erasure]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        slug = self.request.query_params.get("project", "")
        if not slug:
            raise ApplicationError(_("Name the project: ?project=its short name."), field="project")
        return erasures_of(project_access(self.request, slug, Need.OWN).project).select_related("project")

    @extend_schema(
        parameters=[],
        request=ErasureIn,
        responses={202: ErasureOut, **REFUSALS},
        summary="Erase texts for good, as a job (owners)",
    )
    def post(self, request: Request) -> Response:
        given = ErasureIn(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        access, chosen = chosen_of(request, values)
        made = erasure_ask(
            actor=access.user,
            project=access.project,
            scope=values["scope"],
            revisions=chosen.revisions,
            person=chosen.person,
            words=chosen.words,
            reason=values["reason"],
            confirmation=values["confirmation"],
        )
        return Response(ErasureOut(made).data, status=202)


@extend_schema(tags=["erasures"], responses={200: ErasureOut, **REFUSALS}, summary="One erasure (owners)")
@api_view(["GET"])
def erasure(request: Request, erasure: int) -> Response:
    return Response(ErasureOut(erasure_by_id(request, erasure, Need.OWN)[1]).data)
