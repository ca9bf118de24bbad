"""Writing and correcting: a change is a new revision, a stale one gets both texts, a second click adds nothing."""

import threading

import pytest
from django.db import connection, transaction

from core.denied import ApplicationError, Conflict
from core.models import Event, Project, User, WorkItem
from curation.choices import Origin, PairState
from curation.fingerprints import Texts
from curation.models import Draft, Finding, Pair, Revision, Task
from curation.services.drafts import draft_save
from curation.services.pairs import pair_lock, pair_restore, pair_revise, pair_submit, pair_trash
from curation.services.settling import Seen
from curation.services.tasks import task_create

TEXTS = Texts(instruction="How high may a fence be?", response="Up to 1.1 metres without a permit.")


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


@pytest.fixture
def pair(task: Task, expert: User) -> Pair:
    return pair_submit(actor=expert, task=task, texts=TEXTS)


def changed(response: str) -> Texts:
    return Texts(instruction=TEXTS.instruction, response=response)


@pytest.mark.django_db
def test_submitting_makes_a_pair_a_revision_and_one_review_that_leaves_its_author_out(pair: Pair, expert: User) -> None:
    pair.refresh_from_db()
    assert (pair.state, pair.version, pair.found) == (PairState.SUBMITTED, 1, [])
    revision = pair.revisions.get()
    assert (revision.response, revision.origin, revision.author) == (TEXTS.response, Origin.HUMAN, expert)
    assert revision.fingerprint == TEXTS.fingerprint
    item = WorkItem.objects.get()
    assert (item.kind, item.subject_id, item.excluded_user, item.state) == ("review", pair.pk, expert, "open")
    assert Event.objects.filter(action="pair.submitted", object_id=str(pair.pk)).count() == 1


