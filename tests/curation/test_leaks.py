"""A pair of train that gives a test item away is found by each of the ways, listed with both texts, and kept out."""

import hashlib
from itertools import pairwise, zip_longest

import numpy as np
import pytest

from core.denied import Refused
from core.models import Project, User
from curation.choices import Decision, LeakMethod, VersionState
from curation.fingerprints import Texts
from curation.models import (
    DatasetVersion,
    Embedding,
    EmbeddingLook,
    Leak,
    Pair,
    Place,
    Revision,
    SuiteItem,
    Task,
    VersionPair,
)
from curation.selectors import leak_texts
from curation.selectors.freezing import freeze_preview
from curation.selectors.leaks import leaks_shown
from curation.services import couples, leaks
from curation.services.likeness import likeness_due, likeness_update
from curation.services.meaning import meanings_update
from curation.services.pairs import pair_revise, pair_submit, pair_trash
from curation.services.reviews import review_decide
from curation.services.tasks import task_create
from curation.services.versions import version_freeze
from ml import split
from ml.near_duplicates import sketches
from tests.world import api_client, run_jobs, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    project.solo = True
    project.save()
    return task_create(actor=owner, project=project, name="Advise")


def words(seed: int, count: int) -> str:
    """Words that nothing else has."""
    return " ".join(f"w{hashlib.sha256(f'{seed} {n}'.encode()).hexdigest()[:7]}" for n in range(count))


def approved(task: Task, owner: User, instruction: str, response: str = "Yes.", given: str = "") -> Pair:
    pair = pair_submit(actor=owner, task=task, texts=Texts(instruction=instruction, response=response, input=given))
    review_decide(actor=owner, pair=pair, revision_id=pair.current_id or 0, decision=Decision.APPROVE)
    return pair


def freeze(task: Task, owner: User, **options: object) -> DatasetVersion:
    version = version_freeze(actor=owner, task=task, **options)
    run_jobs()
    version.refresh_from_db()
    return version


def parts_of(version: DatasetVersion) -> dict[int, str]:
    return dict(VersionPair.objects.filter(version=version).values_list("revision__pair_id", "part"))


@pytest.fixture
def first(task: Task, owner: User) -> DatasetVersion:
    for number in range(20):
        approved(task, owner, words(number, 12), words(100 + number, 25))
    return freeze(task, owner)


def items_of(version: DatasetVersion) -> list[Pair]:
    rows = VersionPair.objects.filter(version=version, part="test").select_related("revision__pair__current")
    return [row.revision.pair for row in rows]


def item_of(version: DatasetVersion) -> Pair:
    return items_of(version)[0]


def shortened(pair: Pair) -> str:
    """An item whose answer has one word: its question."""
    assert pair.current is not None
    Revision.objects.filter(pk=pair.current_id).update(response="No.")
    return pair.current.instruction


def retire(owner: User, pair: Pair) -> Texts:
    """The item's pair gets other texts, so that the split does not know the frozen ones any more."""
    assert pair.current is not None
    kept = Texts(instruction=pair.current.instruction, response=pair.current.response)
    pair_revise(actor=owner, pair=pair, texts=Texts(instruction=words(900, 12), response="No."), version=1)
    pair.refresh_from_db()
    review_decide(actor=owner, pair=pair, revision_id=pair.current_id or 0, decision=Decision.APPROVE)
    return kept


def teaching(task: Task, owner: User, make: object, tries: int = 30) -> Pair:
    """A pair with the texts that `make` gives, in train: the place of a new group is drawn from its number."""
    for number in range(tries):
        pair = approved(task, owner, **make(number))  # type: ignore[operator]
        compare()
        facts = freeze_preview(task, 0.8).facts
        assert facts is not None
        if any(leak.pair_id == pair.pk for leak in facts.leaks):
            return pair
        pair_trash(actor=owner, pair=pair)
    raise AssertionError("no pair came to train")


def compare() -> None:
    likeness_due()
    run_jobs()


def leaks_seen(task: Task) -> str:
    facts = freeze_preview(task, 0.8).facts
    return " ".join(leak.sentence for leak in facts.leaks) if facts else ""


