"""A short child process that is asked one thing and answers in JSON: `python -m ml inspect FOLDER` and the like."""

import contextlib
import json
import subprocess
import tempfile
import time
from typing import Any

from django.utils.translation import gettext as _

from core.jobs import JobContext, JobFailed
from core.ml_program import ml_program
from core.sentences import in_words

POLL_SECONDS = 0.2


def errand(context: JobContext, arguments: list[str], *, timeout: float) -> Any:
    """Run `python -m ml <arguments>` and return the JSON it printed, be its verdict good (exit code 0) or bad (1).

    Raises JobFailed with what it printed as its error, or with the last line of its error output, JobStopped or
    JobDrained when the job should end, and JobFailed after `timeout` seconds.
    """
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as complaint:
        with ml_program(*arguments, stdout=answer, stderr=complaint) as process:
            wait(context, process, timeout)
        answer.seek(0)
        complaint.seek(0)
        said = complaint.read().decode("utf-8", "replace").strip().splitlines()
        told = answer.read()
        if said:
            context.log("\n".join(said[-50:]), "info" if process.returncode == 0 else "error")
        if process.returncode not in (0, 1) or not told.strip():
            raise JobFailed(said[-1] if said else _("The process ended with code %d.") % process.returncode)
        found = json.loads(told)
        if isinstance(found, dict) and found.keys() == {"error", "said"}:
            raise JobFailed(in_words(found["error"], found["said"]))
        return found


def wait(context: JobContext, process: "subprocess.Popen[bytes]", timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while process.poll() is None:
        if time.monotonic() > deadline:
            raise JobFailed(_("This took longer than %d seconds and was ended.") % timeout)
        context.checkpoint()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(POLL_SECONDS)
