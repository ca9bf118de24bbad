"""Documents brought in by people: files kept, read by a job, cut into passages, and passages asked to be work."""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.choices import WorkKind, WorkState
from core.denied import ApplicationError
from core.jobs import JobContext
from core.models import Job, Project, User, WorkItem
from core.services.events import event_record
from core.services.jobs import job_create
from curation.choices import FileState, QuestionState
from curation.models import Document, DocumentFile, DocumentUpload, Pair, Passage, Question, Task
from curation.services.document_reading import DocumentReader
from curation.services.erased_texts import Forgotten
from curation.services.imports import keep
from curation.services.questions import question_withdraw
from curation.subjects import PASSAGE, review_batch
from ml.documents import DocumentError, kind_of, split_passages
from ml.hashing import text_sha256
from ml.phrases import beside

MOST_FILES = 1_000
MOST_PROBLEMS = 200  # of one file, kept with their sentences
MOST_ASKED = 2_000  # passages in one request for pairs


def documents_upload(*, actor: User, project: Project, files: Sequence[Any], license: str = "") -> DocumentUpload:
    """Keep the files and ask for their reading. A file of a kind that is not read is told and stops no other.

    Raises ApplicationError when there is none, when there are too many, or when the disk is full.
    """
    if not files:
        raise ApplicationError(_("Choose at least one file."), field="files")
    if len(files) > MOST_FILES:
        raise ApplicationError(_("These are more than %d files; bring them in parts.") % MOST_FILES, field="files")
    kept: list[DocumentFile] = []
    try:
        for file in files:
            kept.append(file_keep(file))
        return upload_record(actor, project, kept, license.strip()[:300])
    except BaseException:
        for row in kept:
            file_path(row).unlink(missing_ok=True)
        raise


def file_keep(file: Any) -> DocumentFile:
    name = Path(str(file.name)).name.replace("\x00", "")[:200]
    row = DocumentFile(name=name, path="", size=0, sha256="")
    try:
        kind_of(name)
    except DocumentError as error:
        row.state, row.problems = FileState.REFUSED, [{"sentence": str(error), **beside(error.args[0])}]
        return row
    folder = Path(settings.UPLOADS)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    row.path = f"{secrets.token_hex(16)}.document"
    try:
        row.size, row.sha256 = keep(file.chunks(), folder / row.path)
    except ApplicationError:
        file_path(row).unlink(missing_ok=True)
        raise
    return row


@transaction.atomic
def upload_record(actor: User, project: Project, files: list[DocumentFile], license: str) -> DocumentUpload:
    upload = DocumentUpload.objects.create(project=project, license=license, created_by=actor)
    for file in files:
        file.upload = upload
    DocumentFile.objects.bulk_create(files)
    upload.job = job_create(
        actor=actor,
        kind="documents",
        project=project,
        subject=files[0].name if len(files) == 1 else _("%d files") % len(files),
        subject_url=f"/p/{project.slug}/documents/uploads/{upload.pk}/",
        arguments={"upload": upload.pk},
        once_key=f"documents-{upload.pk}",
    )
    upload.save(update_fields=["job"])
    event_record(actor=actor, action="documents.uploaded", project=project, subject=upload, files=len(files))
    return upload


def file_path(file: DocumentFile) -> Path:
    return Path(settings.UPLOADS) / (Path(file.path).name or "none")


def documents_read(upload: DocumentUpload, context: JobContext) -> dict[str, Any]:
    """What the job does: every file that still waits, each complete in itself, so that a later attempt goes on."""
    files = list(upload.files.order_by("pk"))
    with DocumentReader() as reader:
        for done, file in enumerate(files):
            context.checkpoint()
            context.progress(done, len(files), _("Reading %s") % file.name)
            if file.state == FileState.WAITING:
                found = list(reader.read(file_path(file), file.name))
                file_store(upload, file, found, context)
                context.fruitful()
    counts = upload.files.values_list("documents", "known")
    return {"documents": sum(new for new, _known in counts), "known": sum(known for _new, known in counts)}


@transaction.atomic
def file_store(upload: DocumentUpload, file: DocumentFile, found: list[dict[str, Any]], context: JobContext) -> None:
    context.fenced(heartbeat_at=context.job.heartbeat_at)  # the row stays locked, so ours, until the commit
    forgotten = Forgotten(upload.project_id)
    for said in found:
        if "error" not in said and forgotten.known(text_sha256(said["text"])):
            said = {"error": _("This text was erased from this project; it is not taken in again as it was.")}
        if "error" in said:
            told = {"sentence": said["error"][:400], "said": said.get("said")}
            file.problems = [*file.problems, told][:MOST_PROBLEMS]
        elif document_store(upload, file, said):
            file.documents += 1
        else:
            file.known += 1
    file.state = FileState.READ if file.documents or file.known else FileState.REFUSED
    file.save(update_fields=["documents", "known", "problems", "state"])
    path = file_path(file)
    transaction.on_commit(lambda: path.unlink(missing_ok=True))


