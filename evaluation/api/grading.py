from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import person, project_access
from core.api.asked import number_asked
from core.api.projects import REFUSALS
from core.choices import Need
from core.models import Assignment
from evaluation.access import evaluation_by_id, round_by_id
from evaluation.api.evaluations import EVALUATION, PROJECT, projects_asked
from evaluation.api.shapes import (
    ClaimOut,
    GradeIn,
    GradeOut,
    RoundIn,
    RoundOut,
    RubricIn,
    RubricOut,
    VoteIn,
    VoteOut,
)
from evaluation.choices import RoundKind, RoundState
from evaluation.models import Grade, GradingRound, Rubric, Vote
from evaluation.selectors.grading import question_of
from evaluation.selectors.votes import choice_of
from evaluation.services.grades import grade_claim, grade_submit
from evaluation.services.rounds import round_close, round_open
from evaluation.services.rubrics import rubric_edit
from evaluation.services.votes import vote_submit

ROUND = OpenApiParameter("round", int, required=True)


@extend_schema(tags=["rubrics"], parameters=[PROJECT])
class Rubrics(generics.ListAPIView[Rubric]):
    """Editions of rubrics, newest first."""

    serializer_class = RubricOut
    queryset = Rubric.objects.none()

    def get_queryset(self) -> QuerySet[Rubric]:
        return Rubric.objects.filter(project__in=projects_asked(self.request))

    @extend_schema(request=RubricIn, responses={201: RubricOut, **REFUSALS}, summary="Make a new edition")
    def post(self, request: Request) -> Response:
        given = RubricIn(data=request.data)
        given.is_valid(raise_exception=True)
        access = project_access(request, given.validated_data["project"], Need.OWN)
        rubric = rubric_edit(actor=access.user, project=access.project, criteria=given.validated_data["criteria"])
        return Response(RubricOut(rubric).data, status=201)


@extend_schema(tags=["grades"], parameters=[EVALUATION])
class Rounds(generics.ListAPIView[GradingRound]):
    """The grading rounds of an evaluation, newest first."""

    serializer_class = RoundOut
    queryset = GradingRound.objects.none()

    def get_queryset(self) -> QuerySet[GradingRound]:
        found = evaluation_by_id(self.request, number_asked(self.request, "evaluation"))[1]
        return GradingRound.objects.filter(evaluation=found)

    @extend_schema(
        request=RoundIn,
        responses={201: RoundOut, **REFUSALS},
        summary="Have answers judged blind, by grades or by votes",
    )
    def post(self, request: Request) -> Response:
        given = RoundIn(data=request.data)
        given.is_valid(raise_exception=True)
        values = dict(given.validated_data)
        access, found = evaluation_by_id(request, values.pop("evaluation"), Need.OWN)
        return Response(RoundOut(round_open(actor=access.user, evaluation=found, **values)).data, status=201)


@extend_schema(
    tags=["grades"],
    request=None,
    responses={200: RoundOut, **REFUSALS},
    summary="Close a round and bring the models' names back",
)
@api_view(["POST"])
def close(request: Request, grading_round: int) -> Response:
    access, found = round_by_id(request, grading_round, Need.OWN)
    return Response(RoundOut(round_close(actor=access.user, grading_round=found)).data)


@extend_schema(
    tags=["grades"],
    request=None,
    responses={200: ClaimOut, 204: None, **REFUSALS},
    summary="Claim the next answer to grade, or the next two to choose from; 204 when none is left",
)
@api_view(["POST"])
def claim(request: Request, grading_round: int) -> Response:
    access, found = round_by_id(request, grading_round)
    assignment = grade_claim(actor=access.user, grading_round=found)
    if assignment is None:
        return Response(status=204)
    return Response(ClaimOut(claim_shape(found, assignment)).data)


def claim_shape(grading_round: GradingRound, assignment: Assignment) -> dict[str, object]:
    shown: dict[str, object]
    if grading_round.kind == RoundKind.VOTES:
        choice = choice_of(assignment)
        example, shown = choice.example, {"left": choice.left, "right": choice.right}
    else:
        question = question_of(assignment)
        criteria = grading_round.rubric.criteria
        example = question.example
        shown = {"answer": question.answer, "was_cut": question.was_cut, "criteria": criteria}
    return {
        "assignment": assignment.pk,
        "token": assignment.token,
        "lease_until": assignment.lease_until,
        "reference": example["response"],
        **{name: example[name] for name in ("system", "turns", "instruction", "input")},
        **shown,
    }


@extend_schema(tags=["grades"], parameters=[ROUND])
class Grades(generics.ListAPIView[Grade]):
    """The grades of a round, newest first: your own while it is open, everybody's once it is closed."""

    serializer_class = GradeOut
    queryset = Grade.objects.none()

    def get_queryset(self) -> QuerySet[Grade]:
        access, found = round_by_id(self.request, number_asked(self.request, "round"), Need.VIEW)
        grades = Grade.objects.filter(grading_round=found).select_related("grading_round")
        return grades if found.state == RoundState.CLOSED else grades.filter(grader=access.user)

    @extend_schema(request=GradeIn, responses={201: GradeOut, **REFUSALS}, summary="Submit a grade")
    def post(self, request: Request) -> Response:
        given = GradeIn(data=request.data)
        given.is_valid(raise_exception=True)
        values = dict(given.validated_data)
        found = round_by_id(request, values.pop("round"))[1]
        grade = grade_submit(
            actor=person(request), grading_round=found, assignment_id=values.pop("assignment"), **values
        )
        return Response(GradeOut(grade).data, status=201)


@extend_schema(tags=["votes"], parameters=[ROUND])
class Votes(generics.ListAPIView[Vote]):
    """The votes of a round, newest first: your own while it is open, everybody's once it is closed."""

    serializer_class = VoteOut
    queryset = Vote.objects.none()

    def get_queryset(self) -> QuerySet[Vote]:
        access, found = round_by_id(self.request, number_asked(self.request, "round"), Need.VIEW)
        votes = Vote.objects.filter(comparison__grading_round=found).select_related("comparison__grading_round")
        return votes if found.state == RoundState.CLOSED else votes.filter(voter=access.user)

    @extend_schema(request=VoteIn, responses={201: VoteOut, **REFUSALS}, summary="Say which of two answers is better")
    def post(self, request: Request) -> Response:
        given = VoteIn(data=request.data)
        given.is_valid(raise_exception=True)
        values = dict(given.validated_data)
        found = round_by_id(request, values.pop("round"))[1]
        vote = vote_submit(actor=person(request), grading_round=found, assignment_id=values.pop("assignment"), **values)
        return Response(VoteOut(vote).data, status=201)
