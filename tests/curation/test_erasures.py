"""What is erased is nowhere any more, whatever table one looks into; what stays says that it was there."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.utils import ProgrammingError
from django.utils import timezone

from core import registries
from core.denied import ApplicationError
from core.jobs import JobFailed
from core.models import Comment, Delivery, Event, Notice, Project, Thread, User, Webhook, WorkItem
from curation.choices import Decision, ErasureScope, Origin
from curation.fingerprints import Texts
from curation.import_mapping import Mapping
from curation.models import (
    Answer,
    Corpus,
    DatasetVersion,
    Document,
    Draft,
    Erasure,
    Import,
    ImportProblem,
    Leak,
    Pair,
    Passage,
    Question,
    Revision,
    SavedView,
    SuiteItem,
    Task,
    VersionPair,
)
from curation.selectors.erasures import (
    erasure_preview,
    revisions_of_pair,
    revisions_of_person,
    revisions_with_words,
)
from curation.selectors.exports import version_lines
from curation.services import erasure_journal
from curation.services.corpora import corpus_make
from curation.services.dismissals import finding_dismiss
from curation.services.documents import documents_upload
from curation.services.drafts import draft_save
from curation.services.erasure_journal import journal_entries, journal_path
from curation.services.erasures import erasure_ask, erasure_run
from curation.services.import_report import import_check
from curation.services.imports import import_start, import_upload
from curation.services.likeness import likeness_due
from curation.services.pairs import pair_restore, pair_revise, pair_submit
from curation.services.reviews import review_decide
from curation.services.tasks import task_create
from curation.services.versions import version_freeze, version_sha256, version_verify
from ml.checks import text_fingerprint
from tests.world import api_client, run_jobs, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "Zyxander Qvorbit"
QUESTION = f"Where does {NAME} of Hemlok lane 4711 keep the keys of the old house by the lake in winter and in summer?"
ANSWER = f"{NAME} keeps them with a neighbour whose nummber is 0551-998877, behind the third door on the left."


@pytest.fixture(autouse=True)
def journal() -> None:
    journal_path().unlink(missing_ok=True)


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


def approve(reviewer: User, pair: Pair, reason: str = "") -> None:
    pair.refresh_from_db()
    review_decide(actor=reviewer, pair=pair, revision_id=pair.current_id or 0, decision=Decision.APPROVE, reason=reason)


def subject_of(pair: Pair) -> dict[str, object]:
    return {"subject_type": "pair", "subject_id": pair.pk}


@pytest.fixture
def secret(task: Task, expert: User, reviewer: User, owner: User) -> Pair:
    """A pair about somebody, with everything around it that the product makes of it."""
    texts = Texts(
        instruction=QUESTION, response=ANSWER, topic=NAME, turns=[{"role": "user", "content": f"About {NAME}"}]
    )
    pair = pair_submit(actor=expert, task=task, texts=texts, source=f"letter of {NAME}", note=f"told by {NAME}")
    approve(reviewer, pair, reason=f"{NAME} agrees")
    draft_save(actor=expert, task=task, key="k", fields={"response": f"{ANSWER} Yes."}, version=0, pair=pair, base=1)
    place = [{"field": "part", "start": 0, "end": len(NAME), "text": NAME}]
    pair.revisions.update(evidence=place)
    finding_dismiss(
        actor=expert, project=task.project, text=ANSWER, check_id="misspelling", excerpt="nummber",
        reason=f"{NAME} writes so", pair=pair,
    )  # fmt: skip
    WorkItem.objects.filter(subject_type="pair", subject_id=pair.pk).update(note=f"Ask {NAME}")
    Event.objects.create(
        action="pair.seen", object_type="pair", object_id=str(pair.pk), summary=NAME, data={"by": NAME}
    )
    Pair.objects.filter(pk=pair.pk).update(metadata={"customer": NAME})
    asked = Question.objects.create(
        project=task.project, task=task, instruction=QUESTION, wanted=NAME, language="en", key=NAME, pair=pair
    )
    thread = Thread.objects.create(project=task.project, subject_type="pair", subject_id=pair.pk)
    Comment.objects.create(thread=thread, author=expert, body=f"{NAME} called")
    Notice.objects.create(user=owner, project=task.project, kind="answered", url="/", text=NAME, **subject_of(pair))
    Answer.objects.create(
        question=asked, author=expert, texts=texts.to_json(), fingerprint="f", note=NAME, pair=pair, evidence=place
    )
    for number in range(8):
        other = pair_submit(
            actor=expert, task=task, texts=Texts(instruction=f"q{number} r{number}", response=f"a{number}")
        )
        approve(reviewer, other)
    twin = pair_submit(actor=owner, task=task, texts=Texts(instruction="Short", response=ANSWER + " Always."))
    approve(reviewer, twin)
    likeness_due()
    run_jobs()
    return pair


@pytest.fixture
def version(task: Task, owner: User, secret: Pair) -> DatasetVersion:
    made = version_freeze(actor=owner, task=task)
    run_jobs()
    made.refresh_from_db()
    assert made.state == "ready", made.error
    return made


@pytest.fixture
def stores(settings: Any, tmp_path: Path) -> None:
    """Stores of its own: every file in them is looked into."""
    for name in ("UPLOADS", "CORPUS_STORE", "RUN_STORE", "MODEL_STORE", "EXPORTS"):
        setattr(settings, name, tmp_path / "stores" / name.lower())
        (tmp_path / "stores" / name.lower()).mkdir(parents=True)


def paragraphs() -> list[str]:
    return [f"Paragraph {n} tells {'where ' + NAME if n == 2 else 'who else'} was on day {n}." for n in range(6)]


def letters() -> bytes:
    parts = [f"## Part {n}\n\n{text}" for n, text in enumerate(paragraphs())]
    return "\n\n".join([f"# Letters of {NAME}", *parts]).encode()


@pytest.fixture
def material(stores: None, task: Task, owner: User, expert: User) -> Corpus:
    """Everything beside pairs that speaks of somebody: documents, corpora, files, reports, questions, deliveries."""
    project = task.project
    documents_upload(actor=owner, project=project, files=[SimpleUploadedFile("letters.md", letters())])
    run_jobs()
    rows = [{"text": f"{each} {n} " * 3, "id": NAME if n == 2 else str(n)} for n, each in enumerate(paragraphs())]
    whole = SimpleUploadedFile(f"{NAME}.jsonl", "\n".join(map(json.dumps, rows)).encode())
    corpus = corpus_make(actor=owner, project=project, name="Letters", uploads=[whole], documents=True, similar=0)
    nothing = SimpleUploadedFile("short.jsonl", json.dumps({"text": NAME}).encode())
    corpus_make(actor=owner, project=project, name="Too short", uploads=[nothing])
    rows = [{"instruction": "Who?", "output": NAME}, {"instruction": QUESTION, "output": ""}]
    file = SimpleUploadedFile("rows.jsonl", "\n".join(map(json.dumps, rows)).encode())
    batch = import_upload(actor=owner, task=task, upload=file)
    Import.objects.filter(pk=batch.pk).update(report={"problems": [[2, "output", f"{NAME} is empty"]]})
    clean = SimpleUploadedFile("clean.jsonl", b'{"instruction": "Who?", "output": "Nobody."}')
    import_upload(actor=owner, task=task, upload=clean)
    ImportProblem.objects.create(batch=batch, row=2, reason=f"“{NAME}” is no language", excerpt=f"output: {NAME}")
    Question.objects.create(project=project, task=task, instruction=f"Who is {NAME}?", language="en", key="other")
    draft_save(actor=expert, task=task, key="new", fields={"response": NAME}, version=0)
    hook = Webhook.objects.create(url="https://example.org/", events=["job.done"], project=project, created_by=owner)
    Delivery.objects.create(webhook=hook, event="job.done", body=f'{{"about":"{NAME}"}}', next_at=timezone.now())
    SavedView.objects.create(task=task, user=owner, name="Theirs", query={"q": NAME})
    run_jobs()
    corpus.refresh_from_db()
    assert corpus.state == "ready", corpus.error
    return corpus


def erase(owner: User, project: Project, scope: ErasureScope = ErasureScope.PAIR, **chosen: object) -> Erasure:
    erasure = erasure_ask(
        actor=owner, project=project, scope=scope, reason="Request 12", confirmation=project.slug, **chosen
    )
    run_jobs()
    erasure.refresh_from_db()
    return erasure


def tables_with(*needles: str) -> list[str]:
    """Every table in which one of these stands, in whatever column."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            for needle in needles:
                cursor.execute(f'SELECT count(*) FROM "{table}" line_ WHERE line_::text ILIKE %s', [f"%{needle}%"])
                if cursor.fetchone()[0]:
                    found.append(table)
    return sorted(set(found))


