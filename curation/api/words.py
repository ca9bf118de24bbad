"""What people write by, for programs: the editions of a task's guidelines, the words that a project accepts."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import project_access
from core.api.projects import REFUSALS
from core.api.shapes import PersonOut
from core.choices import Need
from curation.access import refuse_onlookers, task_by_id, word_by_id
from curation.api.shapes import LANGUAGE, Text
from curation.api.tasks import PROJECT, projects_asked
from curation.models import GlossaryWord, Guideline
from curation.services.glossary import glossary_add, glossary_remove
from curation.services.tasks import guideline_save


class GuidelineOut(serializers.ModelSerializer[Guideline]):
    author = PersonOut(read_only=True, allow_null=True)

    class Meta:
        model = Guideline
        fields = ("id", "number", "text", "reflags", "author", "created_at")


class GuidelineIn(serializers.Serializer[object]):
    number = serializers.IntegerField(min_value=0, help_text="The edition that you read; 0 before the first.")
    text = Text(max_length=50_000, allow_blank=True)
    reflags = serializers.BooleanField(default=False, help_text="Earlier work is to be looked at again.")


class WordOut(serializers.ModelSerializer[GlossaryWord]):
    added_by = PersonOut(read_only=True, allow_null=True)

    class Meta:
        model = GlossaryWord
        fields = ("id", "language", "word", "added_by", "created_at")


class WordIn(serializers.Serializer[object]):
    project = serializers.SlugField()
    language = serializers.RegexField(LANGUAGE, max_length=12)
    word = serializers.CharField(max_length=80, help_text="A word or a phrase.")


@extend_schema(tags=["tasks"])
class Guidelines(generics.ListAPIView[Guideline]):
    """The editions of a task's guidelines, newest first; the newest counts."""

    serializer_class = GuidelineOut
    queryset = Guideline.objects.none()

    def get_queryset(self) -> QuerySet[Guideline]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Guideline.objects.filter(task=task_by_id(self.request, self.kwargs["task"])[1]).select_related("author")

    @extend_schema(request=GuidelineIn, responses={201: GuidelineOut, **REFUSALS}, summary="Write the next edition")
    def post(self, request: Request, task: int) -> Response:
        access, found = task_by_id(request, task, Need.OWN)
        given = GuidelineIn(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(given.validated_data)
        return Response(GuidelineOut(guideline_save(actor=access.user, task=found, **values)).data, status=201)


@extend_schema(tags=["checks"], parameters=[PROJECT])
class Glossary(generics.ListAPIView[GlossaryWord]):
    """Words that the misspelling check accepts, newest first."""

    serializer_class = WordOut
    queryset = GlossaryWord.objects.none()

    def get_queryset(self) -> QuerySet[GlossaryWord]:
        return GlossaryWord.objects.filter(project__in=projects_asked(self.request)).select_related("added_by")

    @extend_schema(request=WordIn, responses={201: WordOut, **REFUSALS}, summary="Accept a word; twice is once")
    def post(self, request: Request) -> Response:
        given = WordIn(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(given.validated_data)
        access = project_access(request, values.pop("project"))
        refuse_onlookers(access)
        return Response(WordOut(glossary_add(actor=access.user, project=access.project, **values)).data, status=201)


@extend_schema(tags=["checks"], responses={204: None, **REFUSALS}, summary="Take a word away (owners)")
@api_view(["DELETE"])
def glossary_word(request: Request, word: int) -> Response:
    access, found = word_by_id(request, word, Need.OWN)
    glossary_remove(actor=access.user, word=found)
    return Response(status=204)
