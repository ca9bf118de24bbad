"""What evaluation puts into the core's registries: its pages, its numbers, its work and its kind of job."""

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core import registries
from core.access import Access
from core.choices import Need, WorkKind
from core.models import Project, User
from core.registries import LineageEntry, NavEntry, NextAction, Panel, Station
from core.under_way import time_left, under_way
from curation.models import DatasetVersion, Pair
from evaluation import jobs  # noqa: F401  importing it registers the kind of job
from evaluation.choices import EVALUATION_OPEN, EvaluationState, RoundKind, RoundState
from evaluation.models import Candidate, Evaluation, Grade, GradingRound, Output, Vote
from evaluation.selectors.evaluations import evaluations_of, latest_result
from evaluation.selectors.grading import open_round, progress_of
from evaluation.selectors.progress import whole_of
from evaluation.selectors.results import result_of
from evaluation.selectors.rounds import rows_of
from evaluation.selectors.votes import preferred_answers
from evaluation.services.erasing import PLACES, answers_erase
from evaluation.services.rounds import judgements_of
from evaluation.services.takebacks import GIVEN, undoable_judgement
from training.models import ModelVersion


def wire() -> None:
    registries.navigation += [
        NavEntry(
            60, gettext_lazy("Evaluations"), "evaluation:evaluation-list", ("evaluation:evaluation", "evaluation:item")
        ),
        NavEntry(
            65,
            gettext_lazy("Grading"),
            "evaluation:grading-list",
            ("evaluation:grad", "evaluation:round", "evaluation:rubric"),
            Need.GRADE,
        ),
    ]
    registries.stations.append(stations)
    registries.next_actions.append(next_actions)
    registries.work_urls[WorkKind.GRADE] = registries.work_urls[WorkKind.COMPARE] = grading_url
    registries.preferred_answers.append(preferred_answers)
    registries.lineage.setdefault("model_version", []).append(from_model)
    registries.lineage.setdefault("dataset_version", []).append(from_version)
    registries.lineage.setdefault("pair", []).append(from_pair)
    registries.lineage["evaluation"] = [of_evaluation]
    registries.panels.setdefault("model_version", []).append(model_panels)
    registries.panels.setdefault("model_version_action", []).append(model_actions)
    registries.shots.append(shots)
    registries.erasers.append(answers_erase)
    registries.text_places += PLACES
    registries.undoable |= {action: undoable_judgement(label) for action, label in GIVEN.items()}


def evaluation_url(evaluation: Evaluation) -> str:
    return reverse("evaluation:evaluation-detail", args=[evaluation.project.slug, evaluation.pk])


def stations(project: Project) -> list[Station]:
    outputs = Output.objects.filter(candidate__evaluation__project=project, answered=True).count()
    grades = Grade.objects.filter(grading_round__evaluation__project=project).count()
    grades += Vote.objects.filter(comparison__grading_round__evaluation__project=project).count()
    evaluations = Evaluation.objects.filter(project=project, state=EvaluationState.DONE).count()
    rounds = GradingRound.objects.filter(evaluation__project=project, state=RoundState.OPEN).count()
    going = evaluations_going(project)
    told = ngettext("%d evaluation done", "%d evaluations done", evaluations) % evaluations if evaluations else ""
    return [
        Station(
            70,
            "outputs",
            gettext_lazy("Answers"),
            outputs,
            reverse("evaluation:evaluation-list", args=[project.slug]),
            under_way(len(going), seconds_left(going[0])) if going else told,
            evaluations > 0,
            bool(going),
        ),
        Station(
            80,
            "grades",
            gettext_lazy("Grades"),
            grades,
            grades_url(project),
            ngettext("%d round open", "%d rounds open", rounds) % rounds if rounds else "",
            grades > 0,
        ),
    ]


def evaluations_going(project: Project) -> list[Evaluation]:
    """Oldest first."""
    return list(Evaluation.objects.filter(project=project, state__in=EVALUATION_OPEN).order_by("pk"))


def seconds_left(evaluation: Evaluation) -> int | None:
    whole = whole_of(evaluation, list(evaluation.candidates.select_related("job")))
    return whole.eta_seconds if whole else None


def grades_url(project: Project) -> str:
    """Where the newest grades are to be seen, by those too who do not grade."""
    newest = GradingRound.objects.filter(evaluation__project=project).order_by("-pk").first()
    if newest is None:
        return reverse("evaluation:evaluation-list", args=[project.slug])
    return reverse("evaluation:evaluation-detail", args=[project.slug, newest.evaluation_id]) + "#grades"


def next_actions(access: Access) -> list[NextAction]:
    """Grade what waits; evaluate a new model; read a new result; open the first grading round."""
    found: list[NextAction] = []
    if access.allows(Need.GRADE):
        found += grading_actions(access.project, access.user)
    if access.allows(Need.OWN):
        found += owner_actions(access.project)
    return found


def grading_actions(project: Project, user: User) -> list[NextAction]:
    grading = open_round(project)
    left = progress_of(grading, user).left if grading else 0
    if grading is None or not left:
        return []
    if grading.kind == RoundKind.VOTES:
        text = ngettext(
            "Choose blind: %d comparison waits for you.", "Choose blind: %d comparisons wait for you.", left
        )
    else:
        text = ngettext("Grade blind: %d answer waits for you.", "Grade blind: %d answers wait for you.", left)
    return [
        NextAction(
            25,
            text % left,
            grading_url(project),
            _("Show the next one"),
            _("You do not see which model said what, so your judgement counts."),
        )
    ]


