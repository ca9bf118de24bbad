"""What helps while somebody types, for programs: a pair as the model sees it, merging, suggestions, templates."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import project_access
from core.api.projects import REFUSALS
from core.choices import Need
from core.denied import ApplicationError
from curation.access import refuse_onlookers, task_by_id
from curation.api.editor_shapes import MergedOut, MergeIn, PreviewIn, PreviewOut, SuggestionsOut, TypedIn
from curation.api.pairs import texts_given
from curation.selectors import editor
from curation.selectors.conflicts import merge_typed
from curation.selectors.preview import pair_seen, template_preview
from curation.selectors.tasks import example_pair
from curation.services.glossary import words_suggest

PROJECT = OpenApiParameter("project", str, required=True, description="Slug.")
WORD = OpenApiParameter("word", str, required=True)
LANGUAGE = OpenApiParameter("language", str, description="Without it, the project's.")


@extend_schema(
    tags=["tasks"], request=TypedIn, responses={200: PreviewOut, **REFUSALS},
    summary="Texts that are not stored as the model would see them: template, tokens, what is learned",
)  # fmt: skip
@api_view(["POST"])
def seen(request: Request, task: int) -> Response:
    _access, found = task_by_id(request, task)
    given = TypedIn(data=request.data)
    given.is_valid(raise_exception=True)
    texts = editor.texts_typed(texts_given(dict(given.validated_data)), found)
    return Response(PreviewOut(asdict(pair_seen(texts, found))).data)


@extend_schema(
    tags=["drafts"], request=MergeIn, responses={200: MergedOut, **REFUSALS},
    summary="Put two drafts together that began with the same text",
)  # fmt: skip
@api_view(["POST"])
def merge(request: Request, task: int) -> Response:
    refuse_onlookers(task_by_id(request, task)[0])
    given = MergeIn(data=request.data)
    given.is_valid(raise_exception=True)
    sides: dict[str, Any] = dict(given.validated_data)
    fields, conflicts = merge_typed(sides["base"], sides["yours"], sides["theirs"])
    return Response({"fields": fields, "conflicts": conflicts})


@extend_schema(
    tags=["checks"], parameters=[PROJECT, WORD, LANGUAGE], responses={200: SuggestionsOut, **REFUSALS},
    summary="What a misspelled word may have been meant to be",
)  # fmt: skip
@api_view(["GET"])
def suggestions(request: Request) -> Response:
    asked = request.query_params
    access = project_access(request, asked.get("project", ""))
    refuse_onlookers(access)
    return Response({"suggestions": words_suggest(access.project, asked.get("word", ""), asked.get("language", ""))})


@extend_schema(
    tags=["tasks"], request=PreviewIn, responses={200: PreviewOut, **REFUSALS},
    summary="What a template, not yet stored, makes of one of the task's pairs (owners)",
)  # fmt: skip
@api_view(["POST"])
def preview(request: Request, task: int) -> Response:
    _access, found = task_by_id(request, task, Need.OWN)
    given = PreviewIn(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(given.validated_data)
    shown = template_preview(found, values["template"], example_pair(found), system=values.get("system_prompt"))
    if shown.problem and not shown.segments:
        raise ApplicationError(shown.problem, field="template")
    return Response(PreviewOut(asdict(shown)).data)
