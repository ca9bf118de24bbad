"""One child process over a run directory, followed by a worker that holds a job's lease.

The run directory is the only contract (ml/rundir.py):
1. A result that is there already is believed; otherwise `python -m ml COMMAND DIR --attempt N` starts as a fresh
   process in a session of its own, with an argument list, a short environment and its output in a file.
2. Each second new lines of its events go to the caller and the job is asked whether it should end.
3. The child dies with its supervisor: it watches a pipe whose other end only the supervisor holds.
4. Only DONE counts as success, whatever the exit code says.
"""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import structlog
from django.db import Error as DatabaseError
from django.db import close_old_connections
from django.utils.translation import gettext as _

from core.jobs import JobContext, JobDrained, JobFailed, JobHindered, JobStopped, LeaseLost, draining
from core.memory import MemoryWatch
from core.ml_program import kill, ml_program
from core.sentences import in_words
from ml.rundir import EventReader, RunDir

log = structlog.get_logger(__name__)
OnEvent = Callable[[int, dict[str, Any]], None]

POLL_SECONDS = 1.0
CANCEL_SECONDS = 5.0
OUT_OF_MEMORY, ENDED = "out_of_memory", "ended"  # why a child died
SIGNALS = {"drain": signal.SIGINT, "finish": signal.SIGUSR1}  # ml/train/stopping.py says what they mean
TAKE_OVER_SECONDS = 5.0
GONE_SECONDS = 60.0  # a killed process holds its lock until all its memory is given back
GRACE_VARIABLE = "APPRENTICE_STOP_GRACE"  # ml/train/stopping.py reads it


class ChildKilled(JobHindered):
    """The child died without a word. The job goes on from what was saved. `code` names the death, where it is known."""


