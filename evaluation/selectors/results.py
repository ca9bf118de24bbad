"""The result page's sentences and table, out of the stored summary. The statistics are made in services/summary.py."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.charts import Chart, ChartError, interval_chart
from core.charts import Interval as Bar
from evaluation.choices import VERDICT_TONES, Verdict
from evaluation.measures import LIMIT, LOSS, Measure, measures
from evaluation.models import Candidate, Evaluation
from evaluation.selectors.amounts import points_off
from evaluation.selectors.evaluations import candidates_of
from evaluation.selectors.people_say import PeopleSay, people_say
from evaluation.selectors.plainly import Rows, plainly
from ml.checks import get_check

NO_BREAK = "\u00a0"
SOME_CUT, MANY_CUT = 0.1, 0.5
CHECK = "check."  # begins the keys of measures that count the findings of a check


@dataclass(frozen=True)
class Cell:
    """What one measure says of one model; `url` leads to the items behind it."""

    candidate: Candidate
    value: float
    text: str
    interval: str
    count: int
    url: str

    @property
    def note(self) -> str:
        text = ngettext(
            "of %(count)d answer; 95 %% interval %(interval)s",
            "of %(count)d answers; 95 %% interval %(interval)s",
            self.count,
        )
        return text % {"count": self.count, "interval": self.interval}

    @property
    def tone(self) -> str:
        """For the share of answers that did not end: some are normal, many mean that the model cannot stop."""
        return "bad" if self.value > MANY_CUT else "warn" if self.value > SOME_CUT else ""


@dataclass(frozen=True)
class Difference:
    """A model minus the first one on the same items."""

    text: str
    interval: str
    count: int
    verdict: Any
    tone: str
    better: int
    worse: int
    url: str


@dataclass(frozen=True)
class Row:
    measure: Measure
    cells: list[Cell]
    differences: list[Difference]

    @property
    def is_idle(self) -> bool:
        """A kind of finding that no answer has: named in a line instead of a row of noughts."""
        return self.measure.key.startswith(CHECK) and not any(cell.value for cell in self.cells)


@dataclass(frozen=True)
class Headline:
    """`plain` says it without statistics where a model is compared with the one it was made of; `facts` of its
    answers; `sentence` is the statistics'."""

    tone: str
    sentence: str
    detail: str
    url: str
    people: PeopleSay | None = None  # what closed rounds of grades and votes say, and whether it agrees
    plain: str = ""
    facts: str = ""

    @property
    def verdict(self) -> str:
        """In plain words where there are some, then the numbers, and the people where they were asked."""
        return " ".join(filter(None, [self.plain, self.sentence, self.people.text if self.people else ""]))


@dataclass(frozen=True)
class Result:
    candidates: list[Candidate]
    headlines: list[Headline]
    rows: list[Row]
    chart: Chart | None
    compared: list[Candidate]

    @property
    def main(self) -> Headline | None:
        return self.headlines[0] if self.headlines else None

    @property
    def telling(self) -> list[Row]:
        return [row for row in self.rows if not row.is_idle]

    @property
    def unfound(self) -> str:
        names = (get_check(row.measure.key.removeprefix(CHECK)).name for row in self.rows if row.is_idle)
        return ", ".join(map(_, names))

    @property
    def asked(self) -> int:
        """How many items each model answered; the loss is measured on more."""
        return min((cell.count for cell in self.limit), default=0)

    @property
    def points(self) -> int:
        return points_off(self.asked)

    @property
    def limit(self) -> list[Cell]:
        """Whose answers ran into the length limit, and how many: the first thing to look at after a training."""
        return next((row.cells for row in self.rows if row.measure == LIMIT), [])


def result_of(evaluation: Evaluation, candidates: list[Candidate] | None = None) -> Result:
    """Everything that the page of a finished evaluation says of its models; empty parts while it runs."""
    candidates = candidates_of(evaluation) if candidates is None else candidates
    found = {row["key"]: row for row in evaluation.summary.get("measures", [])}
    rows = [
        make_row(evaluation, candidates, measure, found[measure.key]) for measure in measures() if measure.key in found
    ]
    headlines = make_headlines(evaluation, candidates, found)
    return Result(candidates, headlines, rows, make_chart(candidates, found.get(LOSS.key)), candidates[1:])


def make_row(evaluation: Evaluation, candidates: list[Candidate], measure: Measure, found: dict[str, Any]) -> Row:
    by_id = {candidate.pk: candidate for candidate in candidates}
    cells = [
        Cell(
            by_id[cell["candidate"]],
            cell["mean"],
            shown(measure, cell["mean"]),
            span(measure, cell),
            cell["count"],
            items_url(evaluation, sort="order", measure=measure.key, **having(measure, cell["candidate"])),
        )
        for cell in found["candidates"]
    ]
    differences = [
        Difference(
            signed(measure, row["mean"]),
            span(measure, row, signed_bounds=True),
            row["count"],
            Verdict(row["verdict"]).label,
            VERDICT_TONES[Verdict(row["verdict"])],
            row["better"],
            row["worse"],
            items_url(evaluation, sort="loss", measure=measure.key, model=row["candidate"]),
        )
        for row in found["differences"]
    ]
    return Row(measure, cells, differences)


def having(measure: Measure, candidate: int) -> dict[str, Any]:
    """A share leads to the answers that make it up."""
    return {"has": candidate} if measure.is_share else {"model": candidate}


