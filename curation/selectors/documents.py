"""Documents, their passages, and what was made of them. Editor and corpora read them here."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from core.choices import WorkKind
from core.models import Project, WorkItem
from curation.models import Document, DocumentUpload, Pair, Passage, Task
from curation.services.pairs import PASSAGE, review_batch


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


@dataclass(frozen=True)
class PassageRow:
    """A passage in a list, with the pairs written from it and whether a writer is asked for."""

    passage: Passage
    pairs: int
    asked: bool


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


def passage_of(project: Project, passage: Any) -> Passage | None:
    """The passage with its document, if it lies in this project; anything that is no id gives None."""
    text = str(passage or "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        return None
    return (
        Passage.objects.filter(pk=int(text), document__project=project)
        .select_related("document")
        .defer("document__text")
        .first()
    )


PASSAGE_KEY = re.compile(r"passage-(\d{1,18})-[A-Za-z0-9_-]+")


def passage_of_key(project: Project, key: str) -> Passage | None:
    """The passage before the writer's eyes: a draft's key names it, so that it is there again after a reload."""
    found = PASSAGE_KEY.fullmatch(key)
    return passage_of(project, found.group(1)) if found else None


def passages_waiting(project: Project, task: Task | None = None) -> list[tuple[Task, Passage]]:
    """Passages that a writer is asked for, oldest request first; 20 at most, with the task that asks."""
    items = WorkItem.objects.filter(project=project, kind=WorkKind.PASSAGE, subject_type=PASSAGE, state="open")
    tasks = {review_batch(each.pk): each for each in Task.objects.filter(project=project)}
    if task is not None:
        items = items.filter(batch=review_batch(task.pk))
    asked = list(items.order_by("batch", "order", "pk").values_list("batch", "subject_id")[:20])
    rows = Passage.objects.select_related("document").defer("document__text").in_bulk([pk for _batch, pk in asked])
    return [(tasks[batch], rows[pk]) for batch, pk in asked if batch in tasks and pk in rows]


def passage_rows(passages: list[Passage], task: Task | None) -> list[PassageRow]:
    """Each with its pairs and whether this task asks for more; two queries however many there are."""
    ids = [passage.pk for passage in passages]
    counted = Pair.objects.filter(passage__in=ids).exclude(state="trashed").values_list("passage")
    pairs = dict(counted.annotate(count=Count("pk")).order_by())
    asked: set[int] = set()
    if task is not None:
        open_items = WorkItem.objects.filter(
            kind=WorkKind.PASSAGE, subject_type=PASSAGE, batch=review_batch(task.pk), state="open", subject_id__in=ids
        )
        asked = set(open_items.values_list("subject_id", flat=True))
    return [PassageRow(passage, pairs.get(passage.pk, 0), passage.pk in asked) for passage in passages]


def uploads_of(project: Project) -> list[DocumentUpload]:
    rows = DocumentUpload.objects.filter(project=project).select_related("job", "created_by")
    return list(rows.annotate(file_count=Count("files")).order_by("-pk")[:20])
