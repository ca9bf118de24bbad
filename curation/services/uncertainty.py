"""What a model's answers say of its uncertainty, kept as the order of the work."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations
from typing import Any

from core.choices import WorkKind, WorkState
from core.models import WorkItem
from curation.models import Question, Task
from curation.services.ordering import uncertainty_order
from curation.subjects import PAIR, QUESTION
from ml.distance import word_distance


def disagreement(texts: list[str]) -> float:
    """How much several answers to one question differ: the mean word distance of all two of them, 0 to 1."""
    pairs = list(combinations(texts, 2))
    return sum(word_distance(first, second) for first, second in pairs) / len(pairs) if pairs else 0.0


def uncertainty_store(task: Task, outputs: Iterable[dict[str, Any]]) -> int:
    """From the samples of each question (ids “question-sample”); returns how many questions were measured."""
    samples: dict[int, list[str]] = defaultdict(list)
    for row in outputs:
        samples[int(row["id"].split("-")[0])].append(row["text"])
    for key, texts in samples.items():
        found = disagreement(texts)
        Question.objects.filter(task=task, pk=key).update(uncertainty=found)
        order_write(QUESTION, key, found)
    return len(samples)


def losses_store(task: Task, outputs: Iterable[dict[str, Any]]) -> int:
    """From the mean token loss of each pair's response; returns how many reviews were ordered."""
    count = 0
    for row in outputs:
        if row.get("reference_loss") is not None:
            order_write(PAIR, int(row["id"]), row["reference_loss"])
            count += 1
    return count


def order_write(subject_type: str, subject_id: int, uncertainty: float) -> None:
    kinds = (WorkKind.WRITE, WorkKind.CORRECT, WorkKind.DECLINE, WorkKind.REVIEW)
    WorkItem.objects.filter(
        kind__in=kinds, subject_type=subject_type, subject_id=subject_id, state=WorkState.OPEN
    ).update(order=uncertainty_order(uncertainty))