def items_url(evaluation: Evaluation, **query: Any) -> str:
    return f"{reverse('evaluation:item-list', args=[evaluation.project.slug, evaluation.pk])}?{urlencode(query)}"


def make_headlines(evaluation: Evaluation, candidates: list[Candidate], found: Rows) -> list[Headline]:
    loss = found.get(LOSS.key)
    if loss is None:
        return []
    by_id = {candidate.pk: candidate for candidate in candidates}
    numbers = {row["candidate"]: Verdict(row["verdict"]) for row in loss["differences"]}
    said = people_say(evaluation, candidates, numbers)
    return [
        headline(evaluation, candidates[0], by_id[row["candidate"]], row, said.get(row["candidate"]), found)
        for row in loss["differences"]
        if row["candidate"] in by_id
    ]


def headline(
    evaluation: Evaluation,
    first: Candidate,
    second: Candidate,
    row: dict[str, Any],
    people: PeopleSay | None,
    found: Rows,
) -> Headline:
    """“Did finetuning help?” in one sentence, or how two models differ."""
    verdict = Verdict(row["verdict"])
    low, high = sorted((abs(row["low"] or 0), abs(row["high"] or 0)))
    words = {
        "second": second,
        "first": first,
        "by": decimal(abs(row["mean"])),
        "low": decimal(low),
        "high": decimal(high),
        "from": signed(LOSS, row["low"]),
        "to": signed(LOSS, row["high"]),
    }
    finetuned = second.model_version is not None and second.model_version.base_id == first.base_id
    detail = ngettext(
        "Measured on %(count)d pair that neither model was trained on.",
        "Measured on the same %(count)d pairs, which neither model was trained on.",
        row["count"],
    ) % {"count": row["count"]}
    url = items_url(evaluation, sort="win", measure=LOSS.key, model=second.pk)
    plain = plainly(found, first, second) if finetuned else None
    tone = plain.tone if plain else VERDICT_TONES[verdict]
    tone = "warn" if people and people.agrees is False else tone
    said = (plain.sentence, plain.facts) if plain else ("", "")
    return Headline(tone, sentence_for(verdict, finetuned) % words, detail, url, people, *said)


def sentence_for(verdict: Verdict, finetuned: bool) -> str:
    if finetuned:
        return {
            Verdict.BETTER: _(
                "The finetuned model's loss on unseen pairs is lower by %(by)s (95 %% interval %(low)s to %(high)s)."
            ),
            Verdict.WORSE: _(
                "The finetuned model's loss on unseen pairs is higher by %(by)s (95 %% interval %(low)s to %(high)s). "
                "Look at the pairs it got worst."
            ),
        }.get(
            verdict,
            _(
                "The finetuned model's loss on unseen pairs differs by %(from)s to %(to)s (95 %% interval). More test "
                "pairs or more training would tell."
            ),
        )
    return {
        Verdict.BETTER: _(
            "%(second)s has a lower loss on unseen pairs than %(first)s, by %(by)s (95 %% interval %(low)s to "
            "%(high)s)."
        ),
        Verdict.WORSE: _(
            "%(second)s has a higher loss on unseen pairs than %(first)s, by %(by)s (95 %% interval %(low)s to "
            "%(high)s)."
        ),
    }.get(
        verdict,
        _("%(second)s and %(first)s cannot be told apart by their loss: %(from)s to %(to)s (95 %% interval)."),
    )


def make_chart(candidates: list[Candidate], loss: dict[str, Any] | None) -> Chart | None:
    if loss is None:
        return None
    names = {candidate.pk: str(candidate) for candidate in candidates}
    bars = [
        Bar(names[row["candidate"]], row["mean"], row["low"], row["high"])
        for row in loss["candidates"]
        if row["candidate"] in names and row["low"] is not None
    ]
    try:
        return interval_chart(title=_("Held-out loss, lower is better"), value_label=_("nats a token"), intervals=bars)
    except ChartError:
        return None


def shown(measure: Measure, value: float) -> str:
    if measure.is_share:
        return f"{rounded(value * 100, 0)}{NO_BREAK}%"
    return decimal(value)


def number_text(measure: Measure, value: float | None, *, with_sign: bool = False) -> str:
    """What one item's value is written as: a count for what is a share of many, “–” where there is none."""
    if value is None:
        return "–"
    text = str(round(abs(value))) if measure.is_share else decimal(abs(value))
    sign = "−" if value < 0 else "+" if with_sign and value > 0 else ""
    return f"{sign}{text}"


def decimal(value: float) -> str:
    """Three digits that matter for small numbers, one behind the point for large ones."""
    return rounded(value, 1 if abs(value) >= 20 else 3 if abs(value) < 1 else 2)


def rounded(value: float, digits: int) -> str:
    """Rounded, then written: Django's number_format alone cuts digits off."""
    return str(number_format(round(value, digits) + 0.0, digits))


def signed(measure: Measure, value: float | None) -> str:
    if value is None:
        return "–"
    text = shown(measure, abs(value))
    is_zero = not any(digit in text for digit in "123456789")
    return f"{'±' if is_zero else '+' if value > 0 else '−'}{text}"


def span(measure: Measure, row: dict[str, Any], *, signed_bounds: bool = False) -> str:
    if row["low"] is None or row["high"] is None:
        return _("no interval: too few")
    write = signed if signed_bounds else shown
    return _("%(low)s to %(high)s") % {"low": write(measure, row["low"]), "high": write(measure, row["high"])}
