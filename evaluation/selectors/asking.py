"""By what it is known that a model was asked the very same before: then it would say the very same again.

The same are the weights, the tokenizer, the template, the longest answer, the edition of the program, and the question
with its reference to the letter. Answers are never drawn by lot, and how many are worked out at once decides nothing.
"""

from typing import Any

from django.db.models import Count, Q, QuerySet

from curation.models import Suite
from curation.selectors.examples import task_template
from evaluation.choices import EvaluationState, FinishReason
from evaluation.models import Candidate, Output
from ml.edition import edition
from ml.hashing import json_sha256
from training.models import BaseModel, ModelVersion
from training.selectors.refs import model_ref

Model = BaseModel | ModelVersion
OF_A_PLACE = ("id", "part")  # of an example: where it stands, not what it says


def asking_of(model: Model, suite: Suite, max_new_tokens: int) -> str:
    """SHA-256 of what decides an answer besides the question."""
    version = model if isinstance(model, ModelVersion) else None
    reference = model_ref(version.base if version else model, version)  # type: ignore[arg-type]
    made_of = [reference["fingerprint"], reference["tokenizer_fingerprint"], version.fingerprint if version else ""]
    return json_sha256([*made_of, template_of(model, suite), max_new_tokens, edition()])


def template_of(model: Model, suite: Suite) -> dict[str, Any]:
    """A model version is asked as it was taught; a base model as the suite's version says."""
    if isinstance(model, ModelVersion) and model.template:
        return dict(model.template)
    return task_template(suite.version or suite.task)


def question_of(example: dict[str, Any]) -> str:
    """SHA-256 of a question with its context and its reference, wherever it stands."""
    return json_sha256({name: value for name, value in example.items() if name not in OF_A_PLACE})


def said_before(asking: str, project: int) -> QuerySet[Output]:
    """What was said to the same asking in evaluations of the project that ended well. Erased texts have no question."""
    done = Q(candidate__asking=asking, candidate__state=EvaluationState.DONE, candidate__evaluation__project=project)
    return Output.objects.filter(done).exclude(asked="")


def settled() -> Q:
    """Outputs that asking again would not add to; of the others only the reference was scored."""
    return Q(answered=True) | Q(finish_reason=FinishReason.TOO_LONG)


def known_share(model: Model, suite: Suite, *, items: int, answers: int, max_new_tokens: int) -> tuple[float, float]:
    """Which share of a suite's references was scored before, and which of the answers was given; for an estimate."""
    found = said_before(asking_of(model, suite, max_new_tokens), suite.project_id).filter(item__suite=suite)
    scored = found.values("item").distinct().count()
    given = found.filter(settled()).values("item").distinct().count() if scored else 0
    return min(1.0, scored / max(items, 1)), min(1.0, given / max(answers, 1))


def reused_in(candidates: list[Candidate]) -> list[dict[str, Any]]:
    """Of each model how many outputs were taken over from which evaluation."""
    earlier = "reused_from__candidate__evaluation"
    rows = Output.objects.filter(candidate__in=candidates, reused_from__isnull=False)
    counted = (
        rows.values("candidate", earlier, f"{earlier}__name").annotate(count=Count("pk")).order_by("candidate", earlier)
    )
    names = {candidate.pk: str(candidate) for candidate in candidates}
    return [
        {
            "model": names[row["candidate"]],
            "evaluation": row[earlier],
            "name": row[f"{earlier}__name"],
            "count": row["count"],
        }
        for row in counted
    ]
