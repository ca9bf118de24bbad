"""How long an evaluation will take, from how fast these models answered before or when they were registered."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from django.db.models import Avg, Max, Q
from django.utils.translation import gettext as _

from core.templatetags.parts import about
from curation.models import Suite
from curation.selectors.tokens import task_tokenizer
from evaluation.choices import EvaluationState
from evaluation.models import Candidate, Output
from evaluation.selectors.asking import Model, known_share
from ml.rundir import GenerateSettings
from training.models import BaseModel, ModelVersion

TAKING_OVER = 2.0  # seconds for a model that said it all before
START = 12.0  # seconds until a child answers, and those after its last answer, on two cores
BATCH = GenerateSettings().batch_size  # answers at a time
LOOKED_AT = 200  # reference answers whose tokens are counted
ROOM = 1.25  # an answer may be so much longer than the longest reference
SHORTEST, STEP, LONGEST = 32, 8, 400
UNSURE = {"earlier": 1.5, "registered": 2.0}  # how many times longer, or shorter, it may well take


@dataclass(frozen=True)
class Size:
    """What a suite asks for: items, tokens of a whole item on average, and of the longest reference answer."""

    items: int
    item_tokens: float
    longest_answer: int


@dataclass(frozen=True)
class Speed:
    """Seconds of a step, which adds a token to every answer of a batch; tokens read a second; how that is known."""

    step: float
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
    return Size(suite.size, whole or 2 * mean(counts), max(counts))


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
        scored, given = known_share(model, suite, items=size.items, answers=asked, max_new_tokens=max_new_tokens)
        batches = -(-round(asked * (1 - given)) // BATCH)
        start = TAKING_OVER if scored == given == 1 else START
        reading = start + size.items * (1 - scored) * size.item_tokens / speed.reading
        longest = longest_answer(model, suite, size, max_new_tokens)
        parts.append(round(reading + batches * longest * speed.step, 1))
        low += parts[-1] / UNSURE[speed.source]
        high += (reading + batches * max_new_tokens * speed.step) * UNSURE[speed.source]
    source = "earlier" if all(speed.source == "earlier" for speed in known) else "registered"
    return Estimate(tuple(parts), low, max(high, sum(parts)), source)


def speed_of(model: Model) -> Speed | None:
    """As this model, or one made from the same base, answered last; else as its base did when it was registered."""
    base = model if isinstance(model, BaseModel) else model.base
    done = Candidate.objects.filter(
        Q(base=base) | Q(model_version__base=base), state=EvaluationState.DONE, job__isnull=False
    )
    for result in done.order_by("-pk").values_list("job__result", flat=True)[:5]:
        steps = rate(result, "steps", "answering_seconds")
        reading = rate(result, "read_tokens", "reading_seconds")
        if steps and reading:
            return Speed(1 / steps, reading, "earlier")
    measured = (base.report or {}).get("speed") or {}
    if measured.get("step") and measured.get("reading"):
        return Speed(measured["step"], measured["reading"], "registered")
    return None


def rate(result: Any, amount: str, seconds: str) -> float:
    found = result if isinstance(result, dict) else {}
    return found[amount] / found[seconds] if found.get(amount) and found.get(seconds) else 0.0


def longest_answer(model: Model, suite: Suite, size: Size, limit: int) -> int:
    """Tokens of the longest answer, which a batch waits for. A base model often does not stop before the limit; a
    taught one answers about as long as people do."""
    which = {"base": model} if isinstance(model, BaseModel) else {"model_version": model}
    earlier = Output.objects.filter(
        answered=True, **{f"candidate__{name}": value for name, value in which.items()}, item__suite__task=suite.task
    ).aggregate(tokens=Max("new_tokens"))["tokens"]
    return min(limit, earlier or (size.longest_answer if isinstance(model, ModelVersion) else limit))
