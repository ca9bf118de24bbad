"""Similar approved pairs: by the vectors that a job keeps, nearest first; by words where the model server is silent."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from core import model_server, registries
from core.models import Job, Project, User
from curation.choices import PairState
from curation.fingerprints import Texts
from curation.jobs import EmbedPairs
from curation.models import Embedding, Pair, Task
from curation.selectors.similar import similar_pairs
from curation.services import embedding
from curation.services.pairs import pair_revise, pair_submit
from curation.services.tasks import task_create

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
QUESTIONS = ("How high may a fence be?", "May a hedge be tall?", "When is the roof inspected?")
# Stand-ins for the embedding model, whose own test compares it with published numbers: angles chosen by hand.
MEANINGS = {"fence": [1.0, 0.0], "hedge": [0.9, 0.436], "roof": [0.0, 1.0]}


def embed(texts: Sequence[str], *, seconds: float = 0) -> list[list[float]]:
    found = [next(vector for word, vector in MEANINGS.items() if word in text) for text in texts]
    return [[*vector, *[0.0] * 382] for vector in found]


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


@pytest.fixture
def pairs(task: Task, expert: User) -> list[Pair]:
    """Three approved ones and one that waits for its review."""
    made = [
        pair_submit(actor=expert, task=task, texts=Texts(instruction=question, response="So and so."))
        for question in (*QUESTIONS, "Which fence is mine?")
    ]
    for pair in made[:3]:
        Pair.objects.filter(pk=pair.pk).update(state=PairState.APPROVED, approved=pair.current_id)
    return made


@pytest.fixture
def elsewhere(stranger: User) -> Pair:
    """An approved one of another project, which says what all are asked for."""
    task = task_create(actor=stranger, project=stranger.memberships.get().project, name="Advise")
    texts = Texts(instruction="Is the roof inspected? Is there a limit for a fence?", response="So and so.")
    made = pair_submit(actor=stranger, task=task, texts=texts)
    Pair.objects.filter(pk=made.pk).update(state=PairState.APPROVED, approved=made.current_id)
    return made


def test_the_nearest_by_meaning_come_first_and_only_approved_ones_of_the_task(
    task: Task, pairs: list[Pair], elsewhere: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_server, "embed", embed)
    vectors = embed([*QUESTIONS, "Which fence is mine?", "Is there a limit for a fence?"])
    Embedding.objects.bulk_create(
        Embedding(pair=pair, task=pair.task, revision_id=pair.current_id, vector=vector)
        for pair, vector in zip([*pairs, elsewhere], vectors, strict=True)
    )
    found = similar_pairs(task, "Is there a limit for a fence?", "")
    assert [(row.pair.pk, row.share) for row in found] == [
        (pairs[0].pk, pytest.approx(1, abs=0.01)),
        (pairs[1].pk, pytest.approx(0.9, abs=0.01)),
    ]
    assert [row.pair.pk for row in similar_pairs(task, "The roof?", "", besides=pairs[2].pk)] == [pairs[1].pk]


def test_without_a_model_server_words_decide(
    task: Task, pairs: list[Pair], elsewhere: Pair, expert: User, as_user: AsUser
) -> None:
    found = similar_pairs(task, "Is the roof inspected?", "")
    assert [(row.pair.pk, row.share) for row in found] == [(pairs[2].pk, None)]
    assert similar_pairs(task, "", "") == []
    assert similar_pairs(task, "' | ! & \x00 (", "") == []
    body: dict[str, Any] = {"fields": {"instruction": "Is the roof inspected?"}}
    path = f"/p/{task.project.slug}/tasks/{task.slug}/similar/?besides=x"
    page = as_user(expert).post(path, json.dumps(body), content_type="application/json").content.decode()
    assert "When is the roof inspected?" in page
    assert "Found by shared words" in page


def test_new_texts_are_read_for_their_meaning_as_soon_as_a_model_server_is_there(
    task: Task, pairs: list[Pair], expert: User, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    def chore() -> list[str]:
        cache.delete(embedding.LOOKED)
        assert embedding.embeddings_sometimes in registries.chores
        embedding.embeddings_sometimes()
        open_jobs = Job.objects.filter(kind="embed-pairs", state="queued")
        return list(open_jobs.values_list("subject", flat=True))

    embedding.embeddings_again()
    assert chore() == [], "nobody answers, so nothing is asked for"
    monkeypatch.setattr(embedding, "embed", lambda texts, seconds=0: embed([f"fence {text}" for text in texts]))
    assert chore() == ["Advise"]
    Job.objects.filter(kind="embed-pairs").update(state="failed")
    EmbedPairs().ended(Job.objects.get(kind="embed-pairs"))
    Job.objects.filter(kind="embed-pairs").delete()
    assert chore() == ["Advise"], "what failed is looked for again"
    assert embedding.embeddings_update(task, lambda *_: None) == 4
    Job.objects.filter(kind="embed-pairs").delete()
    cache.delete(embedding.LOOKED)
    cache.get(embedding.WATERMARK)
    with django_assert_num_queries(7):  # the newest revision, and the cache
        embedding.embeddings_sometimes()
    pair_revise(actor=expert, pair=pairs[3], texts=Texts("Which fence is theirs?", "That one."), version=1)
    assert chore() == ["Advise"]
    monkeypatch.setattr(embedding, "MOST", 1)
    assert embedding.embeddings_update(task, lambda *_: None) == 1