def supervise(
    context: JobContext,
    *,
    directory: Path,
    command: str,
    on_event: OnEvent,
    grace: float,
    environment: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Run `python -m ml <command>` over `directory` to its end and return what DONE says.

    `on_event(attempt, event)` gets each event once while this supervisor lives, in order; after a restart of the worker
    the caller may see an event again, or must read the earlier attempts' files itself. `grace` is how many seconds the
    child gets when the worker shuts down, `environment` what it is told besides.
    Raises JobStopped (a person asked), JobDrained (the worker shuts down), JobFailed (the child said why it cannot),
    LeaseLost (another worker owns the job), ChildKilled (died without a word; worth another attempt).
    """
    run = RunDir(directory)
    found = run.read_done()
    if found is not None:
        return found
    free_directory(run)
    number = max(run.attempts(), default=0) + 1
    with started(run, command, number, {**(environment or {}), GRACE_VARIABLE: f"{grace:g}"}) as process:
        watch = Supervision(context, run, number, process, on_event, grace)
        watch.follow()
    return watch.outcome()


class Supervision:
    """The following of one attempt: what was asked of it, what it told last, when it must be gone."""

    def __init__(
        self,
        context: JobContext,
        run: RunDir,
        number: int,
        process: "subprocess.Popen[bytes]",
        on_event: OnEvent,
        grace: float,
    ) -> None:
        self.context, self.run, self.number, self.process = context, run, number, process
        self.on_event = on_event
        self.limits: dict[str, float | None] = {"stop": None, "finish": None, "cancel": CANCEL_SECONDS, "drain": grace}
        self.reader = EventReader(run.attempt_path(number) / "events.jsonl")
        self.pending: list[dict[str, Any]] = []
        self.asked: dict[str, float] = {}  # intent -> when it was first seen
        self.killed = False
        self.memory = MemoryWatch(process.pid)
        self.last: dict[str, dict[str, Any]] = {}  # newest event of each type
        self.first_done: int | None = None

    def follow(self) -> None:
        while self.process.poll() is None:
            try:
                self.deliver()
                self.heed()
            except DatabaseError as error:
                # A database that restarts must not cost hours of training: the lease decides how long we may wait.
                log.warning("supervision_without_database", job=self.context.job.pk, error=str(error))
                close_old_connections()
                self.still_ours()
            self.memory.look()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(POLL_SECONDS)
        self.deliver()

    def still_ours(self) -> None:
        if self.context.lost.is_set():
            raise LeaseLost(f"job {self.context.job.pk}")

    def deliver(self) -> None:
        """Hand over what was told since the last time; what could not be stored is kept for the next."""
        self.pending += self.reader.read()
        while self.pending:
            event = self.pending[0]
            self.on_event(self.number, event)
            self.note(event)
            self.pending.pop(0)

    def note(self, event: dict[str, Any]) -> None:
        kind = event.get("type", "")
        self.last[kind] = event
        if kind == "checkpoint" or (kind == "progress" and self.got_further(event)):
            self.context.fruitful()
        if message := in_words(event.get("message"), event.get("said")):
            level = {"warning": "warning", "error": "error"}.get(kind, "info")
            self.context.log(message, level)

    def got_further(self, event: dict[str, Any]) -> bool:
        """Whether this attempt has added something lasting that earlier ones had not; said once."""
        done = int(event.get("done") or 0)
        if self.first_done is None:
            self.first_done = done
        further = done > self.first_done
        if further:
            self.first_done = sys.maxsize
        return further

    def heed(self) -> None:
        """Ask the child to end when somebody wants that, and end it when its time is over."""
        intents = {self.context.stop_intent(), "drain" if draining.is_set() else ""} - {""}
        now = time.monotonic()
        for intent in intents - set(self.asked):
            if intent == "finish" and "step" not in self.last:
                continue  # there is nothing yet that could be kept as a result
            self.asked[intent] = now
            self.process.send_signal(SIGNALS.get(intent, signal.SIGTERM))
        ends = [since + limit for intent, since in self.asked.items() if (limit := self.limits[intent]) is not None]
        if ends and now > min(ends):
            self.killed = True
            kill(self.process)

    def outcome(self) -> dict[str, Any]:
        result = self.run.read_done()
        if result is not None:
            return result
        for intent in ("cancel", "stop", "drain", "finish"):
            if intent in self.asked:
                raise self.end_of(intent)
        error = self.last.get("error")
        if error is not None:
            raise JobFailed(_explained(error), code=str(error.get("code", "")))
        code = self.process.returncode
        if code < 0:
            raise killed_by(-code, self.memory)
        if code == 0:
            raise ChildKilled(_("The process was told to end by somebody else; it goes on from what it saved."))
        raise JobFailed(
            _("The process ended with code %(code)d: %(tail)s")
            % {"code": code, "tail": last_line(output_path(self.run, self.number)) or _("it wrote nothing.")}
        )

    def end_of(self, intent: str) -> Exception:
        if intent == "drain":
            return JobDrained()
        if intent == "cancel":
            return JobStopped(_("Cancelled on request."))
        told = self.last.get("stopped", {})
        if told.get("saved"):
            return JobStopped(_("Stopped and saved at step %(step)s.") % {"step": told.get("step", 0)})
        return JobStopped(_("Stopped; it can go on from the last checkpoint."))


@contextlib.contextmanager
def started(run: RunDir, command: str, number: int, environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """The child, running; gone with its whole group when the block is left, whatever way."""
    folder = run.attempt_path(number)
    folder.mkdir(parents=True, exist_ok=True)
    with (
        output_path(run, number).open("ab") as output,
        ml_program(
            command, str(run.path), "--attempt", str(number), stdout=output, stderr=subprocess.STDOUT,
            environment=environment,
        ) as process,
    ):  # fmt: skip
        remember(folder, process.pid)
        yield process


def output_path(run: RunDir, number: int) -> Path:
    return run.attempt_path(number) / "output.log"


def remember(folder: Path, pid: int) -> None:
    """Write down who the child is, so that a later supervisor can end it if ours is stalled and never comes back."""
    with contextlib.suppress(psutil.NoSuchProcess):
        facts = {"pid": pid, "started": psutil.Process(pid).create_time()}
        (folder / "child.json").write_text(json.dumps(facts), encoding="utf-8")


def child_memory(run: RunDir, number: int) -> int | None:
    """Bytes of memory that the child of an attempt holds now; None when it is gone."""
    try:
        facts = json.loads((run.attempt_path(number) / "child.json").read_text(encoding="utf-8"))
        process = psutil.Process(int(facts["pid"]))
        return process.memory_info().rss if abs(process.create_time() - facts["started"]) < 0.01 else None
    except (OSError, ValueError, KeyError, psutil.Error):
        return None


def free_directory(run: RunDir) -> None:
    """Make sure that nobody works in the directory: a supervisor that lost its lease may have left its child behind.

    A child whose supervisor died goes by itself; one whose supervisor is merely stalled is ended here.
    """
    if wait_for_lock(run, TAKE_OVER_SECONDS):
        return
    for number in run.attempts():
        end_remembered(run.attempt_path(number) / "child.json")
    if not wait_for_lock(run, GONE_SECONDS):
        raise ChildKilled(_("Another process still works in %(folder)s; waiting for it.") % {"folder": run.path})


def wait_for_lock(run: RunDir, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while locked(run):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def locked(run: RunDir) -> bool:
    path = run.path / "lock"
    if not path.exists():
        return False
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def end_remembered(path: Path) -> None:
    """End the process that `path` names, if it is still that one and not a newcomer with the same number."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        process = psutil.Process(int(facts["pid"]))
        if abs(process.create_time() - float(facts["started"])) < 0.01:
            log.warning("child_taken_over", pid=process.pid)
            os.killpg(process.pid, signal.SIGKILL)
    except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
        return


def last_line(path: Path) -> str:
    lines = tail(path, 4096).strip().splitlines()
    return lines[-1][:500] if lines else ""


def tail(path: Path, size: int = 20_000) -> str:
    """The last `size` bytes of a text file; empty if there is none."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - size))
        return file.read().decode("utf-8", "replace")


def _explained(error: dict[str, Any]) -> str:
    message = in_words(error.get("message"), error.get("said")) or str(error.get("code") or _("no reason given"))
    cures = {
        "out_of_memory": _("Use fewer pairs at a time, shorter pairs, or a smaller model."),
        "disk_full": _("Free some disk space and start it again; it goes on from the last checkpoint."),
    }
    return f"{message} {cures.get(str(error.get('code')), '')}".strip()


def killed_by(number: int, memory: MemoryWatch) -> ChildKilled:
    name = signal.Signals(number).name if number in {each.value for each in signal.Signals} else str(number)
    values = {"signal": name, "held": memory.told()}
    if number != signal.SIGKILL:
        return ChildKilled(_("The process crashed (%(signal)s).") % values)
    if memory.evidence():
        text = _("The process was killed by the system, out of memory: it held %(held)s (%(signal)s).")
        return ChildKilled(text % values, code=OUT_OF_MEMORY)
    text = _("The process was ended from outside (%(signal)s); there was memory left, it held %(held)s.")
    return ChildKilled(text % values, code=ENDED)
