from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import job_access, job_control, person, projects_for, require_admin
from core.api.projects import REFUSALS, project_of
from core.api.shapes import JobDetailOut, JobHoldIn, JobMoveIn, JobOut, JobPlanIn, JobStopIn, Refusal
from core.choices import JobState
from core.models import Job
from core.selectors.jobs import jobs_of
from core.services.jobs import job_hold, job_move, job_plan, job_retry, job_stop

PARAMETERS = [
    OpenApiParameter("project", str, description="Slug; without it, the jobs of every project you may see."),
    OpenApiParameter("state", str, enum=JobState.values),
]


@extend_schema(tags=["jobs"], parameters=PARAMETERS)
class Jobs(generics.ListAPIView[Job]):
    """Background work, newest first."""

    serializer_class = JobOut
    queryset = Job.objects.none()

    def get_queryset(self) -> QuerySet[Job]:
        project = project_of(self.request)
        found = jobs_of(project)
        if project is None:
            found = found.filter(project__in=projects_for(self.request))
        state = self.request.query_params.get("state", "")
        return found.filter(state=state) if state in JobState.values else found


@extend_schema(tags=["jobs"], responses={200: JobDetailOut, 404: Refusal}, summary="One job")
@api_view(["GET"])
def job(request: Request, job: int) -> Response:
    return Response(JobDetailOut(job_access(request, job).job).data)


@extend_schema(
    tags=["jobs"],
    request=JobStopIn,
    responses={200: JobDetailOut, **REFUSALS},
    summary="Ask a job to end (owners, or who asked for it)",
)
@api_view(["POST"])
def stop(request: Request, job: int) -> Response:
    found = job_control(request, job)
    given = JobStopIn(data=request.data)
    given.is_valid(raise_exception=True)
    return Response(
        JobDetailOut(job_stop(actor=person(request), job=found.job, intent=given.validated_data["intent"])).data
    )


@extend_schema(
    tags=["jobs"],
    request=JobHoldIn,
    responses={200: JobDetailOut, **REFUSALS},
    summary="Hold a waiting job, or release it (owners, or who asked for it)",
)
@api_view(["POST"])
def hold(request: Request, job: int) -> Response:
    found = job_control(request, job)
    given = JobHoldIn(data=request.data)
    given.is_valid(raise_exception=True)
    return Response(
        JobDetailOut(job_hold(actor=person(request), job=found.job, hold=given.validated_data["hold"])).data
    )


@extend_schema(
    tags=["jobs"],
    request=JobMoveIn,
    responses={200: JobDetailOut, **REFUSALS},
    summary="Move a waiting job among those of its queue (admins)",
)
@api_view(["POST"])
def move(request: Request, job: int) -> Response:
    actor = require_admin(request)
    found = job_access(request, job)
    given = JobMoveIn(data=request.data)
    given.is_valid(raise_exception=True)
    moved = job_move(actor=actor, job=found.job, to=given.validated_data["to"])
    return Response(JobDetailOut(moved).data)


@extend_schema(
    tags=["jobs"],
    request=JobPlanIn,
    responses={200: JobDetailOut, **REFUSALS},
    summary="Give a waiting job a priority (admins), or let it run only at night (owners, or who asked for it)",
)
@api_view(["POST"])
def plan(request: Request, job: int) -> Response:
    found = job_control(request, job)
    given = JobPlanIn(data=request.data)
    given.is_valid(raise_exception=True)
    if "priority" in given.validated_data:
        require_admin(request)
    return Response(JobDetailOut(job_plan(actor=person(request), job=found.job, **given.validated_data)).data)


@extend_schema(
    tags=["jobs"],
    request=None,
    responses={200: JobDetailOut, **REFUSALS},
    summary="Queue a failed or cancelled job again (owners, or who asked for it)",
)
@api_view(["POST"])
def retry(request: Request, job: int) -> Response:
    found = job_control(request, job)
    return Response(JobDetailOut(job_retry(actor=person(request), job=found.job)).data)