def document_store(upload: DocumentUpload, file: DocumentFile, said: dict[str, Any]) -> bool:
    """One document with its passages; False when the project has this very text already."""
    text = said["text"]
    document, created = Document.objects.get_or_create(
        project_id=upload.project_id,
        sha256=text_sha256(text),
        defaults={
            "file": file,
            "file_name": file.name,
            "kind": said["kind"],
            "title": said["title"][:300] or file.name,
            "address": said["address"][:500],
            "license": (said["license"] or upload.license)[:300],
            "language": said["language"][:12],
            "dated": said["date"][:40],
            "text": text,
            "characters": len(text),
            "created_by_id": upload.created_by_id,
        },
    )
    if created:
        Passage.objects.bulk_create(
            [
                Passage(
                    document=document,
                    ordinal=ordinal,
                    text=passage.text,
                    trail=[name[:300] for name in passage.trail],
                    page=passage.page,
                )
                for ordinal, passage in enumerate(split_passages(text, pages=tuple(said["pages"])))
            ],
            batch_size=2_000,
        )
    return created


def upload_ended(upload_id: int, job: Job) -> None:
    """Files that were not reached when the job ended early leave nothing on the disk, and say so."""
    for file in DocumentFile.objects.filter(upload=upload_id, state=FileState.WAITING):
        file.state, file.problems = FileState.REFUSED, [job.error or job.message or _("Not reached.")]
        file.save(update_fields=["state", "problems"])
        path = file_path(file)
        transaction.on_commit(lambda path=path: path.unlink(missing_ok=True))  # type: ignore[misc]


@transaction.atomic
def passages_ask(*, actor: User, task: Task, passages: Sequence[int], note: str = "") -> int:
    """Ask for pairs that these passages answer: one piece of writing work each. Returns how many are new.

    A passage that waits for a writer in this task already is not asked for twice. Raises ApplicationError.
    """
    if not passages:
        raise ApplicationError(_("Choose at least one passage."), field="passages")
    if len(passages) > MOST_ASKED:
        raise ApplicationError(_("Ask for at most %d passages at a time.") % MOST_ASKED, field="passages")
    known = Passage.objects.filter(pk__in=list(passages), document__project=task.project_id)
    batch = review_batch(task.pk)
    open_items = WorkItem.objects.filter(kind=WorkKind.PASSAGE, subject_type=PASSAGE, batch=batch, state="open")
    asked = set(open_items.filter(subject_id__in=list(passages)).values_list("subject_id", flat=True))
    fresh = [pk for pk in known.order_by("document_id", "ordinal").values_list("pk", flat=True) if pk not in asked]
    WorkItem.objects.bulk_create(
        [
            WorkItem(
                project_id=task.project_id, kind=WorkKind.PASSAGE, subject_type=PASSAGE, subject_id=pk, batch=batch,
                note=note.strip() or _("Write pairs that this passage answers."),
            )
            for pk in fresh
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    event_record(actor=actor, action="passages.asked", project=task.project, subject=task, passages=len(fresh))
    return len(fresh)


@transaction.atomic
def document_remove(*, actor: User, document: Document) -> None:
    """Take a document away with its passages and the work that waits on them.

    Raises ApplicationError when pairs were written from it: they keep their passage.
    """
    pairs = Pair.objects.filter(passage__document=document).count()
    if pairs:
        text = ngettext(
            "%(count)d pair was written from this document and rests on it; it stays.",
            "%(count)d pairs were written from this document and rest on it; it stays.",
            pairs,
        ) % {"count": pairs}
        raise ApplicationError(text)
    for question in Question.objects.filter(passage__document=document, state=QuestionState.OPEN):
        question_withdraw(actor=actor, question=question)
    asked = WorkItem.objects.filter(kind=WorkKind.PASSAGE, subject_type=PASSAGE, state=WorkState.OPEN)
    asked.filter(subject_id__in=document.passages.values("pk")).update(state=WorkState.CLOSED)
    event_record(
        actor=actor, action="document.removed", project=document.project, subject=document, sha256=document.sha256
    )
    document.delete()
