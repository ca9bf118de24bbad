"""The door to what belongs to curation, on top of core.access: an object is found within its project or not at all."""

from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

from core.access import Access, project_access, projects_for
from core.choices import Need, WorkKind
from core.denied import Denied, Refused
from core.models import Assignment
from curation.choices import BULK_NEEDS, BulkKind
from curation.models import (
    Answer,
    BulkAction,
    Corpus,
    DatasetVersion,
    Dismissal,
    Document,
    DocumentUpload,
    Drafting,
    Erasure,
    Export,
    GlossaryWord,
    Import,
    Pair,
    PairLink,
    Passage,
    Question,
    SavedView,
    Suite,
    Task,
)

BULK_PARTS = ("task__project", "task__tokenizer", "job", "created_by", "undoes")
Found = TypeVar("Found", bound=Model)
NEEDS: dict[WorkKind, Need] = {  # what a member must be allowed to do each kind of work
    WorkKind.WRITE: Need.WRITE,
    WorkKind.PASSAGE: Need.WRITE,
    WorkKind.CORRECT: Need.WRITE,
    WorkKind.DECLINE: Need.WRITE,
    WorkKind.REVIEW: Need.REVIEW,
    WorkKind.ADJUDICATE: Need.OWN,
    WorkKind.GRADE: Need.GRADE,
    WorkKind.COMPARE: Need.GRADE,
}
PAIR_PARTS = ("project", "task", "current", "current__author", "approved", "author", "assignee")


def task_access(request: Any, project: str, task: str, need: str = Need.VIEW) -> tuple[Access, Task]:
    access = project_access(request, project, need)
    found = get_object_or_404(Task.objects.select_related("tokenizer"), project=access.project, slug=task)
    found.project = access.project  # known already: not asked for again
    return access, found


def pair_access(request: Any, project: str, pair: int, need: str = Need.VIEW) -> tuple[Access, Pair]:
    access = project_access(request, project, need)
    found = get_object_or_404(Pair.objects.select_related(*PAIR_PARTS), project=access.project, pk=pair)
    return access, found


def link_access(request: Any, project: str, link: int, need: str = Need.VIEW) -> tuple[Access, PairLink]:
    access = project_access(request, project, need)
    parts = [f"{end}__{part}" for end in ("one", "other") for part in ("project", "task", "current")]
    rows = PairLink.objects.select_related(*parts).filter(task__project=access.project)
    return access, get_object_or_404(rows, pk=link)


def import_access(request: Any, project: str, batch: int, need: str = Need.VIEW) -> tuple[Access, Import]:
    access = project_access(request, project, need)
    rows = Import.objects.select_related("task", "task__project", "job", "created_by")
    return access, get_object_or_404(rows, task__project=access.project, pk=batch)


def question_access(request: Any, project: str, question: int, need: str = Need.VIEW) -> tuple[Access, Question]:
    access = project_access(request, project, need)
    rows = Question.objects.select_related("project", "task", "pair", "created_by", "passage__document")
    return access, get_object_or_404(rows, project=access.project, pk=question)


def document_access(request: Any, project: str, document: int, need: str = Need.VIEW) -> tuple[Access, Document]:
    access = project_access(request, project, need)
    rows = Document.objects.select_related("project", "created_by").defer("text")
    return access, get_object_or_404(rows, project=access.project, pk=document)


def passage_access(request: Any, project: str, passage: int, need: str = Need.VIEW) -> tuple[Access, Passage]:
    access = project_access(request, project, need)
    rows = Passage.objects.select_related("document__project").defer("document__text")
    return access, get_object_or_404(rows, document__project=access.project, pk=passage)


def document_upload_access(
    request: Any, project: str, upload: int, need: str = Need.VIEW
) -> tuple[Access, DocumentUpload]:
    access = project_access(request, project, need)
    rows = DocumentUpload.objects.select_related("project", "job", "created_by")
    return access, get_object_or_404(rows, project=access.project, pk=upload)


