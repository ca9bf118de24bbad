"""Grading rounds: which answers people judge, in which order, and when the names come back."""

import random
import secrets
from itertools import combinations

from django.db import transaction
from django.db.models import Count
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.choices import WorkState
from core.denied import ApplicationError
from core.models import User, WorkItem
from core.services.events import event_record
from evaluation.choices import EvaluationState, RoundKind, RoundState
from evaluation.models import Comparison, Evaluation, GradingRound, Output, Vote
from evaluation.selectors.suites import in_order_of_asking
from evaluation.services.rubrics import rubric_current

BETWEEN = 2  # questions later the next answer to a question comes
SUBJECTS = {RoundKind.GRADES: "output", RoundKind.VOTES: "comparison"}


@transaction.atomic
def round_open(
    *, actor: User, evaluation: Evaluation, items: int, graders: int = 1, kind: str = RoundKind.GRADES
) -> GradingRound:
    """Give the answers to `items` questions to people, `graders` for each answer, mixed by a fresh seed: each answer
    to be graded, or two at a time to be chosen from.

    Work items are made in the mixed order, so that not even their numbers tell which model said what.
    Raises ApplicationError when the evaluation has not ended well, has too few answers, or is being graded already.
    """
    evaluation = Evaluation.objects.select_for_update(of=("self",)).select_related("project").get(pk=evaluation.pk)
    if evaluation.state != EvaluationState.DONE:
        raise ApplicationError(_("Grading needs an evaluation that is done; wait until every model has answered."))
    if evaluation.rounds.filter(state=RoundState.OPEN).exists():
        raise ApplicationError(_("These answers are being graded already; close that round first."))
    answered = items_answered_by_all(evaluation)
    if not 1 <= items <= len(answered):
        text = ngettext(
            "Choose %d question: so many were answered by every model.",
            "Choose 1 to %d questions: so many were answered by every model.",
            len(answered),
        )
        raise ApplicationError(text % len(answered), field="items")
    if not 1 <= graders <= 9:
        raise ApplicationError(_("One to nine people can grade each answer."), field="graders")
    grading = GradingRound.objects.create(
        evaluation=evaluation,
        rubric=rubric_current(project=evaluation.project),
        seed=secrets.randbelow(2**31),
        kind=kind,
        graders=graders,
        items=items,
        created_by=actor,
    )
    chosen = in_order_of_asking(answered, evaluation.settings["seed"])[:items]
    answers = outputs_by_item(evaluation, chosen)
    subjects = comparisons_make(grading, answers) if kind == RoundKind.VOTES else mixed(answers, grading.seed)
    WorkItem.objects.bulk_create(
        WorkItem(
            project=evaluation.project,
            kind=grading.work_kind,
            subject_type=SUBJECTS[RoundKind(kind)],
            subject_id=subject,
            batch=grading.batch,
            needed=graders,
            order=order,
        )
        for order, subject in enumerate(subjects)
    )
    event_record(
        actor=actor, action="grading.opened", project=evaluation.project, subject=grading, items=items,
        graders=graders, kind=kind,
    )  # fmt: skip
    return grading


@transaction.atomic
def round_close(*, actor: User, grading_round: GradingRound) -> GradingRound:
    """End the grading and bring the names back. What was not graded stays ungraded. Recorded as the unblinding."""
    changed = GradingRound.objects.filter(pk=grading_round.pk, state=RoundState.OPEN).update(
        state=RoundState.CLOSED, closed_at=Now()
    )
    if not changed:
        raise ApplicationError(_("This round is closed already."))
    project = grading_round.evaluation.project
    left = WorkItem.objects.filter(
        project=project, kind=grading_round.work_kind, batch=grading_round.batch, state=WorkState.OPEN
    ).update(state=WorkState.CLOSED)
    grading_round.refresh_from_db()
    event_record(
        actor=actor,
        action="grading.unblinded",
        project=project,
        subject=grading_round,
        grades=judgements_of(grading_round),
        ungraded=left,
    )
    return grading_round


def judgements_of(grading_round: GradingRound) -> int:
    if grading_round.kind == RoundKind.VOTES:
        return Vote.objects.filter(comparison__grading_round=grading_round).count()
    return grading_round.grades.count()


def comparisons_make(grading: GradingRound, answers: list[list[int]]) -> list[int]:
    """Every two answers to a question that are not the same text, sides and order drawn. Raises ApplicationError."""
    chance = random.Random(grading.seed)  # noqa: S311  a shuffle that can be repeated, not a secret
    found = [chance.sample(two, 2) for row in answers for two in combinations(row, 2)]
    texts = dict(Output.objects.filter(pk__in={key for two in found for key in two}).values_list("pk", "fingerprint"))
    rows = [
        Comparison(grading_round=grading, left_id=left, right_id=right)
        for left, right in found
        if texts[left] != texts[right]
    ]
    if not rows:
        raise ApplicationError(_("There is nothing to choose between: it takes two models that answer differently."))
    made = [row.pk for row in Comparison.objects.bulk_create(rows)]
    return chance.sample(made, len(made))


def items_answered_by_all(evaluation: Evaluation) -> list[int]:
    rows = Output.objects.filter(candidate__evaluation=evaluation, answered=True).values("item")
    models = evaluation.candidates.count()
    return list(rows.annotate(models=Count("pk")).filter(models=models).order_by("item").values_list("item", flat=True))


def outputs_by_item(evaluation: Evaluation, items: list[int]) -> list[list[int]]:
    found: dict[int, list[int]] = {item: [] for item in items}
    rows = Output.objects.filter(candidate__evaluation=evaluation, item__in=items).order_by("candidate__ordinal")
    for item, output in rows.values_list("item", "pk"):
        found[item].append(output)
    return list(found.values())


def mixed(answers: list[list[int]], seed: int) -> list[int]:
    """The questions in a drawn order, and of each the models' answers in a drawn order, with answers to other questions
    between them: neither place nor order tells the model, and a round that is closed early has compared most of what
    was graded."""
    chance = random.Random(seed)  # noqa: S311  a shuffle that can be repeated, not a secret
    questions = chance.sample(answers, len(answers))
    placed = [
        (number + place * BETWEEN, place, answer)
        for number, row in enumerate(questions)
        for place, answer in enumerate(chance.sample(row, len(row)))
    ]
    return [answer for _at, _place, answer in sorted(placed)]
