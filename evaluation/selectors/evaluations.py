from django.db.models import QuerySet

from core.models import Project
from evaluation.choices import EvaluationState
from evaluation.models import Candidate, Evaluation


def evaluations_of(*projects: Project) -> QuerySet[Evaluation]:
    """The projects' evaluations with everything that a list shows of them."""
    return (
        Evaluation.objects.filter(project__in=projects)
        .select_related("suite", "project", "requested_by")
        .prefetch_related("candidates__base", "candidates__model_version")
    )


def candidates_of(evaluation: Evaluation) -> list[Candidate]:
    """The models of an evaluation in their order, with their jobs."""
    found = Candidate.objects.filter(evaluation=evaluation).order_by("ordinal")
    return list(found.select_related("base", "model_version__base", "model_version__run", "job"))


def latest_result(project: Project) -> Evaluation | None:
    """The newest evaluation that compares at least two models and has ended well."""
    found = evaluations_of(project).filter(state=EvaluationState.DONE, candidates__ordinal=1)
    return found.order_by("-pk").first()
