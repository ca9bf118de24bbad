"""Documents and the uploads that brought them."""

from django.db.models import Count, Q, QuerySet

from core.models import Project
from curation.models import Document, DocumentUpload


def documents_of(project: Project, words: str = "") -> QuerySet[Document]:
    """Newest first, without their texts; every word must occur in title, file name or address."""
    found = Document.objects.filter(project=project).defer("text").select_related("created_by")
    for word in words.replace("\x00", " ").split()[:5]:
        found = found.filter(Q(title__icontains=word) | Q(file_name__icontains=word) | Q(address__icontains=word))
    return found.annotate(passage_count=Count("passages"))


def uploads_of(project: Project) -> list[DocumentUpload]:
    rows = DocumentUpload.objects.filter(project=project).select_related("job", "created_by")
    return list(rows.annotate(file_count=Count("files")).order_by("-pk")[:20])
