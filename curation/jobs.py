"""Curation's background work."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from core.choices import JobState, Queue
from core.jobs import JobContext, JobRunner, LeaseLost, job_kind, owned
from core.models import Job
from curation.models import DatasetVersion
from curation.services.versions import version_build, version_failed


def hold(context: JobContext) -> None:
    """Inside a transaction: make sure that the job is ours until the commit."""
    if not owned(context.job).select_for_update().exists():
        context.lost.set()
        raise LeaseLost(f"job {context.job.pk}")


@job_kind
class Freeze(JobRunner):
    kind = "freeze"
    queue = Queue.DEFAULT
    title = _("Freeze a dataset version")

    def run(self, context: JobContext) -> dict[str, Any] | None:
        version = DatasetVersion.objects.select_related("task__project", "created_by").get(
            pk=context.arguments["version"]
        )

        def tell(done: int, total: int, message: str) -> None:
            context.checkpoint()
            context.progress(done, total, message)

        version = version_build(version, tell, lambda: hold(context))
        return {"version": version.pk, "sha256": version.sha256, "pairs": version.counts["pairs"]}

    def ended(self, job: Job) -> None:
        if job.state != JobState.DONE:
            version_failed(job.arguments["version"], job)