def files_with(*needles: str) -> list[str]:
    """Every file of the stores in which one of these stands, by its name."""
    stores = (settings.UPLOADS, settings.CORPUS_STORE, settings.RUN_STORE, settings.MODEL_STORE, settings.EXPORTS)
    paths = [path for store in stores for path in sorted(Path(store).rglob("*")) if path.is_file()]
    held = [path for path in paths if any(needle.encode() in path.read_bytes() for needle in needles)]
    return [path.name for path in held]


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


def material_holds() -> tuple[list[str], list[str]]:
    return tables_with("Zyxander", "Hemlok"), files_with("Zyxander", "Hemlok")


@pytest.mark.slow
def test_words_leave_documents_corpora_files_reports_and_whatever_else_repeats_them(
    material: Corpus, secret: Pair, owner: User, viewer: User, task: Task
) -> None:
    tables, files = material_holds()
    assert {
        "curation_document", "curation_passage", "curation_corpus", "curation_import", "curation_importproblem",
        "curation_question", "curation_draft", "core_delivery", "curation_savedview",
    } <= set(tables)  # fmt: skip
    assert "texts.jsonl" in files
    assert len(files) >= 3, "and the source of the corpus that failed, and the file that waits"
    before, kept = material.sha256, material.texts
    named = revisions_with_words(task.project, NAME)
    seen = erasure_preview(task.project, named, words=NAME)
    assert (seen.documents, seen.looked) == (1, 4)
    assert seen.places > 8
    done = erase(owner, task.project, ErasureScope.WORDS, revisions=named, words=NAME)
    assert done.state == "done", done.error
    assert material_holds() == ([], [])
    assert NAME not in journal_path().read_text()
    material.refresh_from_db()
    assert (material.sha256, material.texts) == (before, kept)
    assert (material.erased, kept) == (2, 7), "the document as one text, and one of six rows"
    document = Document.objects.get()
    assert ("day 1" in document.text, "day 2" in document.text) == (True, False)
    assert document.passages.filter(text="").exists()
    batch, clean = Import.objects.order_by("pk")
    assert (batch.state, "bring it again without it" in batch.error) == ("failed", True)
    assert clean.state == "uploaded"
    client = sign_in(viewer)
    page = client.get(f"/p/{task.project.slug}/corpora/{material.pk}/").content.decode()
    assert "erased, no longer rebuildable" in page
    page = client.get(f"/p/{task.project.slug}/documents/{document.pk}/").content.decode()
    assert "Something of this document was erased" in page
    upload = documents_upload(actor=owner, project=task.project, files=[SimpleUploadedFile("a.md", letters())])
    run_jobs()
    assert "was erased from this project" in upload.files.get().problems[0]