def leak_of(task: Task, pair: Pair) -> Leak:
    return Leak.objects.filter(task=task, revision__pair=pair).latest("pk")


def test_word_sequences_of_an_item_inside_a_longer_text(task: Task, owner: User, first: DatasetVersion) -> None:
    inside = retire(owner, item_of(first)).instruction
    pair = teaching(task, owner, lambda n: {"instruction": f"{words(500 + n, 40)} {inside} {words(600 + n, 40)}"})
    found = leak_of(task, pair)
    assert (found.method, found.field) == (LeakMethod.GRAMS, "prompt")
    assert found.score == 1


def test_the_same_and_nearly_the_same_question_of_an_item_whose_pair_has_other_texts_by_now(
    task: Task, owner: User, first: DatasetVersion
) -> None:
    texts = retire(owner, item_of(first))
    pair = teaching(task, owner, lambda n: {"instruction": texts.instruction.upper(), "response": f"{n}"})
    assert leak_of(task, pair).method == LeakMethod.EXACT
    other = texts.instruction.split()
    near = " ".join(["also", *other])
    pair_trash(actor=owner, pair=pair)
    close = teaching(task, owner, lambda n: {"instruction": near, "response": f"{n}!"})
    found = leak_of(task, close)
    assert found.method == LeakMethod.NEAR
    assert 0.7 <= found.score < 1  # which item the salt makes a test item, and so how long it is, differs


def test_an_answer_gives_away_too(task: Task, owner: User, first: DatasetVersion) -> None:
    texts = retire(owner, item_of(first))
    pair = teaching(task, owner, lambda n: {"instruction": words(700 + n, 9), "response": texts.response})
    found = leak_of(task, pair)
    assert (found.method, found.field) == (LeakMethod.EXACT, "response")


def test_in_another_task_the_same_question_gives_nothing_away_unless_the_answer_is_the_same_too(
    task: Task, owner: User, first: DatasetVersion
) -> None:
    item, brief, *_others = items_of(first)
    assert item.current is not None
    other = task_create(actor=owner, project=task.project, name="Sort")
    for number in range(10):
        approved(other, owner, words(800 + number, 12), "roof")
    question, short = item.current.instruction, shortened(brief)
    harmless = [approved(other, owner, question, "roof"), approved(other, owner, short, "Yes.")]
    compare()
    assert not Leak.objects.filter(revision__pair__in=harmless).exists()
    pairs = [approved(other, owner, question, item.current.response), approved(other, owner, short, "no")]
    freeze(other, owner)
    assert [leak_of(other, pair).method for pair in pairs] == [LeakMethod.EXACT, LeakMethod.EXACT]


def test_leaking_pairs_are_left_out_and_listed_with_both_texts_or_block_the_freeze(
    task: Task, owner: User, first: DatasetVersion, django_assert_num_queries: object
) -> None:
    texts = retire(owner, item_of(first))
    pair = teaching(task, owner, lambda n: {"instruction": texts.instruction, "response": f"{n}"})
    facts = freeze_preview(task, 0.8).facts
    assert facts is not None
    with django_assert_num_queries(2):  # type: ignore[operator]
        shown = leaks_shown(task, facts.leaks)
    assert [(row.revision.pair_id, row.item.revision.instruction) for row in shown if row.item.revision] == [
        (pair.pk, texts.instruction)
    ]
    sentence = "1 pair gives a test item away. Change them, spend the items, or let the freeze leave such pairs out."
    root = f"/p/{task.project.slug}/tasks/{task.slug}/freeze/"
    asked = {"note": "For the spring", "split": 80, "leaks": "block"}
    refused = sign_in(owner).post(root, asked)
    page = refused.content.decode()
    assert (refused.status_code, page.count(sentence), task.versions.count()) == (400, 2, 1)
    assert 'value="For the spring"' in page
    assert '<details class="fold" open><summary>Another split, and what to do about leaks' in page
    told = api_client(owner).post("/api/v1/dataset-versions/", {"task": task.pk, "leaks": "block"}, format="json")
    assert (told.status_code, told.json()["detail"]) == (403, sentence)
    # Not compared yet: the job finds out. It joins a pair's group; a group of its own could move the other new one.
    kept = first.rows.filter(part="train").values_list("revision__instruction", flat=True)[0]
    approved(task, owner, f"{kept} {words(901, 1)}", words(902, 12))
    blocked = freeze(task, owner, leaks="block")
    assert (blocked.state, blocked.error) == (VersionState.FAILED, sentence)
    page = sign_in(owner).get(f"/p/{task.project.slug}/versions/{blocked.pk}/").content.decode()
    assert f'<a href="{root}">Back to the freeze page</a>' in page
    second = freeze(task, owner)
    assert second.state == VersionState.READY
    assert pair.pk not in parts_of(second)
    assert freeze_preview(task, 0.8).fresh == 0, "what was left out and listed is not new"
    left = second.left_out.get(pair=pair)
    assert (left.reason, left.item.fingerprint) == ("leak", facts.leaks[0].fingerprint)
    assert {"pairs": len(parts_of(second)), "left_out": 1}.items() <= second.counts.items()
    exported = b"".join(sign_in(owner).get(f"/p/{task.project.slug}/versions/{second.pk}/export/")).decode()
    assert (exported.count("\n"), f'"id":"{pair.pk}"' in exported) == (len(parts_of(second)), False)
    page = sign_in(owner).get(root).content.decode()
    assert f'<a class="stat" href="{root}left-out/?split=80"' in page
    assert page.index("Takes about 10\u00a0s") < page.index("Worth a look before"), "the button comes first"
    page = sign_in(owner).get(f"{root}left-out/").content.decode()
    assert page.count(texts.instruction) == 2
    assert "The same text" in page


