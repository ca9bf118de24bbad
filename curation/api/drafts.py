"""Drafts by models for programs: asking for them, what people made of them, the preferences that arose."""

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.asked import number_asked
from core.api.projects import REFUSALS
from core.choices import Need
from curation.access import drafting_by_id, task_by_id, version_by_id
from curation.api.tasks import PROJECT, projects_asked
from curation.choices import Part
from curation.models import Drafting, ModelDraft
from curation.selectors.preferences import preference_examples
from curation.services.drafting import MOST_QUESTIONS, drafting_start, passages_draft


class DraftingOut(serializers.ModelSerializer[Drafting]):
    class Meta:
        model = Drafting
        fields = ("id", "task", "model_key", "model_name", "release", "blind", "asked", "job", "created_at")


class ModelDraftOut(serializers.ModelSerializer[ModelDraft]):
    class Meta:
        model = ModelDraft
        fields = ("id", "question", "passage", "text", "finish_reason", "written_at")


class DraftingDetailOut(DraftingOut):
    drafts = serializers.SerializerMethodField()

    class Meta(DraftingOut.Meta):
        fields = (*DraftingOut.Meta.fields, "drafts")  # type: ignore[assignment]

    def get_drafts(self, drafting: Drafting) -> list[dict[str, Any]]:
        """Those that are written; of a blind asking, those whose question is answered."""
        found = drafting.drafts.filter(written_at__isnull=False).order_by("pk")
        found = found.exclude(question__state="open") if drafting.blind else found
        return ModelDraftOut(found, many=True).data  # type: ignore[return-value]


class DraftingIn(serializers.Serializer[object]):
    task = serializers.IntegerField(min_value=1)
    model = serializers.CharField(
        max_length=40, help_text="“version-7” for a model version, “base-2” for a base model."
    )
    topic = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)
    most = serializers.IntegerField(min_value=1, max_value=MOST_QUESTIONS, default=100)
    passages = serializers.ListField(
        child=serializers.IntegerField(min_value=1), required=False, max_length=MOST_QUESTIONS,
        help_text="Ids: the model writes question and answer from each, instead of answers to open questions.",
    )  # fmt: skip
    blind = serializers.BooleanField(default=False)
    max_new_tokens = serializers.IntegerField(min_value=8, max_value=4096, default=200)


@extend_schema(tags=["drafts"], parameters=[PROJECT])
class Draftings(generics.ListAPIView[Drafting]):
    """What models were asked to draft, newest first."""

    serializer_class = DraftingOut
    queryset = Drafting.objects.none()

    def get_queryset(self) -> QuerySet[Drafting]:
        return Drafting.objects.filter(project__in=projects_asked(self.request))

    @extend_schema(
        request=DraftingIn,
        responses={201: DraftingOut, **REFUSALS},
        summary="Let a model draft answers, or questions and answers from passages (owners)",
    )
    def post(self, request: Request) -> Response:
        given = DraftingIn(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(given.validated_data)
        access, task = task_by_id(request, values.pop("task"), Need.OWN)
        model = values.pop("model")
        if "passages" in values:
            asked = {name: values[name] for name in ("passages", "blind", "max_new_tokens")}
            made = passages_draft(actor=access.user, task=task, model_key=model, **asked)
        else:
            made = drafting_start(actor=access.user, task=task, model_key=model, **values)
        return Response(DraftingOut(made).data, status=201)


@extend_schema(tags=["drafts"], responses={200: DraftingDetailOut, **REFUSALS}, summary="One asking with its drafts")
@api_view(["GET"])
def drafting(request: Request, drafting: int) -> Response:
    return Response(DraftingDetailOut(drafting_by_id(request, drafting)[1]).data)


@extend_schema(
    tags=["drafts"],
    parameters=[
        OpenApiParameter("version", int, required=True, description="The dataset version."),
        OpenApiParameter("part", str, enum=list(Part.values)),
    ],
    responses={(200, "application/x-ndjson"): OpenApiTypes.BINARY, **REFUSALS},
    summary="Preference pairs of a version, one JSON object a line: from corrections and from votes",
)
@api_view(["GET"])
def preferences(request: Request) -> StreamingHttpResponse:
    version = version_by_id(request, number_asked(request, "version"))[1]
    part = request.query_params.get("part")
    rows = preference_examples(version, [part] if part else None)
    return StreamingHttpResponse(lines(rows), content_type="application/x-ndjson")


def lines(rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False).encode() + b"\n"
