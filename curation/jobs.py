"""Curation's background work."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.choices import JobState, Queue
from core.jobs import JobContext, JobRunner, LeaseLost, job_kind, owned
from core.models import Job
from curation.models import DatasetVersion, Import, Pair, Task
from curation.services.building import version_build
from curation.services.imports import import_ended, import_run, index_ask
from curation.services.indexing import index_run
from curation.services.likeness import likeness_ask, likeness_update
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
    """Which pairs of a task say the same or nearly so: kept for freezes, checks and pages."""

    kind = "likeness"
    queue = Queue.DEFAULT
    title = _("Look for pairs that say nearly the same")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        task = Task.objects.select_related("project").filter(pk=context.arguments["task"]).first()
        return {"pairs": likeness_update(task, progress_of(context))} if task else None
