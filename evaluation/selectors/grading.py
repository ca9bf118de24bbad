"""A grader's own progress and question, and, after the names are back, what the grades say of each model."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.choices import AssignmentState, WorkState
from core.models import Assignment, Project, User, WorkItem
from curation.models import SuiteItem
from evaluation.choices import RoundState, Usable
from evaluation.models import Candidate, Grade, GradingRound, Output
from evaluation.selectors.results import rounded
from ml.agree import Grades, agree
from ml.stats import Interval, mean_interval, wilson

USUAL_SECONDS = 30.0
CAREFUL_FIRST = [Usable.NO, Usable.EDITED, Usable.AS_IS]


@dataclass(frozen=True)
class Progress:
    """How far one person is: what they graded, and what is still there for them."""

    mine: int
    left: int
    pace: float = USUAL_SECONDS  # seconds for one

    @property
    def eta_seconds(self) -> float | None:
        return self.left * self.pace if self.left else None

    @property
    def share(self) -> float | None:
        return self.mine / (self.mine + self.left) if self.mine + self.left else None


@dataclass(frozen=True)
class Question:
    """What a grader sees: texts, and nothing that tells whose answer it is."""

    assignment: Assignment
    example: dict[str, Any]
    answer: str
    was_cut: bool


@dataclass(frozen=True)
class Said:
    """A number that people gave, with its interval."""

    label: str
    interval: Interval
    is_share: bool = False

    @property
    def text(self) -> str:
        return self.written(self.interval.estimate)

    @property
    def span(self) -> str:
        low, high = self.interval.low, self.interval.high
        if low is None or high is None:
            return _("no interval: too few")
        return _("%(low)s to %(high)s") % {"low": self.written(low), "high": self.written(high)}

    def written(self, value: float) -> str:
        if self.is_share:
            return f"{rounded(value * 100, 0)}\u00a0%"
        return rounded(min(max(value, 1), 5), 2)


@dataclass(frozen=True)
class ModelGrades:
    """What people said of one model."""

    candidate: Candidate
    overall: Said
    criteria: list[Said]
    usable: list[Said]


@dataclass(frozen=True)
class RoundResult:
    models: list[ModelGrades]
    alpha: float | None  # Krippendorff's, ordinal, over all grades of all criteria
    raw: float | None
    graders: int
    notes: list[str]
    basis: str  # which answers the means are of


def open_round(project: Project) -> GradingRound | None:
    """The oldest round that is still open."""
    return GradingRound.objects.filter(evaluation__project=project, state=RoundState.OPEN).order_by("pk").first()


def progress_of(grading_round: GradingRound, user: User) -> Progress:
    mine = Assignment.objects.filter(
        user=user,
        item__batch=grading_round.batch,
        item__kind=grading_round.work_kind,
        item__project=grading_round.evaluation.project,
    )
    done = mine.filter(state=AssignmentState.SUBMITTED).count()
    gone = mine.filter(state__in=(AssignmentState.SUBMITTED, AssignmentState.SKIPPED)).values("item")
    left = WorkItem.objects.filter(
        project=grading_round.evaluation.project,
        kind=grading_round.work_kind,
        batch=grading_round.batch,
        state=WorkState.OPEN,
    ).exclude(pk__in=gone)
    return Progress(done, left.count(), pace_of(grading_round, user))


def pace_of(grading_round: GradingRound, user: User) -> float:
    """Seconds that this person takes for a grade of this round; a usual half minute before the first."""
    own = Grade.objects.filter(grading_round=grading_round, grader=user, seconds__gt=0)
    found = own.aggregate(seconds=Avg("seconds"))["seconds"]
    return min(max(found, 5.0), 300.0) if found else USUAL_SECONDS


def question_of(assignment: Assignment) -> Question:
    """The texts behind a held work item."""
    output = Output.objects.select_related("candidate__evaluation__suite__version", "item__revision").get(
        pk=assignment.item.subject_id
    )
    return Question(assignment, item_example(output), output.text, output.finish_reason == "length")


def item_example(output: Output) -> dict[str, Any]:
    """The texts that an output answers."""
    item: SuiteItem = output.item
    revision = item.revision
    assert revision is not None  # an output is only made from an item with texts
    version = output.candidate.evaluation.suite.version
    return {**revision.texts(), "system": revision.system or (version.system_prompt if version else "")}


def round_result(grading_round: GradingRound) -> RoundResult | None:
    """None while the round is open or nobody graded: the names stay hidden until it is closed."""
    if grading_round.state != RoundState.CLOSED:
        return None
    grades = list(
        Grade.objects.filter(grading_round=grading_round).select_related("output__candidate", "output").order_by("pk")
    )
    if not grades:
        return None
    candidates = Candidate.objects.filter(evaluation=grading_round.evaluation).select_related("base", "model_version")
    whole = items_in_full([(grade.output.item_id, grade.output.candidate_id) for grade in grades], len(candidates))
    compared = [grade for grade in grades if grade.output.item_id in whole] or grades
    models = [
        model_grades(candidate, grading_round, mine)
        for candidate in candidates
        if (mine := [grade for grade in compared if grade.output.candidate_id == candidate.pk])
    ]
    return RoundResult(models, *agreement(grades), basis_told(len(whole), len(candidates), len(grades) - len(compared)))


def items_in_full(graded: Iterable[tuple[int, int]], models: int) -> set[int]:
    """The items of which every model's answer was graded: only these compare the models. `graded` are (item, model)."""
    found: dict[int, set[int]] = defaultdict(set)
    for item, model in graded:
        found[item].add(model)
    return {item for item, of in found.items() if len(of) == models}