@pytest.mark.django_db
def test_sent_twice_from_one_page_it_is_one_pair_and_its_draft_is_settled(task: Task, expert: User) -> None:
    kept = draft_save(actor=expert, task=task, key="k1", fields={"instruction": "x"}, version=0)
    first = pair_submit(actor=expert, task=task, texts=TEXTS, draft_key="k1", seen=Seen(kept.version))
    assert pair_submit(actor=expert, task=task, texts=TEXTS, draft_key="k1") == first
    assert (Pair.objects.count(), Revision.objects.count(), Draft.objects.count()) == (1, 1, 0)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("texts", "field"),
    [
        (Texts(instruction=" ", response="x"), "instruction"),
        (Texts(instruction="x", response="\n"), "response"),
        (Texts(instruction="x\x00", response="x"), "instruction"),
        (Texts(instruction="x", response="x\ud800"), "response"),
        (Texts(instruction="x", response="x", input="i" * 200_001), "input"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_field(task: Task, expert: User, texts: Texts, field: str) -> None:
    with pytest.raises(ApplicationError) as refused:
        pair_submit(actor=expert, task=task, texts=texts)
    assert refused.value.field == field
    assert not Pair.objects.exists()


@pytest.mark.django_db
def test_a_correction_is_a_new_revision_and_asks_again_for_review(pair: Pair, reviewer: User) -> None:
    first = WorkItem.objects.get()
    revised = pair_revise(
        actor=reviewer, pair=pair, texts=changed("Under PBL, 1.1 metres."), version=1, note="law named"
    )
    assert (revised.version, revised.state) == (2, PairState.SUBMITTED)
    assert [row.response for row in pair.revisions.order_by("number")] == [TEXTS.response, "Under PBL, 1.1 metres."]
    first.refresh_from_db()
    assert first.state == "closed"
    assert WorkItem.objects.get(state="open").excluded_user == reviewer


@pytest.mark.django_db
def test_a_stale_correction_is_refused_with_both_texts_and_changes_nothing(
    pair: Pair, expert: User, owner: User
) -> None:
    pair_revise(actor=owner, pair=pair, texts=changed("Theirs."), version=1)
    with pytest.raises(Conflict) as refused:
        pair_revise(actor=expert, pair=pair, texts=changed("Mine."), version=1)
    assert (refused.value.yours["response"], refused.value.theirs["response"]) == ("Mine.", "Theirs.")
    assert refused.value.version == 2
    assert Revision.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_the_lock_sees_the_revision_that_came_meanwhile(pair: Pair, owner: User) -> None:
    """Joined to its revision, a row that moved while we waited would come back without any."""
    seen: list[tuple[int, str]] = []
    waiting = threading.Event()

    def second() -> None:
        try:
            with transaction.atomic():
                waiting.set()
                locked = pair_lock(pair)
                seen.append((locked.version, locked.current.response if locked.current else ""))
        finally:
            connection.close()

    thread = threading.Thread(target=second)
    with transaction.atomic():
        pair_revise(actor=owner, pair=pair, texts=changed("Newer."), version=1)
        thread.start()
        waiting.wait(5)
        thread.join(0.3)
    thread.join(10)
    assert seen == [(2, "Newer.")]


@pytest.mark.django_db
def test_findings_are_kept_by_the_text_and_shown_on_the_pair(task: Task, expert: User) -> None:
    pair = pair_submit(actor=expert, task=task, texts=changed("A fense of wood."))
    pair.refresh_from_db()
    assert pair.found == ["misspelling"]
    finding = Finding.objects.get()
    assert (finding.field, finding.start, finding.end) == ("response", 2, 7)
    assert pair_submit(actor=expert, task=task, texts=changed("A fense of wood.")) != pair
    assert Finding.objects.count() == 1


@pytest.mark.django_db
def test_the_trash_takes_a_pair_out_of_review_and_gives_it_back(pair: Pair, expert: User) -> None:
    pair_trash(actor=expert, pair=pair)
    assert not WorkItem.objects.filter(state="open").exists()
    with pytest.raises(ApplicationError, match="in the trash"):
        pair_revise(actor=expert, pair=pair, texts=changed("x"), version=1)
    restored = pair_restore(actor=expert, pair=pair)
    assert restored.state == PairState.SUBMITTED
    assert WorkItem.objects.get(state="open").subject_id == pair.pk


@pytest.mark.django_db
def test_two_windows_cannot_overwrite_each_others_draft_unseen(task: Task, expert: User) -> None:
    one = draft_save(actor=expert, task=task, key="k", fields={"response": "one"}, version=0)
    with pytest.raises(Conflict) as refused:
        draft_save(actor=expert, task=task, key="k", fields={"response": "two"}, version=0)
    assert refused.value.theirs == {"response": "one"}
    assert (
        draft_save(actor=expert, task=task, key="k", fields={"response": "two"}, version=one.version).version
        > one.version
    )


@pytest.mark.django_db(transaction=True)
def test_a_save_that_its_submit_overtook_leaves_no_draft(task: Task, expert: User) -> None:
    """On a slow network the last save of a page and its submit are on their way together."""
    typed = {"instruction": TEXTS.instruction, "response": TEXTS.response, "note": ""}
    versions: list[int] = []

    def late() -> None:
        try:
            versions.append(draft_save(actor=expert, task=task, key="k", fields=typed, version=1).version)
        finally:
            connection.close()

    thread = threading.Thread(target=late)
    with transaction.atomic():
        pair = pair_submit(actor=expert, task=task, texts=TEXTS, draft_key="k")
        thread.start()
        thread.join(0.3)
    thread.join(10)
    assert (versions, Draft.objects.count()) == ([2], 0)
    pair_revise(actor=expert, pair=pair, texts=changed("Newer."), version=1, draft_key=f"pair-{pair.pk}")
    draft_save(actor=expert, task=task, key=f"pair-{pair.pk}", fields={"response": "Newer."}, version=1, pair=pair)
    assert not Draft.objects.exists()
    other = draft_save(actor=expert, task=task, key="k", fields={**typed, "response": "Another."}, version=1)
    assert (other.key, other.pair, other.base_version) == (f"pair-{pair.pk}", pair, 2)
