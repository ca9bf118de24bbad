from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.decorators import api_view
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.access import project_access
from core.api.projects import REFUSALS
from core.choices import Need
from core.denied import ApplicationError
from curation.access import assignment_by_id, document_by_id, document_upload_by_id, passage_by_id, task_by_id
from curation.api.document_shapes import (
    DocumentOut,
    DocumentTextOut,
    DocumentUploadIn,
    DocumentUploadOut,
    PassageDetailOut,
    PassageOut,
    PassagePairIn,
    PassagesAskedOut,
    PassagesAskIn,
)
from curation.api.pairs import texts_given, traces_given
from curation.api.shapes import PairOut
from curation.api.tasks import PROJECT, projects_asked
from curation.api.versions import ByOrdinal
from curation.fingerprints import texts_from
from curation.models import Document, Passage
from curation.selectors.passages import key_of_hold, passage_held
from curation.services.documents import document_remove, documents_upload, passages_ask
from curation.services.pairs import pair_submit
from curation.services.settling import Seen


@extend_schema(tags=["documents"], parameters=[PROJECT])
class Documents(generics.ListAPIView[Document]):
    """Documents without their texts, newest first."""

    serializer_class = DocumentOut
    queryset = Document.objects.none()
    parser_classes = [MultiPartParser]

    def get_queryset(self) -> QuerySet[Document]:
        rows = Document.objects.filter(project__in=projects_asked(self.request))
        return rows.defer("text").select_related("project", "created_by")

    @extend_schema(
        request=DocumentUploadIn,
        responses={202: DocumentUploadOut, **REFUSALS},
        summary="Bring files; a job reads them",
    )
    def post(self, request: Request) -> Response:
        given = DocumentUploadIn(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(given.validated_data)
        access = project_access(request, values["project"], Need.WRITE)
        made = documents_upload(
            actor=access.user, project=access.project, files=values["files"], license=values["license"]
        )
        return Response(DocumentUploadOut(made).data, status=202)


@extend_schema(tags=["documents"], responses={200: DocumentUploadOut, **REFUSALS}, summary="What became of each file")
@api_view(["GET"])
def upload(request: Request, upload: int) -> Response:
    return Response(DocumentUploadOut(document_upload_by_id(request, upload)[1]).data)


@extend_schema(tags=["documents"])
class DocumentView(APIView):
    @extend_schema(responses={200: DocumentTextOut, **REFUSALS}, summary="One document with its text")
    def get(self, request: Request, document: int) -> Response:
        return Response(DocumentTextOut(document_by_id(request, document)[1]).data)

    @extend_schema(responses={204: None, **REFUSALS}, summary="Remove it, unless pairs rest on it (owners)")
    def delete(self, request: Request, document: int) -> Response:
        access, found = document_by_id(request, document, Need.OWN)
        document_remove(actor=access.user, document=found)
        return Response(status=204)


@extend_schema(tags=["documents"], parameters=[OpenApiParameter("page_size", int)])
class Passages(generics.ListAPIView[Passage]):
    """The passages of a document in its order."""

    serializer_class = PassageOut
    pagination_class = ByOrdinal
    queryset = Passage.objects.none()

    def get_queryset(self) -> QuerySet[Passage]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Passage.objects.filter(document=document_by_id(self.request, self.kwargs["document"])[1])


@extend_schema(tags=["documents"], responses={200: PassageDetailOut, **REFUSALS}, summary="One passage")
@api_view(["GET"])
def passage(request: Request, passage: int) -> Response:
    access, found = passage_by_id(request, passage)
    return Response(PassageDetailOut(found, context={"user": access.user}).data)


@extend_schema(
    tags=["work-items"], request=PassagePairIn, responses={201: PairOut, **REFUSALS},
    summary="Write a pair from the passage that you hold",
)  # fmt: skip
@api_view(["POST"])
def pair_from_passage(request: Request, assignment: int) -> Response:
    access, held = assignment_by_id(request, assignment)
    found = passage_held(held)
    if found is None:
        raise ApplicationError(_("This is other work; each kind of work is sent to its own endpoint."))
    task, source = found
    given = PassagePairIn(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(given.validated_data)
    texts = texts_from({"language": task.language, **texts_given(values)})
    pair = pair_submit(
        actor=access.user, task=task, texts=texts, draft_key=key_of_hold(held), note=values["note"], passage=source,
        traces=traces_given(values, task, texts), despite=values["despite"], seen=Seen(values["draft_version"]),
    )  # fmt: skip
    return Response(PairOut(pair).data, status=201)


@extend_schema(
    tags=["documents"], request=PassagesAskIn, responses={200: PassagesAskedOut, **REFUSALS},
    summary="Ask for pairs that its passages answer",
)  # fmt: skip
@api_view(["POST"])
def ask(request: Request, document: int) -> Response:
    access, found = document_by_id(request, document, Need.WRITE)
    given = PassagesAskIn(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(given.validated_data)
    _access, task = task_by_id(request, values["task"], Need.WRITE)
    if task.project_id != access.project.pk:
        raise ApplicationError(_("The task belongs to another project."), field="task")
    passages = found.passages.order_by("ordinal")
    if "passages" in values:
        passages = passages.filter(pk__in=values["passages"])
    asked = passages_ask(actor=access.user, task=task, passages=list(passages.values_list("pk", flat=True)))
    return Response({"asked": asked})
