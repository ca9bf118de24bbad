"""Corpora: files are kept under our own names, a job in a child makes texts of them, and the result never changes."""

import json
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import RestrictedError
from django.utils.translation import gettext as _

from core.choices import JobState
from core.denied import ApplicationError
from core.models import Job, Project, User
from core.sentences import explained
from core.services.events import event_record
from core.services.jobs import job_create
from curation.choices import CorpusState
from curation.models import Corpus, Document
from curation.selectors.corpora import corpus_folder
from curation.services.imports import Upload, keep
from ml.corpus.shapes import ENDINGS, SETTINGS, CorpusError, CorpusSettings

MOST_FILES = 500
DOCUMENTS = "source-documents"


def corpus_make(
    *,
    actor: User,
    project: Project,
    name: str,
    uploads: Sequence[Upload] = (),
    documents: bool = False,
    source: str = "",
    licence: str = "",
    **choices: Any,
) -> Corpus:
    """Keep the files and have a corpus made of them. Raises ApplicationError and keeps nothing then.

    With `documents` the project's documents belong to it, as they are when the job begins. `choices` are those of
    ml.corpus.shapes.CorpusSettings.
    """
    name = name.strip()
    refuse_name(project, name)
    cleaning = settings_of(choices)
    for upload in uploads:
        refuse_kind(str(upload.name))
    if len(uploads) > MOST_FILES:
        raise ApplicationError(_("Bring at most %d files.") % MOST_FILES, field="sources")
    if not uploads and not (documents and Document.objects.filter(project=project).exists()):
        raise ApplicationError(
            _("There is nothing to make a corpus of: bring files, or documents first."), field="sources"
        )
    folder = settings.CORPUS_STORE / f"corpus-{secrets.token_hex(8)}"
    folder.mkdir(parents=True, mode=0o700)
    try:
        files = [kept(upload, folder, number) for number, upload in enumerate(uploads)]
        if documents:
            files.append({"path": DOCUMENTS, "name": "documents.jsonl"})
        return corpus_record(actor, project, name, folder, files, source, licence, cleaning)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def refuse_name(project: Project, name: str) -> None:
    if not name:
        raise ApplicationError(_("Give the corpus a name."), field="name")
    if Corpus.objects.filter(project=project, name=name).exists():
        raise ApplicationError(_("Another corpus of this project has this name already."), field="name")


def refuse_kind(name: str) -> None:
    if not name.lower().endswith(ENDINGS):
        text = _("“%(name)s” is none of the kinds that are read: %(kinds)s.")
        raise ApplicationError(text % {"name": name[:100], "kinds": ", ".join(ENDINGS)}, field="sources")


def settings_of(choices: dict[str, Any]) -> CorpusSettings:
    try:
        return CorpusSettings(**choices)
    except CorpusError as error:
        raise ApplicationError(explained(error)) from error


def kept(upload: Upload, folder: Path, number: int) -> dict[str, str]:
    name = Path(str(upload.name)).name.replace("\x00", "")[:200]
    path = folder / f"source-{number:04d}"
    keep(upload.chunks(), path)
    return {"path": path.name, "name": name}


@transaction.atomic
def corpus_record(
    actor: User,
    project: Project,
    name: str,
    folder: Path,
    files: list[dict[str, str]],
    source: str,
    licence: str,
    cleaning: CorpusSettings,
) -> Corpus:
    try:
        with transaction.atomic():
            corpus = Corpus.objects.create(
                project=project,
                name=name,
                folder=folder.name,
                files=files,
                source=source.strip()[:300],
                licence=licence.strip()[:120],
                settings=cleaning.to_json(),
                created_by=actor,
            )
    except IntegrityError:
        refuse_name(project, name)
        raise
    corpus.job = corpus_job(actor, corpus)
    corpus.save(update_fields=["job"])
    event_record(actor=actor, action="corpus.asked", project=project, subject=corpus, summary=name, files=len(files))
    return corpus


