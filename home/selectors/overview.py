"""Everything that a project's home says."""

from typing import Any, TypedDict

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils.translation import gettext as _

from core.access import Access
from core.choices import Need
from core.models import Membership, Project
from curation.choices import Decision, ReviewBasis, VersionState
from curation.models import DatasetVersion, Pair, Review, Task
from evaluation.choices import EvaluationState
from evaluation.models import Evaluation, Grade
from evaluation.selectors.evaluations import latest_result
from evaluation.selectors.grading import open_round
from evaluation.selectors.results import result_of
from home.selectors.activity import recent_activity
from home.selectors.stations import next_actions, next_station, stations_of
from training.models import ModelVersion


class Step(TypedDict):
    label: str
    text: str
    url: str
    action: str
    done: bool


def overview_of(access: Access) -> dict[str, Any]:
    """The loop, the next best actions, the checklist, the newest result, and what happened lately."""
    project = access.project
    stations = stations_of(project)
    actions = next_actions(access)
    latest = latest_result(project)
    return {
        "stations": stations,
        "next_key": next_station(stations),
        "best": actions[0] if actions else None,
        "others": actions[1:],
        "steps": checklist(access),
        "latest": latest,
        "result": result_of(latest) if latest else None,
        "activity": recent_activity(project),
        "self_approved": counted_by(project, ReviewBasis.SOLO),
        "import_approved": counted_by(project, ReviewBasis.IMPORT),
        "alone": Membership.objects.filter(project=project).count() == 1,
        "may_own": access.allows(Need.OWN),
    }


def checklist(access: Access) -> list[Step]:
    """Once around the loop; a step ticks itself when its first row is there, and leads on whom it is for."""
    return [*teaching_steps(access), *learning_steps(access)]


def step(access: Access, label: str, text: str, name: str, action: str, *, done: bool, need: Need = Need.OWN) -> Step:
    url = reverse(name, args=[access.project.slug]) if access.allows(need) else ""
    return {"label": label, "text": text, "url": url, "action": action, "done": done}


def teaching_steps(access: Access) -> list[Step]:
    project = access.project
    reviews = Review.objects.filter(revision__pair__project=project)
    versions = DatasetVersion.objects.filter(task__project=project, state=VersionState.READY)
    return [
        step(
            access,
            _("A task is made"),
            _("What the model is to do, with a few words on how."),
            "curation:task-new",
            _("New task"),
            done=Task.objects.filter(project=project).exists(),
        ),
        step(
            access,
            _("A pair is written"),
            _("An instruction and the answer an expert would give."),
            "curation:write",
            _("Write"),
            done=Pair.objects.filter(project=project).exists(),
            need=Need.WRITE,
        ),
        step(
            access,
            _("A pair is approved"),
            _("A second person reads it and approves it, or returns it with a reason."),
            "curation:reviews",
            _("Review"),
            done=reviews.filter(decision=Decision.APPROVE).exists(),
            need=Need.REVIEW,
        ),
        step(
            access,
            _("A version is frozen"),
            _("Approved pairs become an unchangeable version, split for training and testing."),
            "curation:versions",
            _("Freeze"),
            done=versions.exists(),
        ),
    ]


def learning_steps(access: Access) -> list[Step]:
    project = access.project
    grading = open_round(project) is not None
    evaluations = Evaluation.objects.filter(project=project, state=EvaluationState.DONE)
    return [
        step(
            access,
            _("A model is trained"),
            _("Choose a preset; the page says what it will cost before it starts."),
            "training:run-list",
            _("Train"),
            done=ModelVersion.objects.filter(project=project).exists(),
        ),
        step(
            access,
            _("Base and finetuned are compared"),
            _("Both answer questions that neither has seen."),
            "evaluation:evaluation-list",
            _("Evaluate"),
            done=evaluations.exists(),
        ),
        step(
            access,
            _("Answers are graded"),
            _("People judge answers without knowing which model gave them."),
            "evaluation:grading-list" if grading else "evaluation:evaluation-list",
            _("Grade") if grading else _("Open a round"),
            done=Grade.objects.filter(grading_round__evaluation__project=project).exists(),
            need=Need.GRADE if grading else Need.OWN,
        ),
    ]


def counted_by(project: Project, basis: ReviewBasis) -> bool:
    """Whether some approved text counts on this ground alone, and no second person ever approved it."""
    approvals = Review.objects.filter(revision=OuterRef("approved"), decision=Decision.APPROVE)
    alone = Exists(approvals.filter(basis=basis)) & ~Exists(approvals.filter(basis=ReviewBasis.SECOND_PERSON))
    return Pair.objects.filter(alone, project=project, approved__isnull=False).exists()
