"""Objects of evaluation, given out only through their project's door."""

from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _

from core.access import Access, project_access
from core.choices import Need, WorkKind
from core.denied import Denied, Refused
from core.models import Assignment
from core.numbers import whole_number
from curation.access import assignment_access
from curation.models import SuiteItem
from evaluation.choices import RoundState
from evaluation.models import Evaluation, GradingRound
from evaluation.models.grading import ROUND

JUDGED = (WorkKind.GRADE, WorkKind.COMPARE)


def evaluation_access(request: Any, project: str, evaluation: int, need: str = Need.VIEW) -> tuple[Access, Evaluation]:
    access = project_access(request, project, need)
    found = (
        Evaluation.objects.select_related("suite__task", "suite__version", "project")
        .filter(pk=evaluation, project=access.project)
        .first()
    )
    if found is None:
        raise Http404
    return access, found


def evaluation_by_id(request: Any, evaluation: int, need: str = Need.VIEW) -> tuple[Access, Evaluation]:
    """The same for addresses without a project, such as the API's."""
    slug = Evaluation.objects.filter(pk=evaluation).values_list("project__slug", flat=True).first()
    if slug is None:
        raise Http404
    return evaluation_access(request, slug, evaluation, need)


def answers_access(request: Any, project: str, evaluation: int) -> tuple[Access, Evaluation]:
    """An evaluation whose single answers may be seen with their model's name: 403 while people grade them blind."""
    access, found = evaluation_access(request, project, evaluation)
    allowed = may_see_answers(found)
    if isinstance(allowed, Denied):
        raise Refused(allowed)
    return access, found


def may_see_answers(evaluation: Evaluation) -> bool | Denied:
    if GradingRound.objects.filter(evaluation=evaluation, state=RoundState.OPEN).exists():
        return Denied(
            _("These answers are being graded blind, so nobody may see which model said what."),
            _("They open when an owner closes the grading round."),
        )
    return True


def item_access(request: Any, project: str, evaluation: int, item: int) -> tuple[Access, Evaluation, SuiteItem]:
    access, found = answers_access(request, project, evaluation)
    row = SuiteItem.objects.select_related("revision__pair").filter(pk=item, suite_id=found.suite_id).first()
    if row is None or row.revision is None:
        raise Http404
    return access, found, row


def round_access(request: Any, project: str, grading_round: int, need: str = Need.GRADE) -> tuple[Access, GradingRound]:
    access = project_access(request, project, need)
    found = (
        GradingRound.objects.select_related("evaluation__project", "evaluation__suite", "rubric")
        .filter(pk=grading_round, evaluation__project=access.project)
        .first()
    )
    if found is None:
        raise Http404
    return access, found


def hold_access(request: Any, project: str, assignment: int) -> tuple[Access, GradingRound, Assignment]:
    """A person's hold on an answer, or on two to choose from, with its round."""
    access, held = assignment_access(request, project, assignment, Need.GRADE)
    number = whole_number(held.item.batch.removeprefix(ROUND))
    if held.item.kind not in JUDGED or number is None:
        raise Http404
    return access, round_access(request, project, number)[1], held


def round_by_id(request: Any, grading_round: int, need: str = Need.GRADE) -> tuple[Access, GradingRound]:
    slug = GradingRound.objects.filter(pk=grading_round).values_list("evaluation__project__slug", flat=True).first()
    if slug is None:
        raise Http404
    return round_access(request, slug, grading_round, need)
