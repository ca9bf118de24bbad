from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import Access, project_access, projects_for
from core.api.projects import REFUSALS, project_of
from core.api.shapes import Refusal
from core.choices import Need
from core.denied import ApplicationError
from curation.selectors.subsets import Subset
from training.access import run_by_id
from training.api.shapes import (
    LogOut,
    MetricsIn,
    MetricsOut,
    ProbeOut,
    RunCodeIn,
    RunDetailOut,
    RunEventsOut,
    RunExcludeIn,
    RunIn,
    RunOut,
    SentOut,
    WaitingOut,
    base_of,
    start_of,
    version_of,
    wishes_of,
)
from training.choices import RunState
from training.models import Run
from training.selectors.curves import MEASURES, measured_points
from training.selectors.gate import launch_refusals
from training.selectors.probes import probe_page
from training.selectors.queue import waiting_runs
from training.selectors.runs import log_tail, run_events
from training.services.chains import run_start
from training.services.exclusions import pairs_send_back, run_exclude
from training.services.launch import run_prepare
from training.services.probes import probe_request
from training.services.runs import run_cancel, run_discard, run_finish_now, run_resume, run_retry_halved, run_stop

PARAMETERS = [
    OpenApiParameter("project", str, description="Slug; without it, the runs of every project you may see."),
    OpenApiParameter("state", str, enum=RunState.values),
]


@extend_schema(tags=["runs"], parameters=PARAMETERS)
class Runs(generics.ListAPIView[Run]):
    """Trainings, newest first."""

    serializer_class = RunOut
    queryset = Run.objects.none()

    def get_queryset(self) -> QuerySet[Run]:
        project = project_of(self.request)
        found = Run.objects.select_related("project", "requested_by", "model_version", "base_made")
        mine = found.filter(project=project) if project else found.filter(project__in=projects_for(self.request))
        state = self.request.query_params.get("state", "")
        return mine.filter(state=state) if state in RunState.values else mine

    @extend_schema(
        request=RunIn,
        responses={201: RunOut, **REFUSALS},
        summary="Prepare a run (owners): its pairs are examined; launch it afterwards",
    )
    def post(self, request: Request) -> Response:
        access, asked = asked_of(request)
        run = run_prepare(actor=access.user, project=access.project, **asked)
        return Response(RunOut(run).data, status=status.HTTP_201_CREATED)


def asked_of(request: Request) -> tuple[Access, dict[str, Any]]:
    """What `run_prepare` takes."""
    given = RunIn(data=request.data)
    given.is_valid(raise_exception=True)
    asked: dict[str, Any] = dict(given.validated_data)
    access = project_access(request, asked.pop("project"), Need.OWN)
    asked["version"] = version_of(access.project, asked["version"])
    asked["base"] = base_of(asked["base"])
    asked["start"] = start_of(access.project, asked["start"])
    asked["wishes"] = wishes_of(asked)
    asked["subset"] = Subset(asked.pop("data_share"), asked.pop("data_seed"))
    asked["changes"] = asked.pop("recipe", {})
    return access, asked


def run_answer(run: Run) -> Response:
    refusals = launch_refusals(run) if run.state == RunState.DRAFT else []
    return Response(RunDetailOut(run, context={"refusals": refusals}).data)


@extend_schema(methods=["GET"], tags=["runs"], responses={200: RunDetailOut, 404: Refusal}, summary="One run")
@extend_schema(
    methods=["PUT"], tags=["runs"], request=RunIn, responses={200: RunDetailOut, **REFUSALS},
    summary="Change a prepared run; its pairs are examined again (owners)",
)  # fmt: skip
@extend_schema(
    methods=["DELETE"], tags=["runs"], responses={204: None, **REFUSALS},
    summary="Throw away a prepared run, and what was to follow it (owners)",
)  # fmt: skip
@api_view(["GET", "PUT", "DELETE"])
def run(request: Request, run: int) -> Response:
    access, found = run_by_id(request, run, Need.VIEW if request.method == "GET" else Need.OWN)
    if request.method == "DELETE":
        run_discard(actor=access.user, run=found)
        return Response(status=status.HTTP_204_NO_CONTENT)
    if request.method == "PUT":
        asking, asked = asked_of(request)
        if asking.project.pk != found.project_id:
            raise serializers.ValidationError({"project": [_("This run belongs to another project.")]})
        if found.corpus_id:
            raise ApplicationError(_("This run learns text; change it as a pretraining."))
        run_prepare(actor=access.user, project=access.project, run=found, **asked)
        found = run_by_id(request, run)[1]
    return run_answer(found)


@extend_schema(
    tags=["runs"],
    parameters=[OpenApiParameter("project", str, required=True, description="Slug.")],
    responses={200: WaitingOut(many=True), **REFUSALS},
    summary="The runs that wait, in the order in which they start; their jobs are held, moved and planned as jobs are",
)
@api_view(["GET"])
def waiting(request: Request) -> Response:
    access = project_access(request, request.query_params.get("project", ""))
    rows = [
        {"run": row.run.pk, "job": row.run.job_id, "place": row.place, "starts_at": row.starts_at,
         "ends_at": row.ends_at, "late": row.late}
        for row in waiting_runs(access.project)
    ]  # fmt: skip
    return Response(WaitingOut(rows, many=True).data)


