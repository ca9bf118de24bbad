from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.access import project_access
from core.api.projects import REFUSALS
from core.choices import Need
from core.denied import ApplicationError
from curation.access import dismissal_by_id, link_by_id, pair_by_id, refuse_onlookers
from curation.api.check_shapes import (
    CheckIn,
    CheckOut,
    DismissalOut,
    DismissIn,
    FindingsOut,
    TieDismissIn,
    TypedDismissIn,
)
from curation.api.tasks import PROJECT, projects_asked
from curation.choices import AtFreeze, AtSubmit
from curation.fingerprints import texts_of
from curation.models import Dismissal
from curation.selectors.checking import Surroundings, findings_json, texts_check
from curation.selectors.checks import CheckRow, check_json, check_row, check_rows
from curation.selectors.pairs import ties_of
from curation.services.check_settings import check_set
from curation.services.dismissals import dismissal_withdraw, finding_dismiss, link_dismiss


def project_asked(request: Any, need: str = Need.VIEW) -> Any:
    return project_access(request, request.query_params.get("project", ""), need)


def row_or_404(project: Any, check: str) -> CheckRow:
    row = check_row(project, check)
    if row is None:
        raise Http404
    return row


@extend_schema(
    tags=["checks"],
    parameters=[PROJECT],
    responses={200: CheckOut(many=True), **REFUSALS},
    summary="A project's checks",
)
@api_view(["GET"])
def checks(request: Request) -> Response:
    access = project_asked(request)
    return Response([check_json(row) for row in check_rows(access.project)])


@extend_schema_view(
    get=extend_schema(summary="One check of a project"), put=extend_schema(summary="Decide about a check (owners)")
)
class CheckView(APIView):
    @extend_schema(tags=["checks"], parameters=[PROJECT], responses={200: CheckOut, **REFUSALS})
    def get(self, request: Request, check: str) -> Response:
        return Response(check_json(row_or_404(project_asked(request).project, check)))

    @extend_schema(tags=["checks"], parameters=[PROJECT], request=CheckIn, responses={200: CheckOut, **REFUSALS})
    def put(self, request: Request, check: str) -> Response:
        access = project_asked(request, Need.OWN)
        before = row_or_404(access.project, check).setting
        given = CheckIn(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(given.validated_data)
        check_set(
            actor=access.user,
            project=access.project,
            check_id=check,
            is_on=values.get("is_on", before.is_on),
            parameters=values.get("parameters", before.check.parameters),
            at_freeze=AtFreeze(values.get("at_freeze", before.at_freeze)),
            freeze_share=values.get("freeze_share", before.freeze_share),
            at_submit=AtSubmit(values.get("at_submit", before.at_submit)),
        )
        return Response(check_json(row_or_404(access.project, check)))


@extend_schema(tags=["checks"], parameters=[PROJECT])
class Dismissals(generics.ListAPIView[Dismissal]):
    """What people called false alarms, newest first."""

    serializer_class = DismissalOut
    queryset = Dismissal.objects.none()

    def get_queryset(self) -> QuerySet[Dismissal]:
        return Dismissal.objects.filter(project__in=projects_asked(self.request)).select_related("user")

    @extend_schema(
        request=TypedDismissIn, parameters=[], responses={201: DismissalOut, **REFUSALS},
        summary="Call a finding in a text that is not stored a false alarm",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        given = TypedDismissIn(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(given.validated_data)
        access = project_access(request, values.pop("project"))
        refuse_onlookers(access)
        made = finding_dismiss(actor=access.user, project=access.project, check_id=values.pop("check"), **values)
        return Response(DismissalOut(made).data, status=201)


@extend_schema(
    tags=["checks"], request=TieDismissIn, responses={204: None, **REFUSALS},
    summary="Two pairs may stand beside each other as they are",
)  # fmt: skip
@api_view(["POST"])
def tie_dismiss(request: Request, link: int) -> Response:
    access, found = link_by_id(request, link)
    refuse_onlookers(access)
    given = TieDismissIn(data=request.data)
    given.is_valid(raise_exception=True)
    link_dismiss(actor=access.user, link=found, reason=given.validated_data["reason"])
    return Response(status=204)


@extend_schema(tags=["checks"], responses={204: None, **REFUSALS}, summary="Let a finding count again (owners)")
@api_view(["DELETE"])
def dismissal(request: Request, dismissal: int) -> Response:
    access, found = dismissal_by_id(request, dismissal, Need.OWN)
    dismissal_withdraw(actor=access.user, dismissal=found)
    return Response(status=204)


@extend_schema(tags=["checks"])
class PairFindings(APIView):
    @extend_schema(responses={200: FindingsOut, **REFUSALS}, summary="What the checks find in a pair's newest text")
    def get(self, request: Request, pair: int) -> Response:
        found = pair_by_id(request, pair)[1]
        assert found.current is not None
        texts = texts_of(found.current)
        checked = texts_check(texts, Surroundings(found.task))
        ties = [
            {
                "link": tie.link.pk,
                "check": tie.link.check_id,
                "pair": tie.other_id,
                "similarity": tie.link.similarity,
                "message": tie.sentence,
            }
            for tie in ties_of(found)
        ]
        return Response({**findings_json(texts, checked), "ties": ties})

    @extend_schema(request=DismissIn, responses={201: DismissalOut, **REFUSALS}, summary="Call a finding a false alarm")
    def post(self, request: Request, pair: int) -> Response:
        access, found = pair_by_id(request, pair)
        refuse_onlookers(access)
        given = DismissIn(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(given.validated_data)
        text = getattr(found.current, values["field"])
        if values["excerpt"] not in text:
            raise ApplicationError(_("The text does not have this passage."), field="excerpt")
        made = finding_dismiss(
            actor=access.user, project=found.project, text=text, check_id=values["check"], excerpt=values["excerpt"],
            reason=values["reason"], pair=found,
        )  # fmt: skip
        return Response(DismissalOut(made).data, status=201)