def version_access(request: Any, project: str, version: int, need: str = Need.VIEW) -> tuple[Access, DatasetVersion]:
    access = project_access(request, project, need)
    rows = DatasetVersion.objects.select_related("task", "task__project", "job", "verification", "created_by")
    return access, get_object_or_404(rows, task__project=access.project, pk=version)


def refuse_onlookers(access: Access) -> None:
    """Raises Refused (403): who may neither write nor review has no hand in texts, and takes no part in the talk."""
    if not access.allows(Need.REVIEW) and isinstance(denied := access.check(Need.WRITE), Denied):
        raise Refused(denied)


def view_access(request: Any, project: str, view: int) -> tuple[Access, SavedView]:
    """A saved view, for who may take it away: its owner, or an owner of the project if it is shared."""
    access = project_access(request, project)
    rows = SavedView.objects.select_related("task__project").filter(task__project=access.project)
    mine = Q(user=access.user) | Q(shared=True) if access.allows(Need.OWN) else Q(user=access.user)
    return access, get_object_or_404(rows.filter(mine), pk=view)


def corpus_access(request: Any, project: str, corpus: int, need: str = Need.VIEW) -> tuple[Access, Corpus]:
    access = project_access(request, project, need)
    rows = Corpus.objects.select_related("project", "job", "created_by")
    return access, get_object_or_404(rows, project=access.project, pk=corpus)


def export_access(request: Any, project: str, export: int, need: str = Need.VIEW) -> tuple[Access, Export]:
    access = project_access(request, project, need)
    rows = Export.objects.select_related("version__task__project", "job", "created_by")
    return access, get_object_or_404(rows, version__task__project=access.project, pk=export)


def bulk_access(request: Any, project: str, action: int, need: str = Need.VIEW) -> tuple[Access, BulkAction]:
    access = project_access(request, project, need)
    return access, get_object_or_404(
        BulkAction.objects.select_related(*BULK_PARTS), task__project=access.project, pk=action
    )


def refuse_bulk(access: Access, kind: str) -> None:
    """Raises Refused (403) when this kind of action over a filter is not this member's to ask for."""
    allowed = access.check(BULK_NEEDS.get(BulkKind(kind), Need.OWN))
    if isinstance(allowed, Denied):
        raise Refused(allowed)


def assignment_access(request: Any, project: str, assignment: int, need: str) -> tuple[Access, Assignment]:
    """A hold on a work item: only the person who has it may act on it, anyone else gets 404.

    What was escalated is an owner's to decide, also when somebody held it while they still were one.
    """
    access = project_access(request, project, need)
    rows = Assignment.objects.select_related("item").filter(user=access.user, item__project=access.project)
    found = get_object_or_404(rows, pk=assignment)
    refuse_kind(access, found)
    return access, found


def refuse_kind(access: Access, assignment: Assignment) -> None:
    allowed = access.check(NEEDS[WorkKind(assignment.item.kind)])
    if isinstance(allowed, Denied):
        raise Refused(allowed)


# --- the API names objects by id alone; the project is found from them, and then the same rules hold -----------------


def task_by_id(request: Any, task: int, need: str = Need.VIEW) -> tuple[Access, Task]:
    return by_id(request, Task.objects.select_related("project", "tokenizer"), task, need, "project")


def pair_by_id(request: Any, pair: int, need: str = Need.VIEW) -> tuple[Access, Pair]:
    return by_id(request, Pair.objects.select_related(*PAIR_PARTS), pair, need, "project")


def dismissal_by_id(request: Any, dismissal: int, need: str = Need.VIEW) -> tuple[Access, Dismissal]:
    return by_id(request, Dismissal.objects.select_related("project", "user"), dismissal, need, "project")


def link_by_id(request: Any, link: int, need: str = Need.VIEW) -> tuple[Access, PairLink]:
    return by_id(request, PairLink.objects.select_related("task__project"), link, need, "task__project")


