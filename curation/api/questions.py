"""Questions for programs: asking them, answering what one has claimed, choosing among several answers."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import project_access
from core.api.projects import REFUSALS
from core.api.shapes import JobOut
from core.choices import Need, WorkKind
from core.denied import ApplicationError
from core.models import Assignment
from curation.access import answer_by_id, assignment_by_id, question_by_id, task_by_id
from curation.api.pairs import texts_given, traces_given
from curation.api.question_shapes import (
    AnswerIn,
    AnswerOut,
    ChoiceIn,
    DeclinesIn,
    JudgementIn,
    NamelessOut,
    OrderIn,
    QuestionDetailOut,
    QuestionOut,
    QuestionsIn,
)
from curation.api.shapes import PairOut
from curation.api.tasks import PROJECT, projects_asked
from curation.choices import QuestionState, WorkOrder
from curation.fingerprints import texts_from
from curation.models import Answer, Question
from curation.selectors.agreement import agreement_json, to_judge
from curation.services.agreement import acceptance_give, likeness_ask
from curation.services.answers import answer_submit, answers_choose, answers_merge
from curation.services.ordering import work_order_set
from curation.services.questions import declines_ask, question_withdraw, questions_ask
from curation.services.settling import Seen
from curation.subjects import QUESTION

ANSWERED = (WorkKind.WRITE, WorkKind.CORRECT, WorkKind.DECLINE)


@extend_schema(
    tags=["questions"], parameters=[PROJECT, OpenApiParameter("state", str, enum=list(QuestionState.values))]
)
class Questions(generics.ListAPIView[Question]):
    """What was asked, newest first."""

    serializer_class = QuestionOut
    queryset = Question.objects.none()

    def get_queryset(self) -> QuerySet[Question]:
        found = Question.objects.filter(project__in=projects_asked(self.request))
        state = self.request.query_params.get("state")
        return found.filter(state=state) if state else found

    @extend_schema(
        request=QuestionsIn, responses={201: QuestionOut(many=True), **REFUSALS}, summary="Ask questions (owners)"
    )
    def post(self, request: Request) -> Response:
        given = QuestionsIn(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(given.validated_data)
        access, task = task_by_id(request, values["task"], Need.OWN)
        made = questions_ask(actor=access.user, task=task, rows=values["questions"], needed=values["needed"])
        return Response(QuestionOut(made, many=True).data, status=201)


@extend_schema(
    tags=["questions"], request=DeclinesIn, responses={201: QuestionOut(many=True), **REFUSALS},
    summary="Ask for questions that the project cannot answer (owners)",
)  # fmt: skip
@api_view(["POST"])
def declines(request: Request) -> Response:
    given = DeclinesIn(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(given.validated_data)
    access, task = task_by_id(request, values["task"], Need.OWN)
    made = declines_ask(
        actor=access.user, task=task, count=values["count"], wanted=values["wanted"], seed=values["seed"]
    )
    return Response(QuestionOut(made, many=True).data, status=201)


@extend_schema(
    tags=["questions"],
    responses={200: QuestionDetailOut, **REFUSALS},
    summary="A question, and its answers once settled",
)
@api_view(["GET"])
def question(request: Request, question: int) -> Response:
    return Response(QuestionDetailOut(question_by_id(request, question)[1]).data)


@extend_schema(tags=["questions"], request=None, responses={200: QuestionOut, **REFUSALS}, summary="Ask no more")
@api_view(["POST"])
def withdraw(request: Request, question: int) -> Response:
    access, found = question_by_id(request, question, Need.OWN)
    return Response(QuestionOut(question_withdraw(actor=access.user, question=found)).data)


def question_held(held: Assignment, kinds: tuple[WorkKind, ...]) -> Question:
    if held.item.subject_type != QUESTION or held.item.kind not in kinds:
        raise ApplicationError(_("This is other work; each kind of work is sent to its own endpoint."))
    found = Question.objects.select_related("task", "project").filter(pk=held.item.subject_id).first()
    if found is None:
        raise Http404
    return found


@extend_schema(
    tags=["work-items"], request=AnswerIn, responses={201: AnswerOut, **REFUSALS}, summary="Answer a question you hold"
)
@api_view(["POST"])
def answer(request: Request, assignment: int) -> Response:
    access, held = assignment_by_id(request, assignment)
    asked = question_held(held, ANSWERED)
    given = AnswerIn(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(given.validated_data)
    texts = texts_from(as_asked(asked, values))
    made = answer_submit(
        actor=access.user,
        assignment=held,
        texts=texts,
        traces=traces_given(values, asked.task, texts),
        note=values["note"],
        despite=values["despite"],
        seen=Seen(values["draft_version"]),
    )
    return Response(AnswerOut(made).data, status=201)


def as_asked(asked: Question, values: dict[str, Any]) -> dict[str, Any]:
    """What is not given stays as it was asked."""
    names = ("system", "instruction", "input", "language", "topic")
    return {**{name: getattr(asked, name) for name in names}, "response": asked.wanted, **texts_given(values)}


@extend_schema(
    tags=["work-items"], request=ChoiceIn, responses={201: PairOut, **REFUSALS},
    summary="Settle a question that several people answered: take one answer, or send a merged text",
)  # fmt: skip
@api_view(["POST"])
def settle(request: Request, assignment: int) -> Response:
    access, held = assignment_by_id(request, assignment)
    asked = question_held(held, (WorkKind.ADJUDICATE,))
    given = ChoiceIn(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(given.validated_data)
    if "answer" in values:
        chosen = Answer.objects.filter(question=asked, pk=values["answer"]).first()
        if chosen is None:
            raise ApplicationError(_("This question has no such answer."), field="answer")
        pair = answers_choose(actor=access.user, assignment=held, answer=chosen)
    else:
        texts = texts_from(as_asked(asked, values))
        seen = Seen(values["draft_version"])
        pair = answers_merge(actor=access.user, assignment=held, texts=texts, note=values["note"], seen=seen)
    return Response(PairOut(pair).data, status=201)


@extend_schema(
    tags=["questions"], request=JudgementIn, responses={201: JudgementIn, **REFUSALS},
    summary="Say whether you would send another’s answer to a question that you answered too",
)  # fmt: skip
@api_view(["POST"])
def judge(request: Request, answer: int) -> Response:
    access, found = answer_by_id(request, answer, Need.WRITE)
    given = JudgementIn(data=request.data)
    given.is_valid(raise_exception=True)
    made = acceptance_give(actor=access.user, answer=found, ships=given.validated_data["ships"])
    return Response({"ships": made.ships}, status=201)


@extend_schema(tags=["questions"], parameters=[PROJECT])
class ToJudge(generics.ListAPIView[Answer]):
    """Answers of others to questions that you answered too, which you have not judged. They come without names."""

    serializer_class = NamelessOut
    queryset = Answer.objects.none()
    pagination_class = None

    def get_queryset(self) -> QuerySet[Answer]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        access = project_access(self.request, self.request.query_params.get("project", ""), Need.WRITE)
        return to_judge(access.project, access.user)[:100]


@extend_schema(
    tags=["questions"], methods=["GET"], responses={200: OpenApiTypes.OBJECT, **REFUSALS},
    summary="How much people agree, with why not",
)  # fmt: skip
@extend_schema(
    tags=["questions"], methods=["POST"], request=None, responses={202: None, **REFUSALS},
    summary="Have the answers compared that nobody has compared yet (owners)",
)  # fmt: skip
@api_view(["GET", "POST"])
def agreement(request: Request, project: str) -> Response:
    access = project_access(request, project, Need.OWN if request.method == "POST" else Need.VIEW)
    if request.method == "GET":
        return Response(agreement_json(access.project))
    for task in access.project.tasks.select_related("project"):
        likeness_ask(actor=access.user, task=task)
    return Response(status=202)


@extend_schema(
    tags=["tasks"],
    request=OrderIn,
    responses={202: JobOut, **REFUSALS},
    summary="Choose the order of its work (owners)",
)
@api_view(["POST"])
def work_order(request: Request, task: int) -> Response:
    access, found = task_by_id(request, task, Need.OWN)
    given = OrderIn(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(given.validated_data)
    job = work_order_set(actor=access.user, task=found, order=WorkOrder(values["order"]), model_key=values["model"])
    return Response(JobOut(job).data, status=202)
