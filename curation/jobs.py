"""Curation's background work."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from core.child import supervise
from core.choices import JobState, Queue
from core.jobs import JobContext, JobRunner, LeaseLost, job_kind, owned
from core.models import Job
from core.sentences import in_words
from curation.models import BulkAction, Corpus, DatasetVersion, DocumentUpload, Erasure, Export, Import, Pair, Task
from curation.services.building import version_build
from curation.services.bulk import bulk_run
from curation.services.corpora import corpus_failed, corpus_prepare, corpus_ready
from curation.services.documents import documents_read, upload_ended
from curation.services.embedding import MOST as MOST_EMBEDDED
from curation.services.embedding import embeddings_again, embeddings_ask, embeddings_update
from curation.services.erasures import erasure_ended, erasure_run
from curation.services.exports import export_build
from curation.services.import_report import check_ended, import_look
from curation.services.import_undo import import_take_back, undo_ended
from curation.services.imports import import_ended, import_run, index_ask
from curation.services.indexing import index_run, recheck_run
from curation.services.leaks import leaks_update
from curation.services.likeness import likeness_ask, likeness_update
from curation.services.meaning import meanings_update
from curation.services.previewing import preview_count
from curation.services.stock import stock_ask, stock_ended, stock_take
from curation.services.verifying import verification_run
from curation.services.versions import version_failed


def hold(context: JobContext) -> None:
    """Inside a transaction: make sure that the job is ours until the commit."""
    if not owned(context.job).select_for_update().exists():
        context.lost.set()
        raise LeaseLost(f"job {context.job.pk}")


def progress_of(context: JobContext) -> Callable[[int, int, str], None]:
    """Tells how far the job is; raises when it should end."""

    def tell(done: int, total: int, message: str) -> None:
        context.checkpoint()
        context.progress(done, total, message)

    return tell


@job_kind
class Freeze(JobRunner):
    kind = "freeze"
    queue = Queue.DEFAULT
    title = _("Freeze a dataset version")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        version = DatasetVersion.objects.select_related("task__project", "created_by").get(
            pk=context.arguments["version"]
        )

        version = version_build(version, progress_of(context), lambda: hold(context))
        return {"version": version.pk, "sha256": version.sha256, "pairs": version.counts["pairs"]}

    def ended(self, job: Job) -> None:
        if job.state != JobState.DONE:
            version_failed(job.arguments["version"], job)
        elif task := Task.objects.select_related("project").filter(versions=job.arguments["version"]).first():
            likeness_ask(actor=job.requested_by, task=task)  # there are suites now that nothing was compared with


@job_kind
class VerifyVersion(JobRunner):
    kind = "verify-version"
    queue = Queue.DEFAULT
    title = _("Verify a dataset version")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        rows = DatasetVersion.objects.select_related("task__project")
        version = rows.filter(pk=context.arguments["version"]).first()
        if version is None:
            return None
        return verification_run(version, context.job.requested_by, progress_of(context), lambda: hold(context))


@job_kind
class PreviewFreeze(JobRunner):
    """Of a large task: what its next version would hold, for the page on which it is frozen."""

    kind = "freeze-preview"
    queue = Queue.DEFAULT
    title = _("Count what the next version would hold")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        task = Task.objects.select_related("project").filter(pk=context.arguments["task"]).first()
        if task is None:
            return None
        counts = preview_count(task, context.arguments["train_share"], progress_of(context))
        return {"pairs": counts.approved, "waiting": counts.waiting}


@job_kind
class ImportPairs(JobRunner):
    kind = "import"
    queue = Queue.DEFAULT
    title = _("Import pairs")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        batch = Import.objects.select_related("task__project").get(pk=context.arguments["import"])
        return import_run(batch, context)

    def ended(self, job: Job) -> None:
        import_ended(job.arguments["import"], job)


@job_kind
class CheckImport(JobRunner):
    kind = "import-check"
    queue = Queue.DEFAULT
    title = _("Look through a file of pairs")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        batch = Import.objects.select_related("task__project").get(pk=context.arguments["import"])
        return import_look(batch, context)

    def ended(self, job: Job) -> None:
        check_ended(job.arguments["import"], job)


@job_kind
class UndoImport(JobRunner):
    kind = "import-undo"
    queue = Queue.DEFAULT
    title = _("Take an import back")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        return import_take_back(Import.objects.get(pk=context.arguments["import"]), context)

    def ended(self, job: Job) -> None:
        undo_ended(job.arguments["import"], job)


@job_kind
class PackExport(JobRunner):
    kind = "export"
    queue = Queue.DEFAULT
    title = _("Pack a dataset version")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        rows = Export.objects.select_related("version__task__project")
        found = rows.filter(pk=context.arguments["export"]).first()
        return export_build(found, context) if found else None


@job_kind
class ReadDocuments(JobRunner):
    kind = "documents"
    queue = Queue.DEFAULT
    title = _("Read documents")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        upload = DocumentUpload.objects.select_related("project").get(pk=context.arguments["upload"])
        return documents_read(upload, context)

    def ended(self, job: Job) -> None:
        upload_ended(job.arguments["upload"], job)


@job_kind
class Bulk(JobRunner):
    kind = "bulk"
    queue = Queue.DEFAULT
    title = _("Change all pairs of a filter")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        parts = ("task__project", "task__tokenizer", "created_by")
        action = BulkAction.objects.select_related(*parts).get(pk=context.arguments["action"])
        return bulk_run(action, context, lambda: hold(context))


@job_kind
class Index(JobRunner):
    kind = "index"
    queue = Queue.DEFAULT
    title = _("Check imported pairs and make them findable")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        task = Task.objects.select_related("project", "tokenizer").filter(pk=context.arguments["task"]).first()
        return index_run(task, context) if task else None

    def ended(self, job: Job) -> None:
        task = Task.objects.select_related("project").filter(pk=job.arguments["task"]).first()
        # An import may have ended after our last look and found this job still open.
        if task and job.state == JobState.DONE:
            if Pair.objects.filter(task=task, found__isnull=True).exists():
                index_ask(actor=job.requested_by, task=task)
            likeness_ask(actor=job.requested_by, task=task)


@job_kind
class Compare(JobRunner):
    """Which pairs of a task say the same or nearly so, or give test items away: kept for freezes, checks and pages."""

    kind = "likeness"
    queue = Queue.DEFAULT
    title = _("Look for pairs that say nearly the same")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        task = Task.objects.select_related("project").filter(pk=context.arguments["task"]).first()
        if task is None:
            return None
        fresh = likeness_update(task, progress_of(context), context.fruitful)
        leaks_update(task, progress_of(context), context.fruitful)
        meanings_update(task, progress_of(context), context.fruitful)
        return {"pairs": fresh}

    def ended(self, job: Job) -> None:
        task = Task.objects.select_related("project").filter(pk=job.arguments["task"]).first()
        if task and job.state == JobState.DONE:
            stock_ask(actor=job.requested_by, task=task)


@job_kind
class Erase(JobRunner):
    kind = "erase"
    queue = Queue.DEFAULT
    title = _("Erase texts for good")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        erasure = Erasure.objects.select_related("project", "person", "asked_by").get(pk=context.arguments["erasure"])
        return erasure_run(erasure).counts

    def ended(self, job: Job) -> None:
        erasure_ended(job.arguments["erasure"], job)


@job_kind
class Recheck(JobRunner):
    kind = "recheck"
    queue = Queue.DEFAULT
    title = _("Check the pairs again")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        task = Task.objects.select_related("project", "tokenizer").filter(pk=context.arguments["task"]).first()
        return recheck_run(task, context.arguments["check"], context) if task else None

    def ended(self, job: Job) -> None:
        task = Task.objects.select_related("project").filter(pk=job.arguments["task"]).first()
        if task and job.state == JobState.DONE:
            stock_ask(actor=job.requested_by, task=task, whole=True)


@job_kind
class TakeStock(JobRunner):
    """What is known of a task only from all its pairs together: the project's words, ties between pairs."""

    kind = "stock"
    queue = Queue.DEFAULT
    title = _("Take stock of the pairs")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        task = Task.objects.select_related("project").filter(pk=context.arguments["task"]).first()
        whole = context.arguments["whole"]
        return stock_take(task, progress_of(context), whole=whole) if task else None

    def ended(self, job: Job) -> None:
        stock_ended(job)