def corpus_job(actor: User, corpus: Corpus) -> Job:
    return job_create(
        actor=actor,
        kind="corpus",
        project=corpus.project,
        subject=corpus.name,
        subject_url=f"/p/{corpus.project.slug}/corpora/{corpus.pk}/",
        arguments={"corpus": corpus.pk},
        once_key=f"corpus-{corpus.pk}",
    )


def corpus_prepare(corpus: Corpus) -> Path:
    """What the child reads, written before it starts; returns the folder."""
    folder = corpus_folder(corpus)
    if any(file["path"] == DOCUMENTS for file in corpus.files) and not (folder / DOCUMENTS).exists():
        documents_write(corpus, folder / DOCUMENTS)
    files = [{**file, "path": str(folder / file["path"])} for file in corpus.files]
    (folder / SETTINGS).write_text(json.dumps({"files": files, "settings": corpus.settings}), encoding="utf-8")
    return folder


def documents_write(corpus: Corpus, path: Path) -> None:
    """The project's documents, one JSON line each, all or none."""
    part = path.with_suffix(".part")
    rows = Document.objects.filter(project=corpus.project_id).order_by("pk").values_list("title", "text")
    with part.open("w", encoding="utf-8") as file:
        for title, text in rows.iterator(chunk_size=100):
            file.write(json.dumps({"id": title, corpus.settings["column"]: text}, ensure_ascii=False) + "\n")
    part.replace(path)


@transaction.atomic
def corpus_ready(*, corpus: Corpus, report: dict[str, Any]) -> Corpus:
    """The texts are there: freeze. What they were made of is not needed any more."""
    corpus = Corpus.objects.select_for_update(of=("self",)).select_related("project", "created_by").get(pk=corpus.pk)
    if corpus.state == CorpusState.READY:
        return corpus
    corpus.state, corpus.error, corpus.report, corpus.sha256 = CorpusState.READY, "", report, report["sha256"]
    corpus.texts = sum(report["texts"].values())
    corpus.train_bytes = report["bytes"].get("train", 0)
    corpus.heldout_bytes = report["bytes"].get("heldout", 0)
    corpus.save()
    event_record(
        actor=corpus.created_by, action="corpus.frozen", project=corpus.project, subject=corpus, summary=corpus.name,
        sha256=corpus.sha256, texts=corpus.texts,
    )  # fmt: skip
    folder = corpus_folder(corpus)
    transaction.on_commit(lambda: sources_forget(folder))
    return corpus


def sources_forget(folder: Path) -> None:
    for path in folder.glob("source-*"):
        path.unlink(missing_ok=True)


def corpus_failed(*, corpus: int, job: Job) -> None:
    if job.state != JobState.DONE:
        reason = job.error or job.message
        Corpus.objects.filter(pk=corpus, state=CorpusState.BUILDING).update(state=CorpusState.FAILED, error=reason)


@transaction.atomic
def corpus_again(*, actor: User, corpus: Corpus) -> Corpus:
    """Make one again that failed; what was read before is kept."""
    corpus = Corpus.objects.select_for_update(of=("self",)).select_related("project").get(pk=corpus.pk)
    if corpus.state != CorpusState.FAILED:
        raise ApplicationError(_("Only a corpus that failed can be made again."))
    corpus.job = corpus_job(actor, corpus)
    corpus.state, corpus.error = CorpusState.BUILDING, ""
    corpus.save(update_fields=["job", "state", "error"])
    return corpus


@transaction.atomic
def corpus_delete(*, actor: User, corpus: Corpus) -> None:
    """Throw a corpus away with its texts, unless a model was made of it. Raises ApplicationError."""
    corpus = Corpus.objects.select_for_update(of=("self",)).select_related("project").get(pk=corpus.pk)
    if corpus.state == CorpusState.BUILDING:
        raise ApplicationError(_("This corpus is being made; stop its job first."))
    folder, project, name = corpus_folder(corpus), corpus.project, corpus.name
    try:
        corpus.delete()
    except RestrictedError as error:
        raise ApplicationError(_("Runs have learnt from this corpus; it stays as long as they do.")) from error
    event_record(actor=actor, action="corpus.deleted", project=project, summary=name)
    transaction.on_commit(lambda: shutil.rmtree(folder, ignore_errors=True))
