"""Documents come in many at once, each told by itself; their passages become work, and pairs keep their passage."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import F
from django.test import Client
from django.urls import reverse

from core.choices import JobState, WorkState
from core.denied import ApplicationError
from core.models import Job, Project, User, WorkItem
from curation.choices import FileState, Origin
from curation.fingerprints import Texts
from curation.models import Document, DocumentUpload, Pair, Passage, Place, Task
from curation.selectors.passages import passages_waiting
from curation.services.document_reading import DocumentReader
from curation.services.documents import document_remove, documents_upload, passages_ask
from curation.services.pairs import pair_revise, pair_submit
from curation.services.tasks import task_create
from curation.services.versions import version_freeze
from tests.ml.documents_made import PAGE, PARAGRAPH, make_pdf
from tests.world import run_jobs

pytestmark = pytest.mark.django_db(transaction=True)
MARKDOWN = f"# Permits\n\n## Garages\n\n{PARAGRAPH}\n\n## Fees\n\n{PARAGRAPH[::-1]}\n"
Bring = Callable[..., DocumentUpload]


@pytest.fixture(autouse=True)
def uploads(settings: Any, tmp_path: Path) -> Path:
    settings.UPLOADS = tmp_path
    return tmp_path


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Answer questions")


@pytest.fixture
def bring(project: Project, expert: User) -> Bring:
    def do(*files: tuple[str, bytes | str], license: str = "") -> DocumentUpload:
        given = [SimpleUploadedFile(name, text.encode() if isinstance(text, str) else text) for name, text in files]
        upload = documents_upload(actor=expert, project=project, files=given, license=license)
        run_jobs()
        return upload

    return do


@pytest.mark.slow
def test_each_file_is_read_or_says_why_and_stops_no_other(
    bring: Bring, uploads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = bring(
        ("permits.md", MARKDOWN), ("page.html", PAGE), ("broken.pdf", b"%PDF-1.7\n%%EOF"), ("a.exe", b"MZ"),
        ("empty.txt", b""), ("report.pdf", make_pdf([["A report about permits."]])), license="Internal use",
    )  # fmt: skip
    assert [(file.name, file.state, file.documents) for file in upload.files.order_by("pk")] == [
        ("permits.md", FileState.READ, 1), ("page.html", FileState.READ, 1), ("broken.pdf", FileState.REFUSED, 0),
        ("a.exe", FileState.REFUSED, 0), ("empty.txt", FileState.REFUSED, 0), ("report.pdf", FileState.READ, 1),
    ]  # fmt: skip
    monkeypatch.setattr("core.sentences.gettext", "«{}»".format)  # another reader, another language
    assert [[sentence[:28] for sentence in file.sentences] for file in upload.files.order_by("pk")] == [
        [], [], ["«The PDF is damaged and cann"], ["«This is none of the kinds t"], ["«The file is empty.»"], [],
    ]  # fmt: skip
    page = Document.objects.get(kind="html")
    assert (page.address, page.title) == ("https://example.org/permits", "Permits for garages")
    assert page.license == "CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)"
    markdown = Document.objects.get(kind="markdown")
    assert markdown.license == "Internal use"
    assert [passage.trail for passage in markdown.passages.all()] == [["Permits", "Garages"], ["Permits", "Fees"]]
    assert not list(uploads.iterdir())


def test_the_same_document_twice_adds_nothing(bring: Bring) -> None:
    bring(("a.md", MARKDOWN))
    again = bring(("b.md", MARKDOWN.replace("\n", "\r\n")))
    assert [(file.documents, file.known, file.state) for file in again.files.all()] == [(0, 1, FileState.READ)]
    assert Document.objects.count() == 1
    assert Passage.objects.count() == 2


def test_a_file_that_kills_its_reader_is_told_and_the_next_one_is_read(
    bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = DocumentReader.line

    def killed_at_the_first(self: DocumentReader, process: Any) -> bytes:
        if not killed:
            killed.append(process.pid)
            os.kill(process.pid, signal.SIGKILL)
        return line(self, process)

    killed: list[int] = []
    monkeypatch.setattr(DocumentReader, "line", killed_at_the_first)
    upload = bring(("first.txt", "One."), ("second.txt", "Two."))
    first, second = upload.files.order_by("pk")
    assert (first.state, second.state) == (FileState.REFUSED, FileState.READ)
    assert "crash" in first.sentences[0]
    assert not Path(f"/proc/{killed[0]}").exists()


def test_a_job_that_is_tried_again_reads_only_what_it_has_not_read(
    bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, seen = DocumentReader.read, []

    def crash_once(self: DocumentReader, path: Path, name: str) -> Any:
        seen.append(name)
        if seen == ["first.txt", "second.txt"]:
            raise OSError("the worker's disk is gone")
        return read(self, path, name)

    monkeypatch.setattr(DocumentReader, "read", crash_once)
    upload = bring(("first.txt", "One."), ("second.txt", "Two."))
    assert seen == ["first.txt", "second.txt", "second.txt"]
    assert [file.documents for file in upload.files.order_by("pk")] == [1, 1]


def test_a_cancelled_reading_says_so_and_leaves_no_file(
    project: Project, expert: User, uploads: Path, api_as: Any
) -> None:
    upload = documents_upload(actor=expert, project=project, files=[SimpleUploadedFile("a.txt", b"One.")])
    Job.objects.filter(pk=upload.job_id).update(state=JobState.STOPPING)
    from core.jobs import end_stopped

    end_stopped(Job.objects.filter(pk=upload.job_id), Job.objects.get(pk=upload.job_id))
    assert upload.files.get().state == FileState.REFUSED
    assert not list(uploads.iterdir())


def test_a_passage_becomes_work_once_and_the_pair_written_from_it_keeps_it(
    bring: Bring, task: Task, expert: User
) -> None:
    bring(("permits.md", MARKDOWN))
    first, second = Passage.objects.order_by("ordinal")
    assert passages_ask(actor=expert, task=task, passages=[first.pk, second.pk]) == 2
    assert passages_ask(actor=expert, task=task, passages=[first.pk]) == 0
    assert [row.passage.pk for row in passages_waiting(task.project)] == [first.pk, second.pk]
    pair = pair_submit(
        actor=expert, task=task, texts=Texts("Is a permit needed?", "Yes, above fifteen square metres."), passage=first
    )
    assert pair.current is not None
    assert (pair.passage, pair.current.origin) == (first, Origin.DOCUMENT)
    assert pair.current.source == f"Permits, Permits › Garages [{first.document_id}.0]"
    assert list(WorkItem.objects.filter(subject_id=first.pk, kind="passage").values_list("state", flat=True)) == [
        WorkState.DONE
    ]
    revised = pair_revise(actor=expert, pair=pair, texts=Texts("Is a permit needed?", "Yes, it is."), version=1)
    assert revised.current is not None
    assert (revised.passage_id, revised.current.origin) == (first.pk, Origin.DOCUMENT)
    with pytest.raises(ApplicationError, match="1 pair was written"):
        document_remove(actor=expert, document=first.document)
    assert Document.objects.exists()


def test_pairs_of_one_passage_never_part_in_a_split(bring: Bring, task: Task, owner: User) -> None:
    bring(("permits.md", MARKDOWN))
    passage = Passage.objects.earliest("pk")
    same = [
        pair_submit(actor=owner, task=task, texts=Texts(question, answer), passage=passage).pk
        for question, answer in (("Is a permit needed?", "Yes."), ("How long does it take?", "Ten weeks."))
    ]
    pair_submit(actor=owner, task=task, texts=Texts("Who pays?", "The owner of the plot."))
    Pair.objects.update(state="approved", approved=F("current"))
    version_freeze(actor=owner, task=task)
    run_jobs()
    groups = dict(Place.objects.values_list("pair_id", "group"))
    assert len(groups) == 3
    assert groups[same[0]] == groups[same[1]]
    assert len(set(groups.values())) == 2


def test_a_document_without_pairs_goes_with_its_passages_and_their_work(bring: Bring, task: Task, owner: User) -> None:
    bring(("permits.md", MARKDOWN))
    passages_ask(actor=owner, task=task, passages=list(Passage.objects.values_list("pk", flat=True)))
    document_remove(actor=owner, document=Document.objects.get())
    assert not Passage.objects.exists()
    assert not WorkItem.objects.filter(state=WorkState.OPEN).exists()


def test_in_the_browser_files_come_in_and_a_pair_is_written_from_a_passage(
    project: Project, task: Task, expert: User, as_user: Callable[[User], Client]
) -> None:
    client = as_user(expert)
    files = [SimpleUploadedFile("permits.md", MARKDOWN.encode()), SimpleUploadedFile("<b>.txt", b"<script>x</script>")]
    answer = client.post(reverse("curation:document-new", args=[project.slug]), {"documents": files, "license": "CC0"})
    assert answer.status_code == 302
    run_jobs()
    page = client.get(answer["Location"]).content.decode()
    assert "&lt;b&gt;.txt" in page
    assert "<b>.txt" not in page
    listed = client.get(reverse("curation:documents", args=[project.slug]) + "?q=permits").content.decode()
    assert "permits.md" in listed
    document = Document.objects.get(file_name="permits.md")
    shown = client.get(reverse("curation:document-detail", args=[project.slug, document.pk])).content.decode()
    assert PARAGRAPH in shown
    ask = reverse("curation:document-ask", args=[project.slug, document.pk])
    passage = document.passages.first()
    assert passage is not None
    other = task_create(actor=expert, project=project, name="Write letters")
    asked = client.post(ask, {"task": other.slug, "passage": [passage.pk]}, follow=True).content.decode()
    assert f'<option value="{other.slug}" selected>' in asked, "whoever goes on to write does so for the same task"
    assert client.post(ask, {"task": task.slug}).status_code == 400
    assert PARAGRAPH[:40] in client.get(reverse("curation:write", args=[project.slug])).content.decode()
    new = reverse("curation:pair-new", args=[project.slug, task.slug])
    editor = client.get(f"{new}?passage={passage.pk}", follow=True)
    assert PARAGRAPH in editor.content.decode()
    key = editor.redirect_chain[0][0].split("key=")[1]
    texts = {"instruction": "Is a permit needed?", "response": "Yes.", "language": "en", "key": key}
    assert f"passage={passage.pk}" in client.post(new, texts)["Location"]
    pair = Pair.objects.get()
    assert pair.passage == passage
    assert PARAGRAPH in client.get(reverse("curation:pair-detail", args=[project.slug, pair.pk])).content.decode()
    assert str(pair.current) == f"#{pair.pk} r1"


@pytest.mark.slow
def test_a_program_does_the_same(project: Project, task: Task, expert: User, stranger: User, api_as: Any) -> None:
    client = api_as(expert)
    files = [SimpleUploadedFile("a.txt", PARAGRAPH.encode()), SimpleUploadedFile("b.exe", b"MZ")]
    made = client.post("/api/v1/documents/", {"project": project.slug, "files": files}, format="multipart")
    assert made.status_code == 202, made.content
    run_jobs()
    upload = client.get(f"/api/v1/document-uploads/{made.json()['id']}/").json()
    assert [(file["name"], file["state"]) for file in upload["files"]] == [("a.txt", "read"), ("b.exe", "refused")]
    [document] = client.get(f"/api/v1/documents/?project={project.slug}").json()["results"]
    assert "text" not in document
    assert client.get(f"/api/v1/documents/{document['id']}/").json()["text"] == PARAGRAPH
    [passage] = client.get(f"/api/v1/documents/{document['id']}/passages/").json()["results"]
    assert client.post(f"/api/v1/documents/{document['id']}/ask/", {"task": task.pk}).json() == {"asked": 1}
    body = {"task": task.pk, "instruction": "Needed?", "response": "Yes.", "passage": passage["id"]}
    assert client.post("/api/v1/pairs/", body).json()["passage"] == passage["id"]
    assert client.post("/api/v1/pairs/", {**body, "passage": 999_999}).status_code == 400
    assert len(client.get(f"/api/v1/pairs/?task={task.pk}&passage={passage['id']}").json()["results"]) == 1
    assert api_as(stranger).get(f"/api/v1/documents/{document['id']}/").status_code == 404
    assert client.delete(f"/api/v1/documents/{document['id']}/").status_code == 403
