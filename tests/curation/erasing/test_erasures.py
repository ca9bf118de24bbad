"""What is erased is nowhere any more, whatever table one looks into; what stays says that it was there."""

from typing import Any

import pytest
from django.db import connection
from django.db.utils import ProgrammingError
from django.utils import timezone

from core.denied import ApplicationError
from core.models import Event, Job, User
from curation.choices import Decision, ErasureScope, Origin
from curation.fingerprints import Texts
from curation.models import (
    DatasetVersion,
    Draft,
    Embedding,
    Leak,
    Pair,
    Revision,
    SuiteItem,
    Task,
    TaskReport,
    VersionPair,
    Vocabulary,
)
from curation.models.embeddings import DIMENSIONS
from curation.selectors.erasures import (
    erasure_preview,
    people_of,
    revisions_of_pair,
    revisions_of_person,
    revisions_with_words,
)
from curation.selectors.exports import version_lines
from curation.services import stock
from curation.services.drafts import draft_save
from curation.services.exports import export_pack, export_path
from curation.services.health import health_count
from curation.services.pairs import pair_restore, pair_revise, pair_submit
from curation.services.reviews import review_decide
from curation.services.stock import stock_ask
from curation.services.verifying import version_sha256, version_verify
from curation.services.versions import version_freeze
from ml.checks import text_fingerprint
from tests.curation.erasing.world import ANSWER, NAME, QUESTION, erase, tables_with
from tests.world import api_client, run_jobs, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.slow
def test_an_erased_pair_is_in_no_table_any_more_neither_its_words_nor_its_hashes(
    secret: Pair, version: DatasetVersion, owner: User, task: Task
) -> None:
    fingerprint = secret.current.fingerprint if secret.current else ""
    row = VersionPair.objects.get(revision__pair=secret)
    hashes = [fingerprint, text_fingerprint(QUESTION), text_fingerprint(ANSWER), row.salt]
    secret_tables = tables_with("Zyxander", "998877")
    assert {
        "curation_revision", "curation_draft", "curation_review", "core_workitem", "core_event", "curation_pair",
        "curation_dismissal", "curation_question", "curation_answer",
    } <= set(secret_tables)  # fmt: skip
    # The other pair says nearly the same and holds the name too.
    named = revisions_with_words(task.project, NAME)
    done = erase(owner, task.project, ErasureScope.WORDS, revisions=named, words=NAME)
    assert done.state == "done", done.error
    assert tables_with("Zyxander", "Hemlok", "0551-998877", "nummber") == []
    assert tables_with(*hashes) == []
    assert done.counts["revisions"] == done.counts["version_rows"] == done.counts["pairs"] == 2
    row.refresh_from_db()
    assert (row.salt, len(row.digest)) == ("", 64)
    assert Event.objects.filter(object_type="pair", object_id=str(secret.pk), data={"erased": True}).exists()


def test_the_version_says_so_its_hash_holds_and_its_files_lack_the_row(
    secret: Pair, version: DatasetVersion, owner: User, viewer: User, task: Task
) -> None:
    rows = version.counts["pairs"]
    erase(owner, task.project, revisions=revisions_of_pair(secret))
    version.refresh_from_db()
    assert version.erased == 1
    assert version_sha256(version) == (version.sha256, 0)
    assert version_verify(actor=owner, version=version).verified_same
    assert len(list(version_lines(version, "apprentice"))) == rows - 1
    page = sign_in(viewer).get(f"/p/{task.project.slug}/versions/{version.pk}/").content.decode()
    assert "1 row erased, no longer rebuildable" in page
    assert api_client(viewer).get(f"/api/v1/dataset-versions/{version.pk}/").json()["erased"] == 1
    Revision.objects.filter(in_versions__version=version, erased_at__isnull=True).update(response="tampered")
    assert version_sha256(version)[1] == rows - 1