def basis_told(questions: int, models: int, left_out: int) -> str:
    if models < 2:
        return ""
    if not questions:
        return _("No question has the answers of all models graded: these means stand for different questions.")
    told = ngettext(
        "From the %(count)d question of which every model's answer was graded.",
        "From the %(count)d questions of which every model's answer was graded.",
        questions,
    ) % {"count": questions}
    rest = ngettext(
        "%(count)d grade of a question that was not finished is left out.",
        "%(count)d grades of questions that were not finished are left out.",
        left_out,
    )
    return f"{told} {rest % {'count': left_out}}" if left_out else told


def model_grades(candidate: Candidate, grading_round: GradingRound, grades: list[Grade]) -> ModelGrades:
    """Means with intervals clustered by item: two people's grades of one answer are not two answers."""
    items = [grade.output.item_id for grade in grades]
    criteria = [
        Said(
            criterion["label"],
            mean_interval([float(grade.values[criterion["key"]]) for grade in grades], clusters=items),
        )
        for criterion in grading_round.rubric.criteria
    ]
    words = verdicts(grades)
    usable = [
        Said(str(label), wilson(words.count(value), len(words)), is_share=True) for value, label in Usable.choices
    ]
    overall = Said(_("Mean grade, 1 to 5"), mean_interval([grade.overall for grade in grades], clusters=items))
    return ModelGrades(candidate, overall, criteria, usable)


def verdicts(grades: list[Grade]) -> list[str]:
    """One word on each answer, whoever many graded it: the middle one, and of two the more careful one."""
    by_output: dict[int, list[int]] = defaultdict(list)
    for grade in grades:
        by_output[grade.output_id].append(CAREFUL_FIRST.index(Usable(grade.usable)))
    return [CAREFUL_FIRST[sorted(found)[(len(found) - 1) // 2]] for found in by_output.values()]


def agreement(grades: list[Grade]) -> tuple[float | None, float | None, int, list[str]]:
    """(Krippendorff's ordinal alpha, raw agreement, graders, remarks) over every criterion of every answer."""
    graders = {grade.grader_id for grade in grades}
    if len(graders) < 2:
        return None, None, len(graders), [_("One person graded, so nothing can be said about agreement.")]
    rows = [
        (f"{grade.output_id} {key}", str(grade.grader_id), str(value))
        for grade in grades
        for key, value in grade.values.items()
    ]
    found = agree(Grades(rows))
    return found.krippendorff["ordinal"], found.raw, len(graders), list(found.notes)