def test_the_preview_is_the_same_through_the_api(task: Task, owner: User, first: DatasetVersion) -> None:
    texts = retire(owner, item_of(first))
    client = api_client(owner)
    waiting = client.get(f"/api/v1/tasks/{task.pk}/freeze-preview/").json()
    assert waiting["waiting"] == 1
    assert waiting["parts"] is None
    pair = teaching(task, owner, lambda n: {"instruction": texts.instruction, "response": f"{n}"})
    seen = client.get(f"/api/v1/tasks/{task.pk}/freeze-preview/?leaks=block").json()
    facts = freeze_preview(task, 0.8).facts
    assert facts is not None
    assert (seen["parts"], seen["leaking_pairs"], seen["approved"]) == (facts.parts, 1, 21)
    assert seen["left_out"] == [{"pair": pair.pk, "reason": "leak", "detail": facts.left_out[0].sentence}]
    assert "gives a test item away" in seen["refused"][0]
    assert sum(row["train"] for row in seen["strata"]["length"]) == facts.parts["train"]
    (leak,) = client.get(f"/api/v1/tasks/{task.pk}/leaks/").json()
    assert (leak["pair"], leak["method"]) == (pair.pk, "exact")
    assert leak["revision"]["instruction"] == leak["item_revision"]["instruction"] == texts.instruction
    made = client.post("/api/v1/dataset-versions/", {"task": task.pk, "leaks": "exclude"}, format="json").json()
    run_jobs()
    (left,) = client.get(f"/api/v1/dataset-versions/{made['id']}/left-out/").json()["results"]
    assert (left["pair"], left["reason"], left["revision"]) == (pair.pk, "leak", pair.current_id)


def test_a_bigger_train_share_moves_pairs_and_is_no_leak(task: Task, owner: User, first: DatasetVersion) -> None:
    assert freeze_preview(task, 0.9).facts is not None
    second = freeze(task, owner, train_share=0.9)
    assert second.counts["left_out"] == 0
    assert second.counts["parts"]["test"] < first.counts["parts"]["test"]