@pytest.mark.slow
def test_what_was_made_of_an_erased_pair_goes_without_its_words_being_looked_for(
    secret: Pair, version: DatasetVersion, owner: User, task: Task, monkeypatch: Any
) -> None:
    monkeypatch.setattr(stock, "vocabulary_learn", lambda _project: [])  # which would put right what was left over
    Revision.objects.filter(pair=secret).update(rejected=f"{NAME} is wrong")
    vector = [1.0] + [0.0] * (DIMENSIONS - 1)
    Embedding.objects.create(pair=secret, task=task, revision_id=secret.current_id or 0, vector=vector)
    Vocabulary.objects.create(project=task.project, language="sv", counts={"qvorbit": 1}, texts=1, digest="d")
    packed = export_pack(actor=owner, version=version, shape="alpaca", kind="parquet")
    run_jobs()
    assert export_path(packed).exists()
    named = revisions_with_words(task.project, NAME)  # the other pair too, so that the name is nobody else's
    done = erase(owner, task.project, revisions=named)
    assert tables_with("Zyxander", "Qvorbit") == []
    assert not Embedding.objects.exists()
    assert done.counts.items() >= {"exports": 1, "answers_given": 1, "reasons": 1}.items()
    assert not export_path(packed).exists()


@pytest.mark.slow
def test_the_pair_stays_in_the_trash_and_other_pages_still_open(
    secret: Pair, version: DatasetVersion, owner: User, viewer: User, task: Task
) -> None:
    erase(owner, task.project, revisions=revisions_of_pair(secret))
    secret.refresh_from_db()
    assert (secret.state, secret.approved_id, secret.metadata) == ("trashed", None, {})
    with pytest.raises(ApplicationError, match="erased for good"):
        pair_restore(actor=owner, pair=secret)
    root = f"/p/{task.project.slug}"
    for path in (f"pairs/{secret.pk}/", "pairs/?state=trashed", f"versions/{version.pk}/", "tasks/advise/freeze/"):
        assert sign_in(owner).get(f"{root}/{path}").status_code == 200, path
    assert "over 9 approved pairs" in sign_in(owner).get(f"{root}/tasks/advise/health/").content.decode()
    second = version_freeze(actor=owner, task=task)
    run_jobs()
    second.refresh_from_db()
    assert second.state == "ready", second.error
    assert not VersionPair.objects.filter(version=second, revision__pair=secret).exists()


def test_a_persons_texts_go_others_stay_and_what_they_imported_stays(
    task: Task, expert: User, reviewer: User, owner: User
) -> None:
    theirs = pair_submit(actor=expert, task=task, texts=Texts(instruction=QUESTION, response=ANSWER))
    mended = pair_submit(actor=expert, task=task, texts=Texts(instruction="One", response=f"{NAME} says two"))
    pair_revise(actor=owner, pair=mended, texts=Texts(instruction="One", response="Two"), version=1)
    brought = pair_submit(actor=expert, task=task, texts=Texts(instruction="From a file", response="Three"))
    Revision.objects.filter(pair=brought).update(origin=Origin.IMPORTED)
    draft_save(actor=expert, task=task, key="new", fields={"response": NAME}, version=0)
    about = pair_submit(actor=owner, task=task, texts=Texts(instruction="Four", response="Five"))
    review_decide(
        actor=reviewer, pair=about, revision_id=about.current_id or 0, decision=Decision.RETURN, reason="Too short"
    )
    preview = erasure_preview(task.project, revisions_of_person(task.project, expert), expert)
    assert (len(preview.revisions), preview.trashed, preview.drafts, preview.imported_kept) == (2, 1, 1, 1)
    done = erase(
        owner, task.project, ErasureScope.PERSON, revisions=revisions_of_person(task.project, expert), person=expert
    )
    assert done.state == "done", done.error
    assert tables_with("Zyxander") == []
    theirs.refresh_from_db()
    mended.refresh_from_db()
    assert (theirs.state, mended.state) == ("trashed", "submitted")
    assert [revision.response for revision in mended.revisions.order_by("number")] == ["", "Two"]
    assert Revision.objects.get(pair=brought).response == "Three"
    assert not Draft.objects.filter(user=expert).exists()
    assert tables_with("Too short") == ["core_notice", "curation_review"]  # the reviewer's words, and who was told


