"""An import taken back as a whole: its pairs go to the trash, but for those that people have worked on since."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.choices import JobState, WorkKind, WorkState
from core.denied import ApplicationError
from core.jobs import JobContext
from core.models import Job, User, WorkItem
from core.services.events import event_record
from core.services.jobs import job_create
from curation.choices import ImportState, PairState
from curation.models import Import, Pair
from curation.subjects import PAIR

BATCH = 5_000


@transaction.atomic
def import_undo(*, actor: User, batch: Import) -> Import:
    """Queue the taking back. Twice is once. Raises ApplicationError for an import that brought nothing in."""
    batch = Import.objects.select_for_update(of=("self",)).select_related("task__project").get(pk=batch.pk)
    if batch.state in (ImportState.UNDOING, ImportState.UNDONE):
        return batch
    if batch.state != ImportState.DONE:
        raise ApplicationError(_("Only an import that is done can be taken back; this one left nothing behind."))
    project = batch.task.project
    batch.state = ImportState.UNDOING
    batch.job = job_create(
        actor=actor,
        kind="import-undo",
        project=project,
        subject=batch.file_name,
        subject_url=f"/p/{project.slug}/imports/{batch.pk}/",
        arguments={"import": batch.pk},
        once_key=f"import-undo-{batch.pk}",
    )
    batch.save(update_fields=["state", "job"])
    event_record(actor=actor, action="import.undo", project=project, subject=batch)
    return batch


def import_take_back(batch: Import, context: JobContext) -> dict[str, Any]:
    """What the job does, batch by batch; tried again it goes on.

    A pair with a newer revision is somebody's work: it stays. The trashed pairs forget the row they came from, so that
    the same file may be brought again.
    """
    untouched = Pair.objects.filter(imported_by=batch, version=1).exclude(import_key="")
    total, done, last = max(1, untouched.count()), 0, 0
    while ids := list(untouched.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        context.checkpoint()
        with transaction.atomic():
            context.fenced(message=_("Taking the pairs back"))
            work = WorkItem.objects.filter(subject_type=PAIR, subject_id__in=ids, state=WorkState.OPEN)
            work.filter(kind=WorkKind.REVIEW).update(state=WorkState.CLOSED)
            untouched.filter(pk__in=ids).update(state=PairState.TRASHED, import_key="")
        done += len(ids)
        last = ids[-1]
        context.fruitful()
        context.progress(done, total)
    kept = Pair.objects.filter(imported_by=batch).exclude(state=PairState.TRASHED).count()
    return {"trashed": done, "kept": kept}


def undo_ended(batch_id: int, job: Job) -> None:
    """Done: it is undone. Otherwise it is as it was, and can be taken back again from where this ended."""
    state = ImportState.UNDONE if job.state == JobState.DONE else ImportState.DONE
    Import.objects.filter(pk=batch_id, state=ImportState.UNDOING).update(state=state)