@job_kind
class EmbedPairs(JobRunner):
    """What each pair means, as a vector; goes on where it was interrupted. The map of the health page is made of it."""

    kind = "embed-pairs"
    queue = Queue.DEFAULT
    title = _("Ask what the pairs mean")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        task = Task.objects.select_related("project").filter(pk=context.arguments["task"]).first()
        if task is None:
            return None
        fresh = embeddings_update(task, progress_of(context), context.fruitful)
        meanings_update(task, progress_of(context), context.fruitful)
        return {"pairs": fresh}

    def ended(self, job: Job) -> None:
        task = Task.objects.select_related("project").filter(pk=job.arguments["task"]).first()
        if job.state != JobState.DONE:
            embeddings_again()
        elif task and job.result["pairs"] == MOST_EMBEDDED:
            embeddings_ask(actor=job.requested_by, task=task)
        elif task and (job.requested_by or job.result["pairs"]):
            stock_ask(actor=job.requested_by, task=task)


@job_kind
class MakeCorpus(JobRunner):
    """Supervise the child that makes a corpus of files; what it has read is there for the next attempt."""

    kind = "corpus"
    queue = Queue.DEFAULT
    title = _("Make a corpus")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        corpus = Corpus.objects.get(pk=context.arguments["corpus"])

        def tell(attempt: int, event: dict[str, Any]) -> None:
            if event.get("type") == "progress":
                context.progress(int(event["done"]), int(event["total"]), in_words(event["message"], event.get("said")))

        grace = settings.STOP_GRACE_SECONDS * 0.75
        folder = corpus_prepare(corpus)
        report = supervise(context, directory=folder, command="corpus", on_event=tell, grace=grace)
        corpus_ready(corpus=corpus, report=report)
        return {"sha256": report["sha256"], "texts": report["texts"]}

    def ended(self, job: Job) -> None:
        corpus_failed(corpus=job.arguments["corpus"], job=job)
