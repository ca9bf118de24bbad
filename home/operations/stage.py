"""A whole installation for one run of the loop: its own folder, servers and workers, apart from any that runs.

`outside` prepares the folder and starts this command again with the environment that points there; `inside` is that
second process: PostgreSQL, Redis and the workers run under it and end with it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from django.conf import settings

from config.embedded import Postgres, Redis, runtime_folder
from config.embedded.paths import private_folder
from core.models import Job
from core.operations import downloads, preflight, programs
from core.operations.models import Unpacking
from core.operations.prepare import migrate
from core.operations.supervisor import Supervisor

QUEUES = ("default", "generate", "train")
POLL_SECONDS = 0.3
TELL_SECONDS = 10.0
NEEDED_BYTES = 2_000_000_000
Tell = Callable[[str], None]
Found = TypeVar("Found")


@dataclass
class Stage:
    """What the loop stands on: the time it has, where it tells, and waiting while the workers work."""

    home: Path
    supervisor: Supervisor
    began: float
    write: Tell

    def tell(self, text: str) -> None:
        self.write(f"{time.monotonic() - self.began:6.1f} s  {text}")

    def wait(self, look: Callable[[], Found | None], job: Callable[[], Job | None], seconds: float) -> Found:
        """Until `look` finds something. Tells how the job fares; TimeoutError after `seconds`."""
        deadline, told, said = time.monotonic() + seconds, time.monotonic(), ""
        while (found := look()) is None:
            self.supervisor.watch()
            time.sleep(POLL_SECONDS)
            if time.monotonic() > deadline:
                raise TimeoutError(f"it took longer than {seconds:.0f} s")
            if time.monotonic() - told > TELL_SECONDS and (text := progress_text(job())) != said:
                told, said = time.monotonic(), text
                self.tell(f"  {text}")
        return found


def progress_text(job: Job | None) -> str:
    if job is None:
        return ""
    share = f" {job.share:.0%}" if job.share is not None else ""
    return f"{job.get_state_display()}{share} {job.message}".strip()


def outside(home: Path, words: Sequence[str], *, keep: bool, tell: Tell) -> int:
    """1. See that the models are there. 2. Make a folder beside them and link them into it. 3. Run the loop in there.
    The folder goes when all went well, or when `keep` is not set; the exit code is the loop's."""
    preflight.check_python()
    preflight.check_home(home)
    models = Unpacking(home, tell)
    try:
        models.begin()
        models.wait()
    finally:
        models.abandon()
    if shutil.disk_usage(home).free < NEEDED_BYTES:
        raise downloads.OperatorError(f"The disk of {home} is short; the loop needs 2 GB while it runs.")
    folder = Path(tempfile.mkdtemp(prefix="loop-", dir=home))
    (folder / "logs").mkdir()
    try:
        link_tree(settings.STARTER_MODEL, folder / settings.STARTER_MODEL.relative_to(home))
        link_tree(home / "downloads", folder / "downloads")
        command = [sys.executable, str(settings.BASE / "manage.py"), "loop", "--inside", *words]
        code = run_to_end(subprocess.Popen(command, env=environment(folder)))
        if code and not keep:
            tell("To look at the logs of such a run: manage.py loop --keep")
        return code
    finally:
        if keep:
            tell(f"Everything of this run is in {folder}.")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def run_to_end(process: "subprocess.Popen[bytes]") -> int:
    """Its exit code. When we are told to stop, it is told too and given the time to end its servers."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise


def environment(folder: Path) -> dict[str, str]:
    """Ours, but for the addresses of the servers: the loop has its own."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return {**kept, "APPRENTICE_HOME": str(folder), "MODEL_SERVER": "", "PYTHONUNBUFFERED": "1"}


def link_tree(source: Path, target: Path) -> None:
    """The same files under another folder; a file system without hard links gets copies."""

    def link(one: str, other: str) -> None:
        try:
            os.link(one, other)
        except OSError:
            shutil.copy2(one, other)

    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target, copy_function=link)


@contextmanager
def inside(home: Path, write: Tell) -> Iterator[Stage]:
    """Servers, an up-to-date database and one worker a queue, as `make up` starts them, until the block ends."""
    began = time.monotonic()
    supervisor = Supervisor(home / "logs", write)
    stage = Stage(home, supervisor, began, write)
    for name in ("logs", "runs", "uploads"):
        (home / name).mkdir(exist_ok=True)
    private_folder(runtime_folder(home))
    try:
        stage.tell("Starting PostgreSQL and Redis")
        for name, server in (("postgres", Postgres(home)), ("redis", Redis(home))):
            server.start()
            supervisor.adopt(name, server)
        migrate(stage.tell)
        for queue in QUEUES:
            supervisor.start(programs.worker(home, {**os.environ}, queue))
        supervisor.start(programs.beat(home, {**os.environ}))
        yield stage
    finally:
        supervisor.stop()
