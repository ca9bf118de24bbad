"""How much people who answered the same question agree: their own verdicts on each other's answers, and likeness."""

from itertools import combinations
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.model_server import embed
from core.models import User
from core.services.events import event_record
from core.services.jobs import job_create
from curation.choices import QuestionState
from curation.models import Acceptance, Answer, Question, Task
from curation.selectors.agreement import MOST
from ml.distance import word_distance

KIND = "agreement"


@transaction.atomic
def acceptance_give(*, actor: User, answer: Answer, ships: bool) -> Acceptance:
    """Say whether one would send another's answer as it stands. Only who answered the same question is asked."""
    question = Question.objects.get(pk=answer.question_id)
    if answer.author_id == actor.pk or not question.answers.filter(author=actor).exists():
        raise ApplicationError(_("Only people who answered this question themselves judge each other’s answers."))
    if question.state == QuestionState.OPEN:
        raise ApplicationError(_("Some people have not answered this question yet; judge it when they have."))
    made, _created = Acceptance.objects.update_or_create(answer=answer, judge=actor, defaults={"ships": ships})
    event_record(actor=actor, action="answer.judged", project=question.project, subject=question)
    return made


def likeness_ask(*, actor: User | None, task: Task) -> None:
    """A job measures the answers that nobody has compared yet."""
    job_create(
        actor=actor,
        kind=KIND,
        project=task.project,
        subject=task.name,
        subject_url=f"/p/{task.project.slug}/agreement/",
        arguments={"task": task.pk},
        once_key=f"agreement-{task.pk}",
    )


def likeness_measure(task: Task) -> dict[str, Any]:
    """Likeness in words of the newest questions with several answers that have none yet, as many as are looked at, and
    in meaning where the model server embeds; what it did not measure is measured the next time."""
    several = Question.objects.filter(task=task).exclude(state=QuestionState.OPEN).filter(needed__gt=1).order_by("-pk")
    missing = several.filter(pk__in=several.values("pk")[:MOST], alike_in_meaning=None).prefetch_related("answers")
    measured, error = 0, ""
    for question in missing.iterator(chunk_size=200):
        texts = [str(answer.response) for answer in question.answers.all()]
        if len(texts) < 2 or (error and question.alike_in_words is not None):
            continue
        pairs = list(combinations(range(len(texts)), 2))
        question.alike_in_words = 1 - sum(word_distance(texts[i], texts[j]) for i, j in pairs) / len(pairs)
        try:
            question.alike_in_meaning = None if error else alike_in_meaning(texts, pairs)
        except ApplicationError as refusal:
            error = str(refusal)
        question.save(update_fields=["alike_in_words", "alike_in_meaning"])
        measured += 1
    return {"questions": measured, **({"without_meaning": error} if error else {})}


def alike_in_meaning(texts: list[str], pairs: list[tuple[int, int]]) -> float:
    """Mean cosine of the texts' embeddings, two by two; 1 says the same. Below 0 counts as 0."""
    vectors = embed(texts)
    found = [sum(a * b for a, b in zip(vectors[i], vectors[j], strict=True)) for i, j in pairs]
    return max(0.0, min(1.0, sum(found) / len(found)))
