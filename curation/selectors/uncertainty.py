"""What a model is asked so that its uncertainty shows: see ml.prompting.Example."""

from typing import Any

from curation.choices import PairState, QuestionState
from curation.models import Pair, Question, Task

SAMPLES = 4
MOST_QUESTIONS = 500
MOST_REVIEWS = 2_000


def sample_examples(task: Task) -> list[dict[str, Any]]:
    """Each of the oldest open questions four times: sampled answers depend on seed and key alone (ml/README.md)."""
    found = Question.objects.filter(task=task, state=QuestionState.OPEN).order_by("pk")[:MOST_QUESTIONS]
    names = ("system", "instruction", "input", "language")
    return [
        {**{name: getattr(question, name) for name in names}, "system": question.system or task.system_prompt}
        | {"id": f"{question.pk}-{sample}", "response": "", "turns": []}
        for question in found
        for sample in range(SAMPLES)
    ]


def scored_examples(task: Task) -> list[dict[str, Any]]:
    """The oldest pairs that wait for a review, whose responses the model is to find likely or not."""
    found = Pair.objects.filter(task=task, state=PairState.SUBMITTED).select_related("current").order_by("pk")
    return [
        {**pair.current.texts(), "system": pair.current.system or task.system_prompt, "id": str(pair.pk)}
        for pair in found[:MOST_REVIEWS]
        if pair.current is not None
    ]
