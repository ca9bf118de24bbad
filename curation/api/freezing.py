"""What a freeze would hold and leave out, and what a frozen version left out."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.decorators import api_view
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.projects import REFUSALS
from core.choices import Need
from curation.access import task_by_id, version_by_id
from curation.api.version_shapes import DiffIn, DiffOut, FreezePreviewOut, LeakOut, LeftOutOut, PreviewIn
from curation.models import VersionLeftOut
from curation.selectors.differences import older_version, version_difference
from curation.selectors.freezing import FreezePreview, PlanFacts
from curation.selectors.leaks import leaks_shown
from curation.services.previewing import preview_see

MOST_LEAKS = 100
COUNTS = ("approved", "waiting", "fresh", "unreviewed", "unchecked", "with_finding", "unmeant", "outdated")


@extend_schema(
    tags=["dataset-versions"],
    parameters=[PreviewIn],
    responses={200: FreezePreviewOut, **REFUSALS},
    summary="What the next version of a task would hold (owners)",
)
@api_view(["GET"])
def preview(request: Request, task: int) -> Response:
    """While texts wait to be compared (`waiting`), the parts are null and the comparison is asked for. Of a large task
    a job counts: `counted_at` says when, `job` names the one that does it now, and until the first has ended all
    numbers are null."""
    access, found = task_by_id(request, task, Need.OWN)
    given = PreviewIn(data=request.query_params)
    given.is_valid(raise_exception=True)
    values = given.validated_data
    share = values.get("train_share", found.train_share)
    seen = preview_see(actor=access.user, task=found, train_share=share, rule=values["leaks"])
    about = {"counted_at": seen.counted_at, "job": seen.job.pk if seen.job else None}
    return Response({**about, **preview_json(seen.preview)})


def preview_json(preview: FreezePreview | None) -> dict[str, Any]:
    if preview is None:
        return dict.fromkeys((*COUNTS, "findings", "origins", "refused")) | facts_json(None)
    return {
        **{name: getattr(preview, name) for name in COUNTS},
        "findings": {check: count for check, _name, count in preview.findings},
        "origins": {origin: count for origin, _label, count in preview.origins},
        "refused": [str(denied) for denied in preview.refused],
        **facts_json(preview.facts),
    }


def facts_json(facts: PlanFacts | None) -> dict[str, Any]:
    if facts is None:
        names = ("parts", "groups", "tokens", "strata", "left_out", "left_out_count", "leaking_pairs")
        return dict.fromkeys(names)
    left_out = [{"pair": row.pair_id, "reason": row.reason, "detail": row.sentence} for row in facts.left_out]
    return {
        "parts": facts.parts,
        "groups": facts.groups,
        "tokens": facts.tokens,
        "strata": facts.strata,
        "left_out": left_out,
        "left_out_count": facts.left_out_count,
        "leaking_pairs": facts.leaking_pairs,
    }


@extend_schema(
    tags=["dataset-versions"],
    parameters=[PreviewIn],
    responses={200: LeakOut(many=True), **REFUSALS},
    summary="Pairs that give test items away, with both texts (owners)",
)
@api_view(["GET"])
def leaks(request: Request, task: int) -> Response:
    """The hundred surest; empty while texts wait to be compared."""
    access, found = task_by_id(request, task, Need.OWN)
    given = PreviewIn(data=request.query_params)
    given.is_valid(raise_exception=True)
    share = given.validated_data.get("train_share", found.train_share)
    preview = preview_see(actor=access.user, task=found, train_share=share).preview
    facts = preview.facts if preview else None
    shown = leaks_shown(found, facts.leaks[:MOST_LEAKS]) if facts else []
    rows = [
        {
            "pair": row.leak.pair_id,
            "part": row.leak.part,
            "method": row.leak.method,
            "field": row.leak.field,
            "score": row.leak.score,
            "sentence": row.leak.sentence,
            "revision": row.revision,
            "suite": row.item.suite_id,
            "item": row.item.pk,
            "item_revision": row.item.revision,
        }
        for row in shown
    ]
    return Response(LeakOut(rows, many=True).data)


@extend_schema(
    tags=["dataset-versions"],
    parameters=[DiffIn],
    responses={200: DiffOut, **REFUSALS},
    summary="How a version differs from an earlier one",
)
@api_view(["GET"])
def diff(request: Request, version: int) -> Response:
    """Pairs in the order of their numbers, fifty at a time: go on with `start` = the last `following`."""
    _access, newer = version_by_id(request, version)
    given = DiffIn(data=request.query_params)
    given.is_valid(raise_exception=True)
    values = given.validated_data
    older = version_by_id(request, values["since"])[1] if "since" in values else older_version(newer)
    if older is None or older.task_id != newer.task_id:
        raise Http404
    return Response(DiffOut(version_difference(older, newer, kind=values["kind"], start=values["start"])).data)


class ById(CursorPagination):
    ordering = "pk"
    page_size_query_param = "page_size"
    max_page_size = 500


@extend_schema(tags=["dataset-versions"], parameters=[OpenApiParameter("version", int, "path")])
class LeftOut(generics.ListAPIView[VersionLeftOut]):
    """Approved pairs that a version left out, and why."""

    serializer_class = LeftOutOut
    pagination_class = ById
    queryset = VersionLeftOut.objects.none()

    def get_queryset(self) -> QuerySet[VersionLeftOut]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return VersionLeftOut.objects.filter(version=version_by_id(self.request, self.kwargs["version"])[1])
