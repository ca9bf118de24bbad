"""An erasure reaches documents, corpora and files too, keeps what only sounds alike, and holds after a restore."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from core import registries
from core.denied import ApplicationError
from core.models import Delivery, User, Webhook
from curation.choices import ErasureScope
from curation.fingerprints import Texts
from curation.import_mapping import Mapping
from curation.models import (
    Corpus,
    Document,
    Erasure,
    Import,
    ImportProblem,
    Pair,
    Passage,
    Question,
    Revision,
    SavedView,
    Task,
)
from curation.selectors.erasures import erasure_preview, revisions_of_pair, revisions_with_words
from curation.services.corpora import corpus_make
from curation.services.documents import documents_upload
from curation.services.drafts import draft_save
from curation.services.erasure_journal import journal_path
from curation.services.import_report import import_check
from curation.services.imports import import_start, import_upload
from curation.services.pairs import pair_submit
from tests.curation.erasing.world import ANSWER, NAME, QUESTION, erase, files_with, tables_with
from tests.world import run_jobs, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


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
    assert "was erased from this project" in upload.files.get().problems[0]["sentence"]


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
