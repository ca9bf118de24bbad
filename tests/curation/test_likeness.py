"""What is kept of likenesses says the same as comparing all texts anew, however the pairs came in."""

import itertools
import json

import numpy as np
import pytest
from django.core.cache import cache

from core import registries
from core.models import Job, Project, User
from core.services.projects import project_remove_demo
from curation.fingerprints import Texts
from curation.models import Embedding, EmbeddingLook, Likeness, LikenessBasis, NearMeaning, NearText, Pair, Task
from curation.models.embeddings import DIMENSIONS
from curation.selectors import shelves
from curation.selectors.likeness import stored_links
from curation.selectors.uncompared import likeness_waiting
from curation.services import comparing, couples, likeness
from curation.services.likeness import likeness_due, likeness_sometimes, likeness_update
from curation.services.meaning import meanings_update
from curation.services.pairs import pair_restore, pair_revise, pair_submit, pair_trash
from curation.services.tasks import task_create
from ml.split import PairText, find_links
from tests.reference.shared_data import shared_data
from tests.world import run_jobs

pytestmark = pytest.mark.django_db(transaction=True)
LONG = (
    "the fence may be one metre high and needs no permit unless it stands at a corner where it hides the view of cars"
)


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


def silent(*_told: object) -> None:
    """Progress that nobody looks at."""


def add(task: Task, expert: User, instruction: str, response: str = "Yes.", given: str = "") -> Pair:
    return pair_submit(actor=expert, task=task, texts=Texts(instruction=instruction, response=response, input=given))


def linked(task: Task) -> set[tuple[str, tuple[int, ...]]]:
    pairs = Pair.objects.filter(task=task)
    revisions, owners = (np.array(pairs.values_list(name, flat=True), dtype=np.int64) for name in ("current_id", "pk"))
    links = stored_links(task, revisions, owners, {})
    return {(link.reason, tuple(sorted(map(int, link.members)))) for link in links}


def found_anew(task: Task) -> set[tuple[str, tuple[int, ...]]]:
    rows = [
        PairText(str(pair.pk), pair.current.instruction, pair.current.input, pair.current.response)
        for pair in Pair.objects.filter(task=task).exclude(state="trashed").select_related("current")
    ]
    return {(link.reason, tuple(sorted(map(int, link.members)))) for link in find_links(rows)}


def several(task: Task, expert: User) -> list[Pair]:
    return [
        add(task, expert, "How high may a fence be?", LONG),
        add(task, expert, "how HIGH may a fence be", "Another answer."),
        add(task, expert, "What does a kitchen cost?", f"{LONG} always"),
        add(task, expert, "Where is the office?"),
        *(
            add(task, expert, "Summarise.", given=f"The {word} of the house is old")
            for word in ("roof", "door", "floor")
        ),
        add(task, expert, "Summarise.", given="the roof of the house is old!"),
    ]


def test_the_stored_links_are_those_that_a_comparison_of_all_texts_finds(task: Task, expert: User) -> None:
    first, second, third, _office, roof, *_more, roof_again = several(task, expert)
    assert likeness_waiting(task) == 8
    assert likeness_update(task, silent) == 8
    assert likeness_waiting(task) == 0
    assert linked(task) == found_anew(task)
    assert linked(task) >= {
        ("prompt", (first.pk, second.pk)),
        ("near response", (first.pk, third.pk)),
        ("prompt", (roof.pk, roof_again.pk)),
    }
    assert likeness_update(task, silent) == 0