def owner_actions(project: Project) -> list[NextAction]:
    if going := evaluations_going(project):
        text = _("The evaluation “%s” is under way") % going[0].name
        return [NextAction(27, text, evaluation_url(going[0]), _("See how far"), time_left(seconds_left(going[0])))]
    model = ModelVersion.objects.filter(project=project).order_by("-pk").first()
    if model is not None and not Candidate.objects.filter(model_version=model).exists():
        url = reverse("evaluation:evaluation-new", args=[project.slug])
        text = _("Find out whether finetuning helped: %s has not been evaluated.") % model
        return [NextAction(30, text, f"{url}?model={model.pk}", _("Evaluate it"))]
    latest = latest_result(project)
    if latest is not None and not latest.rounds.exists():
        url = reverse("evaluation:round-new", args=[project.slug, latest.pk])
        text = _("Let people grade the answers blind: numbers alone do not tell whether they are usable.")
        return [NextAction(35, text, url, _("Have it graded"))]
    if latest is not None and (grading := latest.rounds.filter(state=RoundState.OPEN).first()) is not None:
        [row] = rows_of(latest.rounds.filter(pk=grading.pk))
        if row.done >= row.wanted:
            text = _("Every answer of the round is judged: close it to see which model was better.")
            return [NextAction(20, text, evaluation_url(latest), _("Go to the round"))]
    return []


def grading_url(project: Project) -> str:
    grading = open_round(project)
    if grading is None:
        return reverse("evaluation:grading-list", args=[project.slug])
    return reverse("evaluation:round-detail", args=[project.slug, grading.pk])


def entry(direction: str, evaluation: Evaluation) -> LineageEntry:
    return LineageEntry(direction, gettext_lazy("Evaluation"), str(evaluation), evaluation_url(evaluation))


def from_model(model: ModelVersion) -> list[LineageEntry]:
    found = Evaluation.objects.filter(candidates__model_version=model).select_related("project").distinct()
    return [entry("down", evaluation) for evaluation in found[:50]]


def from_pair(pair: Pair) -> list[LineageEntry]:
    """Evaluations that asked this pair's question."""
    found = Evaluation.objects.filter(suite__items__revision__pair=pair).select_related("project")
    return [entry("down", evaluation) for evaluation in found[:50]]


def from_version(version: DatasetVersion) -> list[LineageEntry]:
    found = Evaluation.objects.filter(suite__version=version).select_related("project")
    return [entry("down", evaluation) for evaluation in found[:50]]


def of_evaluation(evaluation: Evaluation) -> list[LineageEntry]:
    """Up to the models and to the version whose test part was asked; down to the rounds that graded it."""
    slug = evaluation.project.slug
    models = ModelVersion.objects.filter(candidates__evaluation=evaluation)
    found = [
        LineageEntry(
            "up", gettext_lazy("Model version"), str(model), reverse("training:model-detail", args=[slug, model.pk])
        )
        for model in models
    ]
    if (version := evaluation.suite.version) is not None:
        url = reverse("curation:version-detail", args=[slug, version.pk])
        found.append(LineageEntry("up", gettext_lazy("Dataset version"), str(version), url))
    rounds = f"{evaluation_url(evaluation)}#grades"
    for grading in evaluation.rounds.all():
        values = {"number": grading.pk, "count": judgements_of(grading), "kind": grading.get_kind_display().lower()}
        text = _("Round %(number)d, %(kind)s: %(count)d") % values
        found.append(LineageEntry("down", gettext_lazy("Grading round"), text, rounds))
    return found


def model_panels(model: ModelVersion, user: User) -> list[Panel]:
    """On the page of a model version: what its newest evaluation says, and the way to a new one."""
    done = Evaluation.objects.filter(candidates__model_version=model).select_related("project").order_by("-pk")
    newest = done.filter(state=EvaluationState.DONE).first()
    context = {
        "model": model,
        "project": model.project,
        "evaluations": done[:5],
        "running": done.filter(state__in=EVALUATION_OPEN).exists(),
        "headline": result_of(newest).main if newest else None,
        "newest": newest,
    }
    return [Panel(20, "evaluation/model_panel.html", context)]


def model_actions(model: ModelVersion, user: User) -> list[Panel]:
    """In the head of that page: what one does with a new model first."""
    return [Panel(20, "evaluation/model_action.html", {"model": model, "project": model.project})]


def shots() -> list[tuple[str, str, str]]:
    """(name, path, role) of evaluation's main pages."""
    project = Project.objects.order_by("-is_demo", "pk").first()
    if project is None:
        return []
    found = [
        ("evaluations", reverse("evaluation:evaluation-list", args=[project.slug]), "viewer"),
        ("grading", reverse("evaluation:grading-list", args=[project.slug]), "reviewer"),
        ("rubric", reverse("evaluation:rubric-edit", args=[project.slug]), "owner"),
    ]
    newest = evaluations_of(project).order_by("-pk").first()
    if newest is not None:
        found.append(("evaluation", evaluation_url(newest), "viewer"))
        found.append(("evaluation-new", reverse("evaluation:evaluation-new", args=[project.slug]), "owner"))
        if newest.state == EvaluationState.DONE and open_round(project) is None:
            items = reverse("evaluation:item-list", args=[project.slug, newest.pk])
            item = newest.suite.items.first()
            found.append(("round-new", reverse("evaluation:round-new", args=[project.slug, newest.pk]), "owner"))
            found += [("items", items, "viewer"), *([("item", f"{items}{item.pk}/", "viewer")] if item else [])]
    if (grading := open_round(project)) is not None:
        found.append(("grade", reverse("evaluation:round-detail", args=[project.slug, grading.pk]), "reviewer"))
    return found