def test_short_texts_leave_documents_unless_they_stand_in_many_and_that_is_told(
    task: Task, expert: User, owner: User
) -> None:
    """The question stands in two documents, once inside a longer word; the answer in eleven."""
    pair = pair_submit(actor=expert, task=task, texts=Texts(instruction="Mia has a red car", response="See our office"))
    texts = ["Day 1.\n\nMia has a red car, too.", "Mia has a red carpet.", *[f"See our office {n}." for n in range(11)]]
    for number, text in enumerate(texts):
        Document.objects.create(
            project=task.project, file_name="a.txt", kind="text", title=str(number), text=text, sha256=f"{number:064}",
            characters=len(text),
        )  # fmt: skip
    done = erase(owner, task.project, revisions=revisions_of_pair(pair))
    assert (done.state, done.counts["documents"], done.counts["common"]) == ("done", 1, 1)
    assert list(Document.objects.order_by("sha256").values_list("text", flat=True)) == [*texts[1:], "Day 1."]
    page = sign_in(owner).get(f"/p/{task.project.slug}/erasures/{done.pk}/").content.decode()
    assert "stand in many documents" in page


@pytest.mark.slow
def test_a_restored_backup_loses_all_of_it_again_without_knowing_the_words(
    material: Corpus, secret: Pair, owner: User, task: Task
) -> None:
    stores = Path(settings.CORPUS_STORE).parent
    shutil.copytree(stores, stores.with_name("backup"))
    models: Any = (Document, Passage, Corpus, Import, Question, Revision)
    before = [row for model in models for row in model.objects.all()]
    named = revisions_with_words(task.project, NAME)
    done = erase(owner, task.project, ErasureScope.WORDS, revisions=named, words=NAME)
    shutil.rmtree(stores)
    shutil.copytree(stores.with_name("backup"), stores)
    Erasure.objects.all().delete()
    for row in before:
        row.save()
    assert len(material_holds()[0]) >= 6
    for task_after in registries.after_restore:
        task_after(lambda _told: None)
    assert material_holds() == ([], [])
    assert Erasure.objects.get().key == done.key
    material.refresh_from_db()
    assert material.erased


