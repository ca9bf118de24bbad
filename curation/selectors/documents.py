"""Documents and their whole texts. Corpora read them here."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from core.models import Project
from curation.models import Document, DocumentUpload


@dataclass(frozen=True)
class DocumentText:
    """A document as a corpus takes it."""

    id: int
    title: str
    address: str
    license: str
    language: str
    sha256: str
    text: str


def documents_of(project: Project, words: str = "") -> QuerySet[Document]:
    """Newest first, without their texts; every word must occur in title, file name or address."""
    found = Document.objects.filter(project=project).defer("text").select_related("created_by")
    for word in words.replace("\x00", " ").split()[:5]:
        found = found.filter(Q(title__icontains=word) | Q(file_name__icontains=word) | Q(address__icontains=word))
    return found.annotate(passage_count=Count("passages"))


def document_texts(project: Project, ids: Collection[int] | None = None) -> Iterator[DocumentText]:
    """The whole texts, one at a time in the order of their ids: all of a project's, or the named ones."""
    rows = Document.objects.filter(project=project).order_by("pk")
    if ids is not None:
        rows = rows.filter(pk__in=list(ids))
    for row in rows.iterator(chunk_size=50):
        yield DocumentText(row.pk, row.title, row.address, row.license, row.language, row.sha256, row.text)


def uploads_of(project: Project) -> list[DocumentUpload]:
    rows = DocumentUpload.objects.filter(project=project).select_related("job", "created_by")
    return list(rows.annotate(file_count=Count("files")).order_by("-pk")[:20])
