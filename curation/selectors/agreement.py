"""Agreement on free text, in numbers and in the words that say what they mean."""

from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from core.models import Project, User
from curation.choices import Decision, QuestionState, ReviewBasis
from curation.models import Acceptance, Answer, Question, Review
from ml.agree import Agreement, Grades, agree
from ml.stats import Interval, mean_interval, wilson

MOST = 5_000  # of the newest, in everything below


@dataclass(frozen=True)
class AgreementView:
    """`chance` is Krippendorff's alpha, None where it is undefined; `why` says then why, and else what it means.

    Of more than `most` questions or verdicts only the newest are looked at; `newest` says whether there may be more.
    """

    questions: int
    words: Interval | None
    meaning: Interval | None
    accepted: Interval | None  # share of verdicts that would send the other's answer
    verdicts: int
    chance: float | None
    why: str
    most: int

    @property
    def newest(self) -> bool:
        return self.most in (self.questions, self.verdicts)


@dataclass(frozen=True)
class ReviewAgreement:
    """Two reviewers on the same text."""

    texts: int
    raw: float | None
    chance: float | None
    why: str


def agreement_of(project: Project) -> AgreementView:
    several = Question.objects.filter(project=project, alike_in_words__isnull=False).order_by("-pk")[:MOST]
    rows = list(several.values_list("alike_in_words", "alike_in_meaning"))
    words = [words for words, _meaning in rows if words is not None]
    meaning = [meaning for _words, meaning in rows if meaning is not None]
    verdicts = Acceptance.objects.filter(answer__question__project=project).order_by("-pk")[:MOST]
    given = list(verdicts.values_list("answer", "judge", "ships"))
    ships = sum(ships for _answer, _judge, ships in given)
    chance, why = chance_corrected([(str(answer), str(judge), str(int(said))) for answer, judge, said in given])
    return AgreementView(
        questions=len(rows),
        words=share_interval(mean_interval(words)) if words else None,
        meaning=share_interval(mean_interval(meaning)) if meaning else None,
        accepted=wilson(ships, len(given)) if given else None,
        verdicts=len(given),
        chance=chance,
        why=why,
        most=MOST,
    )


def share_interval(found: Interval) -> Interval:
    """Of a mean of shares; what is known of it from few of them may be no more than that it lies in [0, 1]."""
    low = None if found.low is None else max(0.0, found.low)
    high = None if found.high is None else min(1.0, found.high)
    return replace(found, low=low, high=high)


def reviews_agreement(project: Project) -> ReviewAgreement:
    """Decisions of reviewers who judged the same revision."""
    judged = Review.objects.filter(
        revision__pair__project=project, basis=ReviewBasis.SECOND_PERSON, adjudicated=False,
        decision__in=(Decision.APPROVE, Decision.RETURN), reviewer__isnull=False,
    )  # fmt: skip
    others = judged.filter(revision=OuterRef("revision")).exclude(reviewer=OuterRef("reviewer"))
    found = judged.filter(Exists(others)).order_by("-pk")[:MOST]
    newest = {
        (str(revision), str(reviewer)): decision
        for revision, reviewer, decision in reversed(found.values_list("revision", "reviewer", "decision"))
    }
    rows = [(*key, decision) for key, decision in newest.items()]
    chance, why = chance_corrected(rows)
    raw = agree(Grades(rows)).raw if rows else None
    return ReviewAgreement(len({revision for revision, _reviewer, _decision in rows}), raw, chance, why)


def chance_corrected(rows: list[tuple[str, str, str]]) -> tuple[float | None, str]:
    """Krippendorff's alpha of (item, rater, verdict), with what it means; None, and why, where it is undefined."""
    if not rows:
        return None, _("Nobody has judged anything yet.")
    found = agree(Grades(rows))
    alpha = found.krippendorff["nominal"]
    if alpha is not None:
        return alpha, meaning_of(alpha)
    return None, why_undefined(found, rows)


def meaning_of(alpha: float) -> str:
    if alpha < 0:
        return _("Below 0: people disagree more than if they had guessed. Talk about the guidelines.")
    if alpha < 0.4:
        return _("Little more than chance would give. The guidelines leave too much open.")
    if alpha < 0.667:
        return _("More than chance, but not enough to lean on one person’s word alone.")
    return _("People mostly agree beyond what chance gives.")


def why_undefined(found: Agreement, rows: list[tuple[str, str, str]]) -> str:
    if len(rows) == found.items:
        return _(
            "Every answer was judged by one person, so there is nothing to compare a verdict with: chance can only be "
            "taken out where two people judge the same answer, that is, with three people on a question."
        )
    return _(
        "All verdicts are alike, so chance alone would give full agreement: no number tells agreement from habit here."
    )


def to_judge(project: Project, user: User) -> QuerySet[Answer]:
    """Answers of others to questions that this person answered too, all of whose answers are in, not judged by them."""
    mine = Answer.objects.filter(question=OuterRef("question"), author=user)
    done = Acceptance.objects.filter(answer=OuterRef("pk"), judge=user)
    found = Answer.objects.filter(question__project=project, question__needed__gt=1)
    found = found.exclude(question__state=QuestionState.OPEN).exclude(author=user)
    return (
        found.filter(Exists(mine), ~Exists(done)).select_related("question__task").order_by("question", "fingerprint")
    )


def agreement_json(project: Project) -> dict[str, Any]:
    """Both views for programs."""
    answers, reviews = agreement_of(project), reviews_agreement(project)

    def shape(interval: Interval | None) -> dict[str, Any] | None:
        return {"mean": interval.estimate, "low": interval.low, "high": interval.high} if interval else None

    return {
        "questions": answers.questions,
        "newest": answers.most if answers.newest else None,
        "alike_in_words": shape(answers.words),
        "alike_in_meaning": shape(answers.meaning),
        "would_send": shape(answers.accepted),
        "verdicts": answers.verdicts,
        "alpha": answers.chance,
        "remark": answers.why,
        "reviews": {
            "texts": reviews.texts, "raw": reviews.raw, "alpha": reviews.chance, "remark": reviews.why,
        },
    }  # fmt: skip