def test_what_was_erased_is_not_taken_in_again_by_a_file(secret: Pair, owner: User, task: Task) -> None:
    turns = Revision.objects.get(pk=secret.current_id).turns
    said = [*turns, {"role": "user", "content": QUESTION}, {"role": "assistant", "content": ANSWER}]
    erase(owner, task.project, revisions=revisions_of_pair(secret))
    rows = [{"messages": said}, {"messages": said[-2:]}, {"messages": said}]
    file = SimpleUploadedFile("again.jsonl", "\n".join(map(json.dumps, rows)).encode())
    batch = import_upload(actor=owner, task=task, upload=file)
    batch = import_check(actor=owner, batch=batch, mapping=Mapping.from_json(batch.mapping))
    run_jobs()
    batch.refresh_from_db()
    assert (batch.report["ready"], batch.report["refused"]) == (1, 2)
    import_start(actor=owner, batch=batch, mapping=Mapping.from_json(batch.mapping))
    run_jobs()
    batch.refresh_from_db()
    assert (batch.accepted, batch.refused) == (1, 2)
    assert [(each.row, "erased for good" in each.reason) for each in batch.problems.all()] == [(1, True), (3, True)]


def test_nothing_is_erased_while_files_are_being_read_in(secret: Pair, owner: User, task: Task) -> None:
    Corpus.objects.create(project=task.project, name="Now", folder="now", state="building")
    with pytest.raises(ApplicationError, match="being read into this project"):
        erase(owner, task.project, revisions=revisions_of_pair(secret))
    assert not Erasure.objects.exists()


def test_the_version_says_so_its_hash_holds_and_its_files_lack_the_row(
    secret: Pair, version: DatasetVersion, owner: User, viewer: User, task: Task
) -> None:
    rows = version.counts["pairs"]
    erase(owner, task.project, revisions=revisions_of_pair(secret))
    version.refresh_from_db()
    assert version.erased == 1
    assert version_sha256(version) == (version.sha256, 0)
    assert version_verify(actor=owner, version=version)
    assert len(list(version_lines(version, "apprentice"))) == rows - 1
    page = sign_in(viewer).get(f"/p/{task.project.slug}/versions/{version.pk}/").content.decode()
    assert "1 row erased, no longer rebuildable" in page
    assert api_client(viewer).get(f"/api/v1/dataset-versions/{version.pk}/").json()["erased"] == 1
    Revision.objects.filter(in_versions__version=version, erased_at__isnull=True).update(response="tampered")
    assert version_sha256(version)[1] == rows - 1


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


def test_nothing_goes_without_the_typed_name_a_reason_and_something_to_erase(
    secret: Pair, owner: User, task: Task
) -> None:
    def ask(**changes: object) -> None:
        values = {"reason": "Request", "confirmation": task.project.slug, "revisions": revisions_of_pair(secret)}
        erasure_ask(actor=owner, project=task.project, scope=ErasureScope.PAIR, **{**values, **changes})

    for changes, sentence in (
        ({"confirmation": "yes"}, "Type building-advice"),
        ({"reason": " "}, "Say why"),
        ({"revisions": Revision.objects.none()}, "nothing of this kind"),
    ):
        with pytest.raises(ApplicationError, match=sentence):
            ask(**changes)
    assert not Erasure.objects.exists()
    assert secret.current is not None
    assert Revision.objects.get(pk=secret.current_id).instruction == QUESTION


def test_the_page_shows_first_and_erases_only_with_the_name(
    secret: Pair, version: DatasetVersion, owner: User, task: Task
) -> None:
    client, url = sign_in(owner), f"/p/{task.project.slug}/erasures/"
    page = client.get(f"{url}?scope=pair&pair={secret.pk}").content.decode()
    assert "can no longer be rebuilt" in page
    assert "Erase for good" in page
    assert "What would go" not in client.get(f"{url}?scope=words&words={NAME}").content.decode(), "not by an address"
    wrong = client.post(
        url, {"scope": "pair", "pair": secret.pk, "erase": "1", "reason": "Request", "confirmation": "no"}
    )
    assert wrong.status_code == 400
    assert "Type building-advice to confirm" in wrong.content.decode()
    assert not Erasure.objects.exists()
    assert client.post(url, {"scope": "words", "words": "", "preview": "1"}).status_code == 400
    right = client.post(
        url,
        {"scope": "words", "words": NAME, "erase": "1", "reason": "Request", "confirmation": task.project.slug},
    )
    run_jobs()
    erasure = Erasure.objects.get()
    assert right["Location"] == f"{url}{erasure.pk}/"
    assert "Rows of dataset versions" in client.get(right["Location"]).content.decode()
    assert NAME not in client.get(url).content.decode()