def test_pairs_that_come_one_by_one_are_linked_as_if_they_had_come_together(
    task: Task, expert: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(likeness, "GROWTH", 100)
    for number in range(4):
        several(task, expert)
        add(task, expert, f"Question number {number} about something else altogether")
        likeness_update(task, silent)
    assert LikenessBasis.objects.get(task=task).revisions == 9, "the basis stayed"
    assert linked(task) == found_anew(task)


def test_a_template_seen_late_unties_its_questions(task: Task, expert: User) -> None:
    """Two inputs under one long instruction look alike; the third shows that the instruction is a template."""
    instruction = "Read what the customer writes about the building and say in one word what it is about"
    for word in ("roof", "door"):
        add(task, expert, instruction, given=word)
    likeness_update(task, silent)
    assert [reason for reason, _members in linked(task)] == ["near prompt"]
    add(task, expert, instruction, given="floor")
    likeness_update(task, silent)
    assert linked(task) == found_anew(task) == set()


def test_a_changed_text_loses_its_links_and_a_trashed_pair_too(task: Task, expert: User) -> None:
    first, second, third, *_rest = several(task, expert)
    likeness_update(task, silent)
    pair_revise(actor=expert, pair=second, texts=Texts(instruction="New words", response="Another answer."), version=1)
    pair_trash(actor=expert, pair=third)
    likeness_update(task, silent)
    assert linked(task) == found_anew(task)
    assert not any(first.pk in members for _reason, members in linked(task))
    pair_restore(actor=expert, pair=third)
    likeness_update(task, silent)
    assert ("near response", (first.pk, third.pk)) in linked(task)


def test_an_interrupted_comparison_goes_on_where_it_was(
    task: Task, expert: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    several(task, expert)
    monkeypatch.setattr(likeness, "BATCH", 3)
    monkeypatch.setattr(comparing, "PIECE", 3)
    monkeypatch.setattr(shelves, "BATCH", 2)
    for most in itertools.count(1):
        left = iter(range(most))

        def tell(*_told: object, left: object = left) -> None:
            if next(left, None) is None:  # type: ignore[call-overload]
                raise InterruptedError

        try:
            likeness_update(task, tell)
        except InterruptedError:
            continue
        break
    assert most > 4, "it was interrupted at every step of its way"
    assert linked(task) == found_anew(task)


def test_a_task_that_grew_by_half_is_compared_anew(task: Task, expert: User) -> None:
    several(task, expert)
    likeness_update(task, silent)
    NearText.objects.filter(task=task).update(similarity=0.5)
    for number in range(4):
        add(task, expert, f"{number} other things")
    likeness_update(task, silent)
    assert NearText.objects.filter(task=task, similarity=0.5).exists()
    add(task, expert, "one more")
    likeness_update(task, silent)
    assert LikenessBasis.objects.get(task=task).revisions == 13
    assert not NearText.objects.filter(task=task, similarity=0.5).exists()
    assert linked(task) == found_anew(task)


def test_new_texts_ask_for_the_job_and_nothing_is_asked_twice(task: Task, expert: User) -> None:
    assert likeness_sometimes in registries.chores
    several(task, expert)
    likeness_due()
    likeness_due()
    assert Job.objects.filter(kind="likeness").count() == 1
    run_jobs()
    assert likeness_waiting(task) == 0
    likeness_due()
    assert Job.objects.filter(kind="likeness").count() == 1


def test_the_scheduler_looks_every_few_minutes_only(task: Task, expert: User) -> None:
    cache.delete(likeness.LOOKED)
    likeness_sometimes()
    several(task, expert)
    likeness_sometimes()
    assert not Job.objects.filter(kind="likeness").exists()
    cache.delete(likeness.LOOKED)
    likeness_sometimes()
    assert Job.objects.filter(kind="likeness").count() == 1


def test_what_is_kept_goes_with_the_project(task: Task, expert: User, owner: User) -> None:
    several(task, expert)
    likeness_update(task, silent)
    task.project.is_demo = True
    project_remove_demo(actor=owner, project=task.project)
    assert not Likeness.objects.exists()
    assert not NearText.objects.exists()


def test_meanings_of_a_large_task_are_compared_by_cells_and_go_on_where_they_were(
    task: Task, expert: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Couples at a right angle to one another, each in two pieces; the third of a few is embedded late."""
    pairs = [add(task, expert, f"Question {number}", LONG) for number in range(12)]
    for number, pair in enumerate(pairs[:11]):
        vector = np.zeros(DIMENSIONS)
        vector[[number % 6, 10 + number]] = 1.0, 0.3
        Embedding.objects.create(pair=pair, task=task, revision_id=pair.current_id, vector=vector.tolist())
    for name, value in {"PIECE": 4, "BATCH": 2, "ALL_WITH_ALL": 4, "CELL": 3}.items():
        monkeypatch.setattr(couples, name, value)

    def stop_at_once() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        meanings_update(task, silent, stop_at_once)
    assert EmbeddingLook.objects.filter(compared=True).count() == 4
    meanings_update(task, silent)
    late = np.zeros(DIMENSIONS)
    late[[5, 40]] = 1.0, 0.3
    Embedding.objects.create(pair=pairs[11], task=task, revision_id=pairs[11].current_id, vector=late.tolist())
    meanings_update(task, silent)
    wanted = {(pairs[number].current_id, pairs[number + 6].current_id) for number in range(6)}
    assert set(NearMeaning.objects.filter(task=task).values_list("one", "other")) == wanted


@pytest.mark.slow
def test_a_real_company_faq_is_linked_as_by_comparing_all(task: Task, expert: User) -> None:
    path = shared_data("zaragoza_construction_faq/faq-en.jsonl")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()][:120]
    for row in rows:
        add(task, expert, row["q"], row["a"])
    likeness_update(task, silent)
    assert linked(task) == found_anew(task)
