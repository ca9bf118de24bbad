"""How long an evaluation will take, from how fast these models answered before or when they were registered."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from django.db.models import Avg, Q
from django.utils.translation import gettext as _

from core.templatetags.parts import about
from curation.models import Suite
from curation.services.tokens import task_tokenizer
from evaluation.choices import EvaluationState
from evaluation.models import Candidate, Output
from training.models import BaseModel, ModelVersion

Model = BaseModel | ModelVersion
START = 12.0  # seconds until a child answers, and those after its last answer, on two cores
BATCH = 16  # answers at a time: a quarter less work an answer than with eight, measured on a processor
LOOKED_AT = 200  # reference answers whose tokens are counted
ROOM = 1.25  # an answer may be so much longer than the longest reference
SHORTEST, STEP, LONGEST = 32, 8, 400
UNSURE = {"earlier": 1.3, "registered": 2.0}  # how many times longer, or shorter, it may well take


@dataclass(frozen=True)
class Size:
    """What a suite asks for: items, tokens of a whole item on average, and of its reference answer."""

    items: int
    item_tokens: float
    answer_tokens: float
    longest_answer: int


@dataclass(frozen=True)
class Speed:
    """Tokens a second while answering and while reading, and how that is known."""

    answering: float
    reading: float
    source: str  # "earlier", "registered"


@dataclass(frozen=True)
class Estimate:
    """Seconds of each model in turn, and of the whole with its bounds; `source` as in Speed."""

    parts: tuple[float, ...]
    low: float
    high: float
    source: str

    @property
    def seconds(self) -> float:
        return sum(self.parts)

    @property
    def text(self) -> str:
        """The amount, and how sure it is."""
        values = {"time": about(self.seconds), "low": about(self.low), "high": about(self.high)}
        return _("about %(time)s (%(low)s to %(high)s)") % values

    def to_json(self) -> dict[str, Any]:
        bounds = {"seconds": self.seconds, "low": self.low, "high": self.high}
        rounded = {name: round(value, 1) for name, value in bounds.items()}
        return {**rounded, "parts": list(self.parts), "source": self.source}


def suite_size(suite: Suite) -> Size:
    """Counted with the task's tokenizer; without one, a token is taken to have four characters."""
    rows = suite.items.filter(revision__erased_at=None, revision__isnull=False).order_by("ordinal")
    texts = list(rows.values_list("revision__response", flat=True)[:LOOKED_AT])
    tokenizer = task_tokenizer(suite.task)
    counts = [tokenizer.count(text) if tokenizer else len(text) // 4 for text in texts] or [0]
    whole = rows.aggregate(tokens=Avg("revision__tokens"))["tokens"]
    return Size(suite.size, whole or 2 * mean(counts), mean(counts), max(counts))


def answer_limit(size: Size) -> int:
    """How long an answer may get: the longest reference and a quarter more, in steps of eight tokens."""
    return min(LONGEST, max(SHORTEST, -int(-size.longest_answer * ROOM // STEP) * STEP))


def estimate_of(
    suite: Suite, models: Sequence[Model], *, answers: int, max_new_tokens: int, size: Size | None = None
) -> Estimate | None:
    """None while nobody can tell: a model that never answered here and was not measured when it was registered."""
    size = size or suite_size(suite)
    speeds = [speed_of(model) for model in models]
    known = [speed for speed in speeds if speed is not None]
    if not models or len(known) < len(models):
        return None
    asked = min(answers or size.items, size.items)
    parts, low, high = [], 0.0, 0.0
    for model, speed in zip(models, known, strict=True):
        usual, most = answer_length(model, suite, size, max_new_tokens)
        reading = size.items * size.item_tokens / speed.reading
        took = START + asked * usual / speed.answering + reading
        parts.append(round(took, 1))
        low += took / UNSURE[speed.source]
        high += (START + asked * most / speed.answering + reading) * UNSURE[speed.source]
    source = "earlier" if all(speed.source == "earlier" for speed in known) else "registered"
    return Estimate(tuple(parts), low, max(high, sum(parts)), source)


def speed_of(model: Model) -> Speed | None:
    """As fast as this model, or one made from the same base, answered last; else as its base did when registered."""
    base = model if isinstance(model, BaseModel) else model.base
    done = Candidate.objects.filter(
        Q(base=base) | Q(model_version__base=base), state=EvaluationState.DONE, job__isnull=False
    )
    for result in done.order_by("-pk").values_list("job__result", flat=True)[:5]:
        answering = rate(result, "new_tokens", "answering_seconds")
        reading = rate(result, "read_tokens", "reading_seconds")
        if answering and reading:
            return Speed(answering, reading, "earlier")
    measured = (base.report or {}).get("speed") or {}
    if measured.get("answering") and measured.get("reading"):
        return Speed(measured["answering"], measured["reading"], "registered")
    return None


def rate(result: Any, tokens: str, seconds: str) -> float:
    found = result if isinstance(result, dict) else {}
    return found[tokens] / found[seconds] if found.get(tokens) and found.get(seconds) else 0.0


def answer_length(model: Model, suite: Suite, size: Size, limit: int) -> tuple[float, float]:
    """Tokens of an answer, and the most to reckon with. A base model often does not stop; a taught one answers about
    as long as people do."""
    which = {"base": model} if isinstance(model, BaseModel) else {"model_version": model}
    earlier = Output.objects.filter(
        answered=True, **{f"candidate__{name}": value for name, value in which.items()}, item__suite__task=suite.task
    ).aggregate(tokens=Avg("new_tokens"))["tokens"]
    if earlier:
        return min(earlier, limit), min(earlier * ROOM, limit)
    taught = min(size.answer_tokens, limit)
    return (taught if isinstance(model, ModelVersion) else (taught + limit) / 2), limit