@pytest.mark.slow
def test_the_api_does_the_same(secret: Pair, version: DatasetVersion, owner: User, expert: User, task: Task) -> None:
    client = api_client(owner)
    choice = {"project": task.project.slug, "scope": "pair", "pair": secret.pk}
    seen = client.post("/api/v1/erasures/preview/", choice, format="json").json()
    assert (seen["revisions"], seen["versions"]) == ([secret.current_id], [version.pk])
    refused = client.post("/api/v1/erasures/", {**choice, "reason": "R", "confirmation": "no"}, format="json")
    assert refused.status_code == 400
    assert client.post("/api/v1/erasures/preview/", {**choice, "scope": "person"}, format="json").status_code == 400
    asked = {**choice, "reason": "R", "confirmation": task.project.slug}
    assert api_client(expert).post("/api/v1/erasures/", asked, format="json").status_code == 403
    made = client.post("/api/v1/erasures/", asked, format="json")
    assert made.status_code == 202
    run_jobs()
    done = client.get(f"/api/v1/erasures/{made.json()['id']}/").json()
    assert (done["state"], done["counts"]["version_rows"]) == ("done", 1)
    listed = client.get(f"/api/v1/erasures/?project={task.project.slug}").json()["results"]
    assert [row["id"] for row in listed] == [done["id"]]


@pytest.mark.slow
def test_the_journal_makes_a_restored_database_forget_again(
    secret: Pair, version: DatasetVersion, owner: User, task: Task
) -> None:
    before = {row.pk: row.instruction for row in Revision.objects.all()}
    salt = VersionPair.objects.get(revision__pair=secret).salt
    done = erase(owner, task.project, revisions=revisions_of_pair(secret))
    assert NAME not in journal_path().read_text()
    # The database as a backup of yesterday has it.
    Erasure.objects.all().delete()
    Revision.objects.filter(pair=secret).update(instruction=before[secret.current_id or 0], erased_at=None)
    VersionPair.objects.filter(revision__pair=secret).update(salt=salt)
    told: list[str] = []
    for task_after in registries.after_restore:
        task_after(told.append)
    assert tables_with("Hemlok") == []
    assert told == ["Erased again what was erased after this backup: 1"]
    again = Erasure.objects.get()
    assert (again.key, again.state) == (done.key, "done")
    told.clear()
    for task_after in registries.after_restore:
        task_after(told.append)
    assert told == [], "nothing is left to do"


def test_the_journal_of_another_history_erases_nothing(secret: Pair, owner: User, task: Task) -> None:
    entry = {
        "key": "other", "project": task.project.slug, "scope": "pair", "person": None, "reason": "",
        "revisions": [secret.current_id], "pairs": {str(secret.pk): "2020-01-01T00:00:00+00:00"},
    }  # fmt: skip
    erasure_journal.write(entry)
    with journal_path().open("a") as file:
        file.write('{"key": "cut sho')
    for task_after in registries.after_restore:
        task_after(lambda _told: None)
    assert Revision.objects.get(pk=secret.current_id).instruction == QUESTION


def test_an_erasure_that_fails_is_withdrawn_and_one_without_a_journal_does_not_begin(
    secret: Pair, owner: User, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_erased: object) -> dict[str, int]:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(registries, "erasers", [broken])
    erasure = erasure_ask(
        actor=owner, project=task.project, scope=ErasureScope.PAIR, revisions=revisions_of_pair(secret), reason="R",
        confirmation=task.project.slug,
    )  # fmt: skip
    with pytest.raises(RuntimeError):
        erasure_run(erasure)
    assert journal_entries() == []
    assert len(journal_path().read_text().splitlines()) == 2
    journal_path().unlink()
    journal_path().mkdir()
    try:
        with pytest.raises(JobFailed, match="nothing was erased"):
            erasure_run(erasure)
    finally:
        journal_path().rmdir()
    assert Revision.objects.get(pk=secret.current_id).instruction == QUESTION


@pytest.mark.slow
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


def test_the_journal_lies_beside_the_database_for_its_owner_alone(secret: Pair, owner: User, task: Task) -> None:
    erase(owner, task.project, revisions=revisions_of_pair(secret))
    path = journal_path()
    assert path == Path(settings.HOME) / "erasures" / "journal.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    entry, digests = (json.loads(line) for line in path.read_text().splitlines())
    assert entry["revisions"] == [secret.current_id]
    assert (digests["key"], digests["found"], len(digests["erased"])) == (entry["key"], [], 1)
