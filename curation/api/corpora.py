from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.decorators import api_view
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import project_access
from core.api.projects import REFUSALS
from core.choices import Need
from curation.access import corpus_by_id
from curation.api.tasks import PROJECT, projects_asked
from curation.models import Corpus
from curation.selectors.corpora import problems_of, texts_of
from curation.services.corpora import corpus_again, corpus_delete, corpus_make
from ml.corpus.shapes import HELDOUT, TRAIN, CorpusSettings

DEFAULTS = CorpusSettings()


class CorpusOut(serializers.ModelSerializer[Corpus]):
    project: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="slug", read_only=True)

    report = serializers.SerializerMethodField(help_text="What became of the texts; empty before it is made.")

    class Meta:
        model = Corpus
        fields = (
            "id", "project", "name", "source", "licence", "settings", "state", "report", "sha256", "texts",
            "train_bytes", "heldout_bytes", "erased", "error", "job", "created_at",
        )  # fmt: skip

    def get_report(self, corpus: Corpus) -> dict[str, Any]:
        return {**corpus.report, "problems": problems_of(corpus.report)} if corpus.report else {}


class CorpusIn(serializers.Serializer[object]):
    project = serializers.SlugField()
    name = serializers.CharField(max_length=120)
    files = serializers.ListField(child=serializers.FileField(allow_empty_file=True), required=False, default=list)
    documents = serializers.BooleanField(default=False, help_text="Take the documents of the project, too.")
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=300, allow_blank=True, required=False, default=""
    )
    licence = serializers.CharField(max_length=120, allow_blank=True, required=False, default="")
    language = serializers.CharField(max_length=12, allow_blank=True, required=False, default="")
    similar = serializers.FloatField(min_value=0, max_value=1, default=DEFAULTS.similar)
    least = serializers.IntegerField(min_value=0, max_value=100_000, default=DEFAULTS.least)
    share = serializers.FloatField(min_value=0.01, max_value=0.5, default=DEFAULTS.share)
    column = serializers.CharField(max_length=100, default=DEFAULTS.column)


class TextOut(serializers.Serializer[object]):
    id = serializers.CharField()
    part = serializers.ChoiceField(choices=[TRAIN, HELDOUT])
    text = serializers.CharField(help_text="Its first 2,000 characters.")


@extend_schema(tags=["corpora"], parameters=[PROJECT])
class Corpora(generics.ListAPIView[Corpus]):
    """Corpora, newest first."""

    serializer_class = CorpusOut
    queryset = Corpus.objects.none()
    parser_classes = [MultiPartParser]

    def get_queryset(self) -> QuerySet[Corpus]:
        return Corpus.objects.filter(project__in=projects_asked(self.request)).select_related("project")

    @extend_schema(
        request=CorpusIn, responses={201: CorpusOut, **REFUSALS}, summary="Bring files; a job makes a corpus of them"
    )
    def post(self, request: Request) -> Response:
        given = CorpusIn(data=request.data)
        given.is_valid(raise_exception=True)
        asked: dict[str, Any] = dict(given.validated_data)
        access = project_access(request, asked.pop("project"), Need.OWN)
        made = corpus_make(actor=access.user, project=access.project, uploads=asked.pop("files"), **asked)
        return Response(CorpusOut(made).data, status=201)


@extend_schema(tags=["corpora"], methods=["GET"], responses={200: CorpusOut, **REFUSALS}, summary="One corpus")
@extend_schema(
    tags=["corpora"], methods=["DELETE"], responses={204: None, **REFUSALS}, summary="Throw a corpus away (owners)"
)
@api_view(["GET", "DELETE"])
def corpus(request: Request, corpus: int) -> Response:
    access, found = corpus_by_id(request, corpus, Need.OWN if request.method == "DELETE" else Need.VIEW)
    if request.method == "DELETE":
        corpus_delete(actor=access.user, corpus=found)
        return Response(status=204)
    return Response(CorpusOut(found).data)


@extend_schema(
    tags=["corpora"], request=None, responses={202: CorpusOut, **REFUSALS},
    summary="Make a corpus again that failed or was stopped (owners)",
)  # fmt: skip
@api_view(["POST"])
def corpus_retry(request: Request, corpus: int) -> Response:
    access, found = corpus_by_id(request, corpus, Need.OWN)
    return Response(CorpusOut(corpus_again(actor=access.user, corpus=found)).data, status=202)


@extend_schema(
    tags=["corpora"],
    parameters=[OpenApiParameter("part", str, enum=[TRAIN, HELDOUT])],
    responses={200: TextOut(many=True), **REFUSALS},
    summary="The first texts of a corpus",
)
@api_view(["GET"])
def corpus_texts(request: Request, corpus: int) -> Response:
    found = corpus_by_id(request, corpus)[1]
    part = request.query_params.get("part", "")
    return Response(TextOut(texts_of(found, part if part in (TRAIN, HELDOUT) else "", limit=100), many=True).data)