def verb(service: Callable[..., Run], summary: str) -> Any:
    """An endpoint that asks one service about a run; owners only."""

    @extend_schema(tags=["runs"], request=None, responses={200: RunDetailOut, **REFUSALS}, summary=summary)
    @api_view(["POST"])
    def view(request: Request, run: int) -> Response:
        access, found = run_by_id(request, run, Need.OWN)
        changed = service(actor=access.user, run=found)
        return run_answer(run_by_id(request, changed.pk, Need.OWN)[1])

    return view


@extend_schema(
    tags=["runs"],
    request=RunExcludeIn,
    responses={200: RunDetailOut, **REFUSALS},
    summary="Leave out of a prepared run the pairs that a blocking finding is about, or take them in again (owners)",
)
@api_view(["POST"])
def exclude(request: Request, run: int) -> Response:
    access, found = run_by_id(request, run, Need.OWN)
    given = RunExcludeIn(data=request.data)
    given.is_valid(raise_exception=True)
    run_exclude(actor=access.user, run=found, **given.validated_data)
    return run_answer(run_by_id(request, run, Need.OWN)[1])


@extend_schema(
    tags=["runs"],
    request=RunCodeIn,
    responses={200: SentOut, **REFUSALS},
    summary="Give the pairs that have a problem to the experts as corrections (owners)",
)
@api_view(["POST"])
def send_back(request: Request, run: int) -> Response:
    access, found = run_by_id(request, run, Need.OWN)
    given = RunCodeIn(data=request.data)
    given.is_valid(raise_exception=True)
    count = pairs_send_back(actor=access.user, run=found, code=given.validated_data["code"])
    return Response(SentOut({"pairs": count}).data)


@extend_schema(
    methods=["GET"], tags=["runs"], responses={200: ProbeOut, 404: Refusal}, summary="What a trial of a run found"
)
@extend_schema(
    methods=["POST"], tags=["runs"], request=None, responses={200: ProbeOut, **REFUSALS},
    summary="Try a prepared run on this machine for a minute (owners)",
)  # fmt: skip
@api_view(["GET", "POST"])
def probe(request: Request, run: int) -> Response:
    if request.method == "POST":
        access, found = run_by_id(request, run, Need.OWN)
        probe_request(actor=access.user, run=found)
    _access, found = run_by_id(request, run)
    page = probe_page(found)
    state = page["probe"].state if page["probe"] else ""
    error = page["probe"].error if page["probe"] else ""
    return Response(ProbeOut({"state": state, "error": error, "trials": page["trials"], "advice": page["advice"]}).data)


launch = verb(run_start, "Queue a prepared run (owners)")
stop = verb(run_stop, "End a run at its next step and save it (owners)")
finish = verb(run_finish_now, "End a run at its next step and take the model as it is (owners)")
cancel = verb(run_cancel, "Give a run up (owners)")
resume = verb(run_resume, "Go on from the last checkpoint (owners)")


halve = verb(run_retry_halved, "Try a failed run again with half as many pairs at once, as a new run (owners)")


@extend_schema(
    tags=["runs"],
    parameters=[OpenApiParameter("after", str, description="attempt.seq of the last event you have, such as 1.42")],
    responses={200: RunEventsOut, **REFUSALS},
    summary="What a run told since, in order, at most 500 events",
)
@api_view(["GET"])
def events(request: Request, run: int) -> Response:
    _access, found = run_by_id(request, run)
    text = request.query_params.get("after", "0.0")
    attempt, _dot, seq = text.partition(".")
    if not (attempt.isascii() and attempt.isdigit() and (seq or "0").isascii() and (seq or "0").isdigit()):
        raise serializers.ValidationError({"after": ["Give attempt.seq, such as 1.42."]})
    if len(attempt) > 9 or len(seq) > 9:
        raise serializers.ValidationError({"after": ["These numbers are too large."]})
    rows = list(run_events(found, after=(int(attempt), int(seq or 0))))
    last = f"{rows[-1].attempt}.{rows[-1].seq}" if rows else text
    return Response(RunEventsOut({"events": rows, "state": found.state, "next": last}).data)


@extend_schema(
    tags=["runs"],
    parameters=[MetricsIn],
    responses={200: MetricsOut, **REFUSALS},
    summary="What a run measured step by step: losses, learning rate, gradient norm, speed, memory",
)
@api_view(["GET"])
def metrics(request: Request, run: int) -> Response:
    _access, found = run_by_id(request, run)
    given = MetricsIn(data=request.query_params)
    given.is_valid(raise_exception=True)
    asked = dict(given.validated_data)
    measured = measured_points(found, asked.pop("names", None) or list(MEASURES), **asked)
    rows = [
        {"name": name, "label": MEASURES[name].label, "text": MEASURES[name].text, "points": points}
        for name, points in measured.items()
        if points
    ]
    answer = {"state": found.state, "step": found.step, "steps": found.steps, "metrics": rows}
    return Response(MetricsOut(answer).data)


@extend_schema(
    tags=["runs"], responses={200: LogOut, **REFUSALS},
    summary="The end of what the newest attempt of a run wrote, where its worker shares this machine's disk",
)  # fmt: skip
@api_view(["GET"])
def log(request: Request, run: int) -> Response:
    _access, found = run_by_id(request, run)
    return Response(LogOut({"attempt": found.attempt, "log": log_tail(found)}).data)
