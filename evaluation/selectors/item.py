"""One item with everything that was said to it."""

from dataclasses import dataclass
from typing import Any

from core.diff import Part, word_diff
from curation.models import SuiteItem
from curation.selectors.checking import Surroundings
from curation.selectors.marks import Mark
from evaluation.measures import LIMIT, LOSS, Measure, measures
from evaluation.models import Candidate, Evaluation, Output
from evaluation.selectors.evaluations import candidates_of
from evaluation.selectors.findings import Answer, answers_judge
from evaluation.selectors.results import number_text


@dataclass(frozen=True)
class Said:
    """What one model said, what changed from the reference, and what the checks find in it."""

    candidate: Candidate
    output: Output | None
    diff: list[Part]
    findings: list[Mark]
    scores: dict[str, float]


@dataclass(frozen=True)
class ScoreRow:
    measure: Measure
    values: list[str]


def item_of(evaluation: Evaluation, item: SuiteItem) -> dict[str, Any]:
    """Context of the item page: texts, answers side by side, scores by measure, the items before and after."""
    revision = item.revision
    assert revision is not None  # access.py gives out only items with texts
    version = evaluation.suite.version
    system = revision.system or (version.system_prompt if version else evaluation.suite.task.system_prompt)
    example = {**revision.texts(), "system": system}
    outputs = {
        output.candidate_id: output
        for output in Output.objects.filter(candidate__evaluation=evaluation, item=item)
        .select_related("reused_from__candidate")
        .prefetch_related("scores")
    }
    around = Surroundings(evaluation.suite.task)
    said = [said_by(candidate, outputs.get(candidate.pk), example, around) for candidate in candidates_of(evaluation)]
    return {
        "item": item,
        "number": item.ordinal + 1,
        "example": example,
        "said": said,
        "scores": score_rows(said),
        **neighbours(item),
    }


def said_by(candidate: Candidate, output: Output | None, example: dict[str, Any], around: Surroundings) -> Said:
    if output is None:
        return Said(candidate, None, [], [], {})
    scores = {score.metric: score.value for score in output.scores.all()}
    if output.reference_loss is not None:
        scores[LOSS.key] = output.reference_loss
    if not output.answered:
        return Said(candidate, output, [], [], scores)
    (judged,) = answers_judge([Answer(output, example)], around)
    findings = [Mark.of(found) for found in judged.findings]
    return Said(candidate, output, word_diff(example["response"], output.text), findings, scores)


def score_rows(said: list[Said]) -> list[ScoreRow]:
    return [
        ScoreRow(
            measure,
            [number_text(measure, each.scores.get(measure.key)) for each in said],
        )
        for measure in measures()
        if measure != LIMIT and any(measure.key in each.scores for each in said)
    ]


def neighbours(item: SuiteItem) -> dict[str, SuiteItem | None]:
    items = SuiteItem.objects.filter(suite=item.suite_id)
    return {
        "previous": items.filter(ordinal__lt=item.ordinal).order_by("-ordinal").first(),
        "next": items.filter(ordinal__gt=item.ordinal).order_by("ordinal").first(),
    }
