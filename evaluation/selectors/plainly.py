"""What finetuning did, in a sentence for people who read no statistics; the numbers stand behind it."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from evaluation.choices import Verdict
from evaluation.measures import LIMIT, LOSS, measures
from evaluation.models import Candidate

OF_ANSWERS = tuple(
    measure.key for measure in measures() if measure.better and measure != LOSS and not measure.key.startswith("check.")
)
LIKENESS, WORDS = "chrf", "length_words"
BALANCED = ("rouge_l", "token_f1", "exact_match")  # what is too much counts in them as what is missing does
FAR = 60  # of 100 in chrF: below, an answer says it in other words, or says something else
Rows = dict[str, dict[str, Any]]  # measure -> its row in the summary


@dataclass(frozen=True)
class Plainly:
    tone: str
    sentence: str
    facts: str


def plainly(rows: Rows, first: Candidate, second: Candidate) -> Plainly:
    """The second model is what was made of the first."""
    loss = verdict_of(rows, LOSS.key, second)
    spared = fell_with_the_length(rows, first, second)
    judged = [verdict_of(rows, key, second) for key in OF_ANSWERS if key in rows and not (spared and key == LIKENESS)]
    better, worse = judged.count(Verdict.BETTER), judged.count(Verdict.WORSE)
    return Plainly(*told(loss, better, worse, len(judged)), " ".join(filter(None, facts(rows, first, second))))


def fell_with_the_length(rows: Rows, first: Candidate, second: Candidate) -> bool:
    """chrF counts what is missing twice (Popović 2015), so that it falls when answers get shorter, rambling ones too.
    Alone, against measures that weigh too much and too little alike, it does not say that answers got worse."""
    both = means(rows, WORDS, first, second)
    shorter = both is not None and both[1] < both[0] and verdict_of(rows, WORDS, second) == Verdict.DIFFERENT
    if not shorter or verdict_of(rows, LIKENESS, second) != Verdict.WORSE:
        return False
    balanced = [verdict_of(rows, key, second) for key in BALANCED if key in rows]
    return bool(balanced) and Verdict.WORSE not in balanced


def told(loss: Verdict, better: int, worse: int, judged: int) -> tuple[str, str]:
    if loss == Verdict.WORSE:
        return "bad", _("Compared with the base, finetuning did harm: the experts' answers surprise the model more.")
    if loss != Verdict.BETTER:
        return "info", _("It is too close to say whether finetuning helped.")
    if worse:
        text = _(
            "Mixed: the experts' answers surprise the model less, but of %(judged)d measures of its own answers "
            "%(worse)d got worse and %(better)d better."
        )
        return "warn", text % {"worse": worse, "better": better, "judged": judged}
    if better:
        return "ok", _(
            "Compared with the base, finetuning helped: the experts' answers surprise the model less, and its own come "
            "closer to them."
        )
    return "ok", _(
        "Compared with the base, finetuning helped: the experts' answers surprise the model less. That its own answers "
        "come closer to them cannot be seen yet."
    )


def facts(rows: Rows, first: Candidate, second: Candidate) -> list[str]:
    """How long its answers are, whether they end, how near they come: each where it was measured of both."""
    found = []
    if both := means(rows, WORDS, first, second):
        before, after = (round(mean) for mean in both)
        values = {"after": after, "before": before}
        found.append(
            _("Its answers are longer: %(after)d words on average against %(before)d.") % values if after > before
            else _("Its answers are shorter: %(after)d words on average against %(before)d.") % values if after < before
            else _("Its answers are as long as before: %(after)d words on average.") % values
        )  # fmt: skip
    if both := means(rows, LIMIT.key, first, second):
        count = rows[LIMIT.key]["candidates"][0]["count"]
        before, after = (round(count * (1 - mean)) for mean in both)
        text = ngettext(
            "%(after)d of %(count)d answer ends by itself, against %(before)d.",
            "%(after)d of %(count)d answers end by themselves, against %(before)d.",
            count,
        )
        found.append(text % {"after": after, "before": before, "count": count})
    if both := means(rows, LIKENESS, first, second):
        before, after = (round(mean) for mean in both)
        values = {"after": after, "before": before}
        near = _("In wording they share %(after)d of 100 with the experts', against %(before)d before.") % values
        found.append(f"{near} {_('That is still far from them.')}" if after < FAR else near)
    if fell_with_the_length(rows, first, second):
        found.append(_("That number falls with the length; measures that count too many words too got no worse."))
    return found


def means(rows: Rows, key: str, first: Candidate, second: Candidate) -> tuple[float, float] | None:
    of = {cell["candidate"]: cell["mean"] for cell in rows.get(key, {}).get("candidates", [])}
    return (of[first.pk], of[second.pk]) if {first.pk, second.pk} <= of.keys() else None


def verdict_of(rows: Rows, key: str, second: Candidate) -> Verdict:
    found = (row["verdict"] for row in rows.get(key, {}).get("differences", []) if row["candidate"] == second.pk)
    return Verdict(next(found, Verdict.UNDECIDED))