def test_who_wrote_or_brought_something_and_left_can_still_be_named(
    task: Task, expert: User, reviewer: User, viewer: User, stranger: User, owner: User
) -> None:
    pair_submit(actor=expert, task=task, texts=Texts(instruction=QUESTION, response=ANSWER))
    mended = pair_submit(actor=owner, task=task, texts=Texts(instruction="One", response="Three"))
    pair_revise(actor=reviewer, pair=mended, texts=Texts(instruction="One", response="Two"), version=1)
    brought = pair_submit(actor=viewer, task=task, texts=Texts(instruction="From a file", response="Three"))
    Revision.objects.filter(pair=brought).update(origin=Origin.IMPORTED)
    task.project.memberships.exclude(user=owner).delete()
    assert set(people_of(task.project)) == {owner, expert, reviewer, viewer}


def test_words_find_every_pair_that_holds_them_in_any_revision_or_turn(task: Task, expert: User, owner: User) -> None:
    first = pair_submit(actor=expert, task=task, texts=Texts(instruction="one", response="two " + NAME.upper()))
    pair_revise(actor=expert, pair=first, texts=Texts(instruction="one", response="two"), version=1)
    turns = [{"role": "user", "content": f"I am {NAME}"}]
    second = pair_submit(actor=expert, task=task, texts=Texts(instruction="three", response="four", turns=turns))
    pair_submit(actor=expert, task=task, texts=Texts(instruction="five", response="six"))
    found = revisions_with_words(task.project, NAME)
    assert {revision.pair_id for revision in found} == {first.pk, second.pk}
    assert found.count() == 3
    with pytest.raises(ApplicationError, match="at least 3"):
        revisions_with_words(task.project, " a ")
    assert not revisions_with_words(task.project, "100%_").exists()
    done = erase(owner, task.project, ErasureScope.WORDS, revisions=found, words=NAME)
    assert tables_with("Zyxander") == [], "not even what was looked for is kept"
    assert done.counts["pairs"] == 2


@pytest.mark.slow
def test_numbers_counted_while_a_text_was_erased_are_counted_again(task: Task, owner: User, monkeypatch: Any) -> None:
    erased = Job.objects.create(kind="erase", queue="default", project=task.project, state="done")

    def meanwhile(task: Task) -> TaskReport:
        Job.objects.filter(pk=erased.pk).update(ended_at=timezone.now())
        monkeypatch.undo()
        return health_count(task)

    monkeypatch.setattr(stock, "health_count", meanwhile)
    stock_ask(actor=owner, task=task)
    assert [job.kind for job in run_jobs()] == ["stock", "stock"]


def test_the_audit_log_allows_an_erasure_and_nothing_else(secret: Pair) -> None:
    event = Event.objects.filter(object_type="pair").first()
    assert event is not None
    with connection.cursor() as cursor:
        cursor.execute("SET apprentice.erasing = 'on'")
        try:
            for change in ({"action": "other"}, {"summary": "new"}, {"data": {"erased": True}, "object_id": "1"}):
                with pytest.raises(ProgrammingError, match="append-only"):
                    Event.objects.filter(pk=event.pk).update(**change)
        finally:
            cursor.execute("RESET apprentice.erasing")


@pytest.mark.slow
def test_leaks_and_items_of_an_erased_pair_go_too(
    secret: Pair, version: DatasetVersion, owner: User, task: Task
) -> None:
    fingerprint = Revision.objects.get(pk=secret.current_id).fingerprint
    Leak.objects.create(
        task=task, revision=Revision.objects.exclude(pair=secret).earliest("pk"), fingerprint=fingerprint,
        method="exact", field="prompt", score=1,
    )  # fmt: skip
    SuiteItem.objects.filter(revision__pair=secret).delete()
    suite = version.suites.first()
    assert suite is not None
    SuiteItem.objects.create(suite=suite, ordinal=999, revision_id=secret.current_id, fingerprint=fingerprint)
    erase(owner, task.project, revisions=revisions_of_pair(secret))
    assert not Leak.objects.exists()
    assert SuiteItem.objects.get(ordinal=999).fingerprint == f"erased-{secret.current_id}"
