"""A kind of job for the fault tests: works for a while, then leaves one line behind. Its effects can be counted."""

import os
import time
from pathlib import Path
from typing import Any

from core.choices import Queue
from core.jobs import JobContext, JobFailed, JobRunner, job_kind
from core.models import Job


@job_kind
class Probe(JobRunner):
    kind = "test.probe"
    queue = Queue.DEFAULT
    title = "Probe"

    def run(self, context: JobContext) -> dict[str, Any]:
        """Arguments: effects (a file), seconds to work; crash or fail (a sentence) instead of ending well."""
        said = context.arguments
        context.log("begun")
        deadline = time.monotonic() + said.get("seconds", 0)
        while time.monotonic() < deadline:
            context.progress(1, 2, "working")
            context.checkpoint()
            time.sleep(0.05)
        if said.get("crash"):
            raise RuntimeError(said["crash"])
        if said.get("fail"):
            raise JobFailed(said["fail"])
        context.progress(2, 2)
        with Path(said["effects"]).open("a") as file:
            file.write(f"{context.job.pk} {context.job.attempt}\n")
        return {"pid": os.getpid()}

    def ended(self, job: Job) -> None:
        if job.arguments.get("ended_fails"):
            raise RuntimeError("ended fails")
