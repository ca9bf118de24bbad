"""A short child process that is asked one thing and answers in JSON: `python -m ml inspect FOLDER` and the like."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from core.child import child_environment, kill
from core.jobs import JobContext, JobFailed
from ml.lifeline import VARIABLE as LIFELINE

POLL_SECONDS = 0.2


def errand(context: JobContext, arguments: list[str], *, timeout: float) -> Any:
    """Run `python -m ml <arguments>` and return the JSON it printed, be its verdict good (exit code 0) or bad (1).

    Raises JobFailed with the last line of its error output when it printed none, JobStopped or JobDrained when the job
    should end, and JobFailed after `timeout` seconds.
    """
    end_of_child, our_end = os.pipe()
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as complaint:
        process = subprocess.Popen(
            [sys.executable, "-m", "ml", *arguments],
            cwd=settings.BASE,
            env={**child_environment(), LIFELINE: str(end_of_child)},
            stdin=subprocess.DEVNULL,
            stdout=answer,
            stderr=complaint,
            pass_fds=(end_of_child,),
            start_new_session=True,
        )
        os.close(end_of_child)
        try:
            wait(context, process, timeout)
        finally:
            kill(process)
            process.wait()
            os.close(our_end)
        answer.seek(0)
        complaint.seek(0)
        said = complaint.read().decode("utf-8", "replace").strip().splitlines()
        told = answer.read()
        if said:
            context.log("\n".join(said[-50:]), "info" if process.returncode == 0 else "error")
        if process.returncode not in (0, 1) or not told.strip():
            raise JobFailed(said[-1] if said else _("The process ended with code %d.") % process.returncode)
        return json.loads(told)


def wait(context: JobContext, process: "subprocess.Popen[bytes]", timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while process.poll() is None:
        if time.monotonic() > deadline:
            raise JobFailed(_("This took longer than %d seconds and was ended.") % timeout)
        context.checkpoint()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(POLL_SECONDS)
