"""Erasing texts for good: asked for by an owner who typed the project's name, done by a job, told to the journal."""

from collections.abc import Callable, Collection

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from core.choices import JobState
from core.denied import ApplicationError
from core.jobs import JobFailed
from core.models import Job, Project, User
from core.services.events import event_record
from core.services.jobs import job_create
from curation.choices import ErasureScope, ErasureState
from curation.models import Erasure, Revision, Task
from curation.selectors.erasures import erasure_preview, models_that_saw
from curation.selectors.named_rows import words_find
from curation.services.erasing import erase_texts, texts_in
from curation.services.erasing_material import files_holding, refuse_under_way, wanted_of
from curation.services.erasure_journal import journal_add, journal_found, journal_replay, journal_withdraw
from curation.services.stock import stock_ask


@transaction.atomic
def erasure_ask(
    *,
    actor: User,
    project: Project,
    revisions: QuerySet[Revision],
    scope: ErasureScope,
    reason: str,
    confirmation: str,
    person: User | None = None,
    words: str = "",
) -> Erasure:
    """Fix what is to go, and queue it. `words` are looked for in everything that the project keeps, and forgotten then.

    Raises ApplicationError: wrong confirmation, no reason, nothing to erase, or files are being read in.
    """
    if confirmation.strip() != project.slug:
        raise ApplicationError(_("Type %(name)s to confirm.") % {"name": project.slug}, field="confirmation")
    if not reason.strip():
        raise ApplicationError(_("Say why, such as the number of the request; no names."), field="reason")
    if words and words.casefold() in reason.casefold():
        raise ApplicationError(_("The reason is kept; leave the words out of it."), field="reason")
    refuse_under_way(project)
    found = erasure_preview(project, revisions, person, words)
    if found.nothing:
        raise ApplicationError(_("There is nothing of this kind left to erase."))
    erasure = Erasure.objects.create(
        project=project,
        scope=scope,
        person=person,
        reason=reason.strip()[:300],
        words=words,
        targets={"revisions": found.revisions, "pairs": found.pairs},
        models_touched=[{"label": entry.label, "url": entry.url} for entry in found.models],
        asked_by=actor,
    )
    erasure.job = job_create(
        actor=actor,
        kind="erase",
        project=project,
        subject=str(erasure),
        subject_url=f"/p/{project.slug}/erasures/{erasure.pk}/",
        arguments={"erasure": erasure.pk},
        once_key=f"erase-{erasure.pk}",
        priority=1,
    )
    erasure.save(update_fields=["job"])
    event_record(
        actor=actor, action="erasure.asked", project=project, subject=erasure, scope=scope,
        revisions=len(found.revisions),
    )  # fmt: skip
    return erasure


def erasure_run(erasure: Erasure) -> Erasure:
    """What the job does, and what a restore does again. The journal has it before the database forgets it."""
    if erasure.state == ErasureState.DONE:
        return erasure
    try:
        refuse_under_way(erasure.project)
        erasure_look(erasure)
        journal_add(erasure)
    except OSError as error:
        sentence = _(
            "The journal of erasures cannot be written (%s), so nothing was erased. Free some space, try again."
        )
        raise JobFailed(sentence % error.strerror) from error
    try:
        erase(erasure)
    except BaseException:
        journal_withdraw(erasure.key)
        raise
    return erasure


def erasure_look(erasure: Erasure) -> None:
    """Name the rows in which the words stand and the waiting files that hold them or one of the texts."""
    targets, project = erasure.targets, erasure.project
    rows = Revision.objects.filter(pk__in=targets["revisions"])
    texts = {text for revision in rows.iterator(chunk_size=2_000) for text in texts_in(revision)}
    needles = wanted_of(project, texts).needles(erasure.words)
    targets["rows"] = words_find(project, erasure.words) if erasure.words else {}
    targets["files"] = files_holding(project, needles)


@transaction.atomic
def erase(erasure: Erasure, digests: Collection[str] | None = None) -> None:
    """`digests` come from the journal when a restored database is to forget what it has forgotten before."""
    gone = erase_texts(erasure, digests or ())
    models = models_that_saw(erasure.targets["revisions"], gone.corpora)
    erasure.models_touched = [{"label": entry.label, "url": entry.url} for entry in models]
    erasure.counts, erasure.words = gone.counts, ""
    erasure.state, erasure.error, erasure.ended_at = ErasureState.DONE, "", timezone.now()
    erasure.save(update_fields=["counts", "words", "targets", "models_touched", "state", "error", "ended_at"])
    event_record(
        actor=erasure.asked_by, action="erasure.done", project=erasure.project, subject=erasure, **erasure.counts
    )
    if digests is None:
        journal_found(erasure.key, found=gone.found, erased=gone.erased)
    else:
        numbers_ask(erasure)


def numbers_ask(erasure: Erasure) -> None:
    """Take stock of the tasks whose pairs lost texts."""
    for task in Task.objects.filter(pairs__in=erasure.targets["pairs"]).select_related("project").distinct():
        stock_ask(actor=None, task=task, whole=True)


def erasures_again(tell: Callable[[str], None]) -> None:
    """After a restore: what was erased since that backup is erased in it too."""
    journal_replay(tell, erase)


def erasure_ended(erasure_id: int, job: Job) -> None:
    """What was counted over the texts went with them: it is counted anew, without waiting for somebody to ask."""
    if job.state == JobState.DONE:
        numbers_ask(Erasure.objects.get(pk=erasure_id))
        return
    Erasure.objects.filter(pk=erasure_id, state=ErasureState.WAITING).update(
        state=ErasureState.FAILED, words="", error=job.error or job.message, ended_at=Now()
    )
