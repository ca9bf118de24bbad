from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import person, project_access, projects_for
from core.api.asked import number_asked
from core.api.projects import REFUSALS, project_of
from core.choices import Need
from core.denied import ApplicationError, Denied, Refused
from core.models import Project
from curation.models import Suite
from evaluation.access import evaluation_by_id, may_see_answers
from evaluation.api.shapes import EvaluationDetailOut, EvaluationIn, EvaluationOut, OutputOut
from evaluation.models import Evaluation, Output
from evaluation.selectors.estimates import Model
from evaluation.selectors.evaluations import evaluations_of
from evaluation.services.evaluations import evaluation_cancel, evaluation_create, evaluation_retry
from training.models import BaseModel, ModelVersion

PROJECT = OpenApiParameter("project", str, description="Slug; without it, those of every project you may see.")
EVALUATION = OpenApiParameter("evaluation", int, required=True)


@extend_schema(tags=["evaluations"], parameters=[PROJECT])
class Evaluations(generics.ListAPIView[Evaluation]):
    """Evaluations, newest first."""

    serializer_class = EvaluationOut
    queryset = Evaluation.objects.none()

    def get_queryset(self) -> QuerySet[Evaluation]:
        return evaluations_of(*projects_asked(self.request))

    @extend_schema(
        request=EvaluationIn, responses={201: EvaluationDetailOut, **REFUSALS}, summary="Let models answer a suite"
    )
    def post(self, request: Request) -> Response:
        given = EvaluationIn(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(given.validated_data)
        access = project_access(request, values.pop("project"), Need.OWN)
        suite = Suite.objects.filter(pk=values.pop("suite"), project=access.project).first()
        if suite is None:
            raise ApplicationError(_("There is no such suite in this project."), field="suite")
        models = [named_model(access.project, row) for row in values.pop("models")]
        evaluation = evaluation_create(actor=access.user, project=access.project, suite=suite, models=models, **values)
        return Response(EvaluationDetailOut(evaluation).data, status=201)


def projects_asked(request: Any) -> list[Project]:
    """The project named by ?project=, or every one that the request may see."""
    project = project_of(request)
    return list(projects_for(request)) if project is None else [project]


def named_model(project: Project, row: dict[str, int]) -> Model:
    found: Model | None
    if "base" in row:
        found = BaseModel.objects.filter(pk=row["base"]).first()
    else:
        found = ModelVersion.objects.filter(pk=row["model_version"], project=project).first()
    if found is None:
        raise ApplicationError(_("There is no such model in this project."), field="models")
    return found


@extend_schema(tags=["evaluations"], responses={200: EvaluationDetailOut, **REFUSALS}, summary="One evaluation")
@api_view(["GET"])
def evaluation(request: Request, evaluation: int) -> Response:
    return Response(EvaluationDetailOut(evaluation_by_id(request, evaluation)[1]).data)


@extend_schema(
    tags=["evaluations"], request=None, responses={200: EvaluationDetailOut, **REFUSALS}, summary="Stop an evaluation"
)
@api_view(["POST"])
def cancel(request: Request, evaluation: int) -> Response:
    found = evaluation_by_id(request, evaluation, Need.OWN)[1]
    return Response(EvaluationDetailOut(evaluation_cancel(actor=person(request), evaluation=found)).data)


@extend_schema(
    tags=["evaluations"],
    request=None,
    responses={200: EvaluationDetailOut, **REFUSALS},
    summary="Let models that failed or were stopped go on",
)
@api_view(["POST"])
def retry(request: Request, evaluation: int) -> Response:
    found = evaluation_by_id(request, evaluation, Need.OWN)[1]
    return Response(EvaluationDetailOut(evaluation_retry(actor=person(request), evaluation=found)).data)


@extend_schema(tags=["outputs"], parameters=[EVALUATION])
class Outputs(generics.ListAPIView[Output]):
    """Every output of an evaluation with its scores. 403 while the answers are being graded blind."""

    serializer_class = OutputOut
    queryset = Output.objects.none()

    def get_queryset(self) -> QuerySet[Output]:
        found = evaluation_by_id(self.request, number_asked(self.request, "evaluation"))[1]
        allowed = may_see_answers(found)
        if isinstance(allowed, Denied):
            raise Refused(allowed)
        return Output.objects.filter(candidate__evaluation=found).prefetch_related("scores")
