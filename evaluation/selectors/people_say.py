"""What people's closed grades and votes say of two models, and whether it is what the numbers say."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from evaluation.choices import RoundState, Verdict, Winner
from evaluation.models import Candidate, Evaluation, Grade, Vote
from ml.stats import PairedDifference, paired_difference, wilson

Grades = dict[int, dict[int, float]]  # candidate -> item -> mean grade


@dataclass(frozen=True)
class PeopleSay:
    """`agrees` is None where people or numbers cannot tell the models apart."""

    verdict: Verdict
    sentence: str
    agrees: bool | None
    compared: str

    @property
    def text(self) -> str:
        return f"{self.sentence} {self.compared}"


def people_say(evaluation: Evaluation, candidates: Sequence[Candidate], numbers: dict[int, Verdict]) -> dict[int, Any]:
    """By candidate after the first: what people said of it against the first, grades before votes. Only of closed
    rounds; `numbers` is what the loss says of each."""
    if len(candidates) < 2:
        return {}
    grades = grades_of(evaluation)
    found: dict[int, PeopleSay] = {}
    for second in candidates[1:]:
        said = by_grades(grades, candidates[0], second) or by_votes(candidates[0], second)
        if said is not None:
            found[second.pk] = compare(*said, numbers.get(second.pk))
    return found


def grades_of(evaluation: Evaluation) -> Grades:
    rows = Grade.objects.filter(grading_round__evaluation=evaluation, grading_round__state=RoundState.CLOSED)
    collected: dict[int, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for candidate, item, overall in rows.values_list("output__candidate", "output__item", "overall"):
        collected[candidate][item].append(overall)
    return {
        candidate: {item: sum(all_of) / len(all_of) for item, all_of in items.items()}
        for candidate, items in collected.items()
    }


def by_grades(grades: Grades, first: Candidate, second: Candidate) -> tuple[Verdict, str] | None:
    before, after = grades.get(first.pk, {}), grades.get(second.pk, {})
    both = [item for item in before if item in after]
    if not both:
        return None
    found = paired_difference([before[item] for item in both], [after[item] for item in both])
    told = ngettext(
        "People gave it %(after)s of 5 against %(before)s, on %(count)d question graded blind.",
        "People gave it %(after)s of 5 against %(before)s, on %(count)d questions graded blind.",
        len(both),
    )
    values = {"after": f"{found.second_mean:.2f}", "before": f"{found.first_mean:.2f}", "count": len(both)}
    return verdict_of(found), told % values


def verdict_of(found: PairedDifference) -> Verdict:
    if not found.excludes_zero:
        return Verdict.UNDECIDED
    return Verdict.BETTER if found.interval.estimate > 0 else Verdict.WORSE


def by_votes(first: Candidate, second: Candidate) -> tuple[Verdict, str] | None:
    rows = Vote.objects.filter(
        comparison__grading_round__state=RoundState.CLOSED,
        comparison__left__candidate__in=(first, second),
        comparison__right__candidate__in=(first, second),
        winner__in=(Winner.LEFT, Winner.RIGHT),
    ).values_list("comparison__left__candidate", "winner")
    won = sum((left == second.pk) == (winner == Winner.LEFT) for left, winner in rows)
    if not rows:
        return None
    share = wilson(won, len(rows))
    low, high = share.low or 0.0, share.high or 1.0
    verdict = Verdict.BETTER if low > 0.5 else Verdict.WORSE if high < 0.5 else Verdict.UNDECIDED
    told = ngettext(
        "Of %(count)d clear vote it won %(won)d.", "Of %(count)d clear votes it won %(won)d.", len(rows)
    ) % {"count": len(rows), "won": won}
    return verdict, told


def compare(people: Verdict, sentence: str, numbers: Verdict | None) -> PeopleSay:
    sides = (Verdict.BETTER, Verdict.WORSE)
    if people not in sides:
        told = _(
            "That is too close, or too few, to tell the two apart: people neither confirm nor contradict the loss."
        )
        return PeopleSay(people, sentence, None, told)
    if numbers not in sides:
        told = {
            Verdict.BETTER: _("People find it better, which the loss alone could not tell."),
            Verdict.WORSE: _("People find it worse, which the loss alone could not tell."),
        }[people]
        return PeopleSay(people, sentence, None, told)
    if people == numbers:
        return PeopleSay(people, sentence, True, _("People and numbers agree."))
    told = _(
        "People and numbers disagree: believe the people about whether an answer is usable, and look at the items "
        "before you release it."
    )
    return PeopleSay(people, sentence, False, told)