def test_every_pair_is_looked_at_once(
    task: Task, owner: User, first: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    monkeypatch.setattr(leaks.Look, "leaks_of", lambda _look, revisions, _told: seen.append(len(revisions)) or [])
    sketched: list[str] = []
    monkeypatch.setattr(leak_texts, "sketches", lambda texts, *how: sketched.extend(texts) or sketches(texts, *how))
    leaks.leaks_update(task, lambda *_told: None)
    assert seen == []
    approved(task, owner, words(1000, 12))
    likeness_update(task, lambda *_told: None)
    leaks.leaks_update(task, lambda *_told: None)
    assert (seen, sketched) == ([1], []), "of the task's own items everything is kept"
    item = retire(owner, item_of(first))
    likeness_update(task, lambda *_told: None)
    leaks.leaks_update(task, lambda *_told: None)
    assert (seen, set(sketched)) == ([1, 1], {f"{item.instruction}\n", item.response}), "but for what was changed since"
    sketched.clear()
    other = task_create(actor=owner, project=task.project, name="Sort")
    approved(other, owner, words(1001, 12))
    likeness_update(other, lambda *_told: None)
    leaks.leaks_update(other, lambda *_told: None)
    items = SuiteItem.objects.filter(suite__project=task.project)
    assert len(set(sketched)) == 2 * items.count(), "what is common in one task is not so in another"


def meant(pair: Pair, *numbers: float) -> None:
    """The model server said what the pair's newest text means; the other numbers are 0."""
    vector = [*numbers, *[0.0] * (384 - len(numbers))]
    made = {"task": pair.task, "revision_id": pair.current_id or 0, "vector": vector}
    Embedding.objects.update_or_create(pair=pair, defaults=made)


def test_what_says_in_other_words_what_an_item_says_is_left_out_and_what_nobody_compared_is_told(
    task: Task, owner: User, first: DatasetVersion
) -> None:
    """In a suite of another task, whose items the split does not see. What has a short answer must be more alike."""
    item, brief, *_others = items_of(first)
    shortened(brief)
    other = task_create(actor=owner, project=task.project, name="Sort")
    answers = (words(3100, 25), words(3101, 25), "Yes.")
    long, of_brief, short = [approved(other, owner, words(3200 + n, 12), answer) for n, answer in enumerate(answers)]
    like, unlike, unlooked, *rest = [approved(other, owner, words(3000 + number, 12)) for number in range(12)]
    address = f"/p/{task.project.slug}/tasks/{other.slug}/freeze/"
    compare()
    page = sign_in(owner).get(address).content.decode()
    assert "15 pairs were not compared with the others by meaning, only by their words" in page
    assert "No pair gives an item" not in page
    for number, pair in enumerate(rest):
        meant(pair, *[0.0] * (10 + number), 1.0)
    meant(like, 0.9, 0.1)
    meant(unlike, 0.8, 0.6)
    meant(long, 0.9, 0.0, 0.0, 0.436)
    meant(of_brief, 0.0, 0.9, 0.0, 0.0, 0.436)
    meant(short, 0.9, 0.0, 0.0, 0.0, 0.0, 0.436)
    assert meanings_update(other, lambda *_: None) == 0, "an item has no vector; no model server says what it means"
    for row in first.rows.select_related("revision__pair__task"):
        meant(row.revision.pair, 0.0, 0.0, 1.0)
    meant(item, 1.0)
    meant(brief, 0.0, 1.0)
    assert meanings_update(other, lambda *_: None) == 14
    found, by_long = Leak.objects.filter(task=other).order_by("-score")
    assert (found.revision.pair_id, found.method, found.fingerprint) == (like.pk, "meaning", item.current.fingerprint)
    assert found.score == pytest.approx(0.994, abs=0.001)
    assert (by_long.revision.pair_id, by_long.score) == (long.pk, pytest.approx(0.9, abs=0.001))
    pair_trash(actor=owner, pair=long)
    Place.objects.create(pair=like, task=other, group="train", position=0.5)
    assert "says in other words what a test item says (likeness of meaning: 99 %)" in leaks_seen(other)
    with pytest.raises(Refused, match="1 pair gives a test item away"):
        freeze(other, owner, leaks="block")
    version = freeze(other, owner)
    assert like.pk not in parts_of(version)
    assert version.counts["unmeant"] == 1
    assert unlooked.pk in parts_of(version)
    shown = sign_in(owner).get(f"/p/{task.project.slug}/versions/{version.pk}/").content.decode()
    assert "Not compared by meaning" in shown
    assert api_client(owner).get(f"/api/v1/tasks/{other.pk}/freeze-preview/").json()["unmeant"] > 0


def test_by_cells_the_same_is_found_in_items_as_by_comparing_all(
    task: Task, owner: User, first: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six groups of meanings; of a group only some are near enough."""
    other = task_create(actor=owner, project=task.project, name="Sort")
    mine = [approved(other, owner, words(3000 + number, 12)) for number in range(12)]
    theirs = [row.revision.pair for row in first.rows.select_related("revision__pair__task")]
    random = np.random.default_rng(5)
    for number, pair in enumerate([*theirs, *mine]):
        meant(pair, *(12 * np.eye(6)[number % 6]).tolist(), *random.normal(size=8).tolist())
    compare()
    found = []
    for all_with_all in (couples.ALL_WITH_ALL, 4):
        monkeypatch.setattr(couples, "ALL_WITH_ALL", all_with_all)
        monkeypatch.setattr(couples, "CELL", 3)
        Leak.objects.all().delete()
        EmbeddingLook.objects.all().delete()
        assert meanings_update(other, lambda *_: None) == 12
        leaks_found = Leak.objects.filter(task=other, method="meaning").order_by("revision_id", "fingerprint")
        found.append([(leak.revision_id, leak.fingerprint, round(leak.score, 5)) for leak in leaks_found])
    assert found[0] == found[1]
    assert 0 < len(found[0]) < 12 * len(theirs) / 6


def test_a_first_freeze_tells_its_own_parts_apart_and_a_second_one_finds_nothing_new(
    task: Task, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is planted says the same inside a longer text, or in other words; a chain of it is too long for a group."""
    monkeypatch.setattr(split, "_GROUP_PAIRS", 4)
    pieces = [words(4000 + number, 20) for number in range(8)]
    chain = [approved(task, owner, text) for text in pieces]
    links = [approved(task, owner, f"{one} {words(n, 20)} {two}") for n, (one, two) in enumerate(pairwise(pieces))]
    inner = [approved(task, owner, words(6000 + number, 12)) for number in range(5)]
    asked = [pair.current.instruction for pair in inner if pair.current]
    outer = [approved(task, owner, f"{words(n, 30)} {text} {words(n + 50, 30)}") for n, text in enumerate(asked)]
    loose = [approved(task, owner, words(10_000 + number, 12)) for number in range(10)]
    for number, pair in enumerate([*chain, *links, *inner, *outer]):
        meant(pair, *[0.0] * (10 + number), 1.0)
    for number, pair in enumerate(loose):
        meant(pair, *[0.0] * (200 + number // 2), 1.0, 0.1 * (number % 2))
    version = freeze(task, owner, train_share=0.5)
    parts = parts_of(version)
    for one, other in [*zip(inner, outer, strict=True), *zip(loose[::2], loose[1::2], strict=True)]:
        assert parts[one.pk] == parts[other.pk]
    in_order = [parts.get(pair.pk) for couple in zip_longest(chain, links) for pair in couple if pair]
    assert all(one == other for one, other in pairwise(in_order) if one and other)
    left = {row.pair_id: row for row in version.left_out.all()}
    assert set(left) == {pair.pk for pair in (*chain, *links)} - set(parts)
    assert {row.reason for row in left.values()} <= {"bridge"}
    assert all("although it stands in" in row.detail and "one stands inside" in row.detail for row in left.values())
    again = freeze(task, owner, train_share=0.5)
    assert parts_of(again) == parts
    assert set(again.left_out.values_list("pair", "reason")) == {(pair, "bridge") for pair in left}
    late = approved(task, owner, f"{words(11_000, 30)} {asked[0]}")
    third = freeze(task, owner, train_share=0.5)
    assert parts_of(third) == {**parts, late.pk: parts[inner[0].pk]}


def test_what_every_text_of_a_task_begins_with_makes_none_alike(task: Task, owner: User, first: DatasetVersion) -> None:
    pairs = [row.revision.pair for row in first.rows.select_related("revision__pair__task")]
    for number in range(40):
        pairs.append(approved(task, owner, words(2000 + number, 12)))
    for number, pair in enumerate(pairs):
        meant(pair, 0.95, *[0.0] * number, 0.3)
    assert meanings_update(task, lambda *_: None) == 60
    assert not Leak.objects.filter(task=task, method="meaning").exists()