def import_by_id(request: Any, batch: int, need: str = Need.VIEW) -> tuple[Access, Import]:
    rows = Import.objects.select_related("task__project", "job", "created_by")
    return by_id(request, rows, batch, need, "task__project")


def document_by_id(request: Any, document: int, need: str = Need.VIEW) -> tuple[Access, Document]:
    rows = Document.objects.select_related("project", "created_by").defer("text")
    return by_id(request, rows, document, need, "project")


def passage_by_id(request: Any, passage: int, need: str = Need.VIEW) -> tuple[Access, Passage]:
    rows = Passage.objects.select_related("document__project").defer("document__text")
    return by_id(request, rows, passage, need, "document__project")


def document_upload_by_id(request: Any, upload: int, need: str = Need.VIEW) -> tuple[Access, DocumentUpload]:
    rows = DocumentUpload.objects.select_related("project", "job", "created_by")
    return by_id(request, rows, upload, need, "project")


def version_by_id(request: Any, version: int, need: str = Need.VIEW) -> tuple[Access, DatasetVersion]:
    rows = DatasetVersion.objects.select_related("task__project", "job", "verification", "created_by")
    return by_id(request, rows, version, need, "task__project")


def corpus_by_id(request: Any, corpus: int, need: str = Need.VIEW) -> tuple[Access, Corpus]:
    return by_id(request, Corpus.objects.select_related("project", "job", "created_by"), corpus, need, "project")


def erasure_by_id(request: Any, erasure: int, need: str = Need.VIEW) -> tuple[Access, Erasure]:
    return by_id(request, Erasure.objects.select_related("project", "asked_by", "person"), erasure, need, "project")


def export_by_id(request: Any, export: int, need: str = Need.VIEW) -> tuple[Access, Export]:
    rows = Export.objects.select_related("version__task__project", "job", "created_by")
    return by_id(request, rows, export, need, "version__task__project")


def suite_by_id(request: Any, suite: int, need: str = Need.VIEW) -> tuple[Access, Suite]:
    return by_id(request, Suite.objects.select_related("project", "task", "version"), suite, need, "project")


def question_by_id(request: Any, question: int, need: str = Need.VIEW) -> tuple[Access, Question]:
    return by_id(request, Question.objects.select_related("project", "task"), question, need, "project")


def word_by_id(request: Any, word: int, need: str) -> tuple[Access, GlossaryWord]:
    return by_id(request, GlossaryWord.objects.select_related("project"), word, need, "project")


def view_by_id(request: Any, view: int) -> tuple[Access, SavedView]:
    found = get_object_or_404(SavedView.objects.select_related("task__project"), pk=view)
    return view_access(request, found.task.project.slug, view)


def answer_by_id(request: Any, answer: int, need: str) -> tuple[Access, Answer]:
    return by_id(request, Answer.objects.select_related("question__project"), answer, need, "question__project")


def drafting_by_id(request: Any, drafting: int) -> tuple[Access, Drafting]:
    return by_id(request, Drafting.objects.select_related("project", "task"), drafting, Need.VIEW, "project")


def bulk_by_id(request: Any, action: int, need: str = Need.VIEW) -> tuple[Access, BulkAction]:
    return by_id(request, BulkAction.objects.select_related(*BULK_PARTS), action, need, "task__project")


def assignment_by_id(request: Any, assignment: int) -> tuple[Access, Assignment]:
    """The caller's hold, with the need that its kind of work has."""
    rows = Assignment.objects.select_related("item__project").filter(user=request.user)
    access, found = by_id(request, rows, assignment, Need.VIEW, "item__project")
    refuse_kind(access, found)
    return access, found


def by_id(request: Any, rows: QuerySet[Found], key: int, need: str, path: str) -> tuple[Access, Found]:
    """The row if it lies in a project that the request may see; `path` leads from the row to its project."""
    found = rows.filter(pk=key, **{f"{path}__in": projects_for(request)}).first()
    if found is None:
        raise Http404
    project: Any = found
    for step in path.split("__"):
        project = getattr(project, step)
    return project_access(request, project.slug, need), found
