from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.decorators import api_view, parser_classes
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import person, project_access, require_admin
from core.api.projects import REFUSALS
from core.api.shapes import Refusal
from core.choices import Need
from core.model_server import embed
from curation.access import by_id
from training.access import base_by_id
from training.api.shapes import AuditIn, AuditOut, BaseIn, BaseOut, EmbedIn, EmbedOut, base_of, version_of
from training.models import Audit, BaseModel
from training.selectors.audits import problem_rows
from training.services.audits import audit_request
from training.services.bases import base_from_archive, base_from_hub, base_inspect, base_register, base_remove


@extend_schema(tags=["base-models"])
class BaseModels(generics.ListAPIView[BaseModel]):
    """The base models of the installation, newest first."""

    serializer_class = BaseOut
    queryset = BaseModel.objects.all()

    @extend_schema(request=BaseIn, responses={201: BaseOut, **REFUSALS}, summary="Register a model folder (admins)")
    def post(self, request: Request) -> Response:
        actor = require_admin(request)
        given = BaseIn(data=request.data)
        given.is_valid(raise_exception=True)
        made = base_register(actor=actor, **given.validated_data)
        return Response(BaseOut(made).data, status=status.HTTP_201_CREATED)


class ArchiveIn(serializers.Serializer[object]):
    archive = serializers.FileField(help_text="A .zip, .tar.gz or Python package that holds one model.")
    name = serializers.CharField(max_length=120)
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=200, allow_blank=True, required=False, default=""
    )
    licence = serializers.CharField(max_length=80, allow_blank=True, required=False, default="")


class HubIn(serializers.Serializer[object]):
    repository = serializers.CharField(max_length=200, help_text="owner/name")
    revision = serializers.CharField(max_length=100, default="main")
    name = serializers.CharField(max_length=120)


@extend_schema(
    tags=["base-models"],
    request=ArchiveIn,
    responses={201: BaseOut, **REFUSALS},
    summary="Bring a model in an archive or a Python package (admins); a job takes it out and examines it",
)
@api_view(["POST"])
@parser_classes([MultiPartParser])
def archive(request: Request) -> Response:
    actor = require_admin(request)
    given = ArchiveIn(data=request.data)
    given.is_valid(raise_exception=True)
    asked = dict(given.validated_data)
    made = base_from_archive(actor=actor, upload=asked.pop("archive"), **asked)
    return Response(BaseOut(made).data, status=status.HTTP_201_CREATED)


@extend_schema(
    tags=["base-models"],
    request=HubIn,
    responses={201: BaseOut, **REFUSALS},
    summary="Fetch a model from the hub through the door (admins); a job fetches and examines it",
)
@api_view(["POST"])
def hub(request: Request) -> Response:
    actor = require_admin(request)
    given = HubIn(data=request.data)
    given.is_valid(raise_exception=True)
    made = base_from_hub(actor=actor, **given.validated_data)
    return Response(BaseOut(made).data, status=status.HTTP_201_CREATED)


@extend_schema(methods=["GET"], tags=["base-models"], responses={200: BaseOut, 404: Refusal}, summary="One base model")
@extend_schema(
    methods=["DELETE"],
    tags=["base-models"],
    responses={204: None, **REFUSALS},
    summary="Take a refused base model off the list (admins)",
)
@api_view(["GET", "DELETE"])
def base(request: Request, base: int) -> Response:
    found = base_by_id(request, base)
    if request.method == "DELETE":
        base_remove(actor=require_admin(request), base=found)
        return Response(status=status.HTTP_204_NO_CONTENT)
    return Response(BaseOut(found).data)


@extend_schema(
    tags=["base-models"],
    request=None,
    responses={200: BaseOut, **REFUSALS},
    summary="Examine a refused base model once more (admins)",
)
@api_view(["POST"])
def examine(request: Request, base: int) -> Response:
    found = base_by_id(request, base)
    return Response(BaseOut(base_inspect(actor=require_admin(request), base=found)).data)


@extend_schema(tags=["audits"])
class Audits(generics.ListAPIView[Audit]):
    """Audits of the projects you may see, newest first."""

    serializer_class = AuditOut
    queryset = Audit.objects.none()

    def get_queryset(self) -> QuerySet[Audit]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        access = project_access(self.request, self.request.query_params.get("project", ""))
        return Audit.objects.filter(version__task__project=access.project)

    @extend_schema(
        request=AuditIn,
        responses={201: AuditOut, **REFUSALS},
        summary="Examine what each pair of a version becomes (owners); the same question is examined once",
    )
    def post(self, request: Request) -> Response:
        given = AuditIn(data=request.data)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        access = project_access(request, asked["project"], Need.OWN)
        version = version_of(access.project, asked["version"])
        found = audit_request(
            actor=access.user, version=version, base=base_of(asked["base"]), max_tokens=asked["max_tokens"]
        )
        return Response(AuditOut(found).data, status=status.HTTP_201_CREATED)


@extend_schema(tags=["audits"], responses={200: AuditOut, 404: Refusal}, summary="One audit with its report")
@api_view(["GET"])
def audit(request: Request, audit: int) -> Response:
    rows = Audit.objects.select_related("version__task__project")
    _access, found = by_id(request, rows, audit, Need.VIEW, "version__task__project")
    return Response(AuditOut(found).data)


class AuditRowOut(serializers.Serializer[object]):
    pair = serializers.IntegerField(source="id")
    code = serializers.CharField()
    sentence = serializers.CharField()
    overflow = serializers.IntegerField(default=0, help_text="Tokens too many; 0 unless the pair is too long.")
    instruction = serializers.CharField()


@extend_schema(
    tags=["audits"],
    parameters=[OpenApiParameter("code", str, required=True, description="Of a problem in the report.")],
    responses={200: AuditRowOut(many=True), 404: Refusal},
    summary="The pairs that have a problem; the report says how many there are in all",
)
@api_view(["GET"])
def audit_rows(request: Request, audit: int) -> Response:
    rows = Audit.objects.select_related("version__task__project")
    _access, found = by_id(request, rows, audit, Need.VIEW, "version__task__project")
    return Response(AuditRowOut(problem_rows(found, request.query_params.get("code", "")), many=True).data)


@extend_schema(
    tags=["embeddings"], request=EmbedIn, responses={200: EmbedOut, **REFUSALS}, summary="Turn texts into vectors"
)
@api_view(["POST"])
def embeddings(request: Request) -> Response:
    person(request)
    given = EmbedIn(data=request.data)
    given.is_valid(raise_exception=True)
    return Response({"vectors": embed(given.validated_data["texts"])})
