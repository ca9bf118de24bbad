"""Starting and stopping as a person does it: `make up` in a folder that was started before, Ctrl-C, and what is left.

Real models are linked into the folder where they are found, else tiny ones: a start only looks whether they are there.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.net import Browser, free_port, page_status
from benchmarks.places import ROOT, embedder, starter_model
from benchmarks.rows import Row
from ml.tiny import make_tiny_model

START_SECONDS = 180.0
STOP_SECONDS = 60.0
LOOKS = 20
READY = "  Stop  "


class StartError(RuntimeError):
    """The installation did not start or stop; the message ends with what it printed."""


class Running:
    """`make up` in a session of its own, as in a terminal of its own."""

    def __init__(self, home: Path) -> None:
        self.port, self.output = free_port(), home / f"output-{time.monotonic_ns()}.txt"
        dropped = {"DATABASE_URL", "REDIS_URL", "HOST", "TLS_CERT", "TLS_KEY", "MAKELEVEL", "MAKEFLAGS"}
        environment = {name: value for name, value in os.environ.items() if name not in dropped}
        environment |= {"APPRENTICE_HOME": str(home), "PORT": str(self.port), "PIP_NO_INDEX": "1"}
        self.began = time.perf_counter()
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                ["make", "up"], cwd=ROOT, env=environment, stdout=file, stderr=file, start_new_session=True
            )

    def page_seconds(self) -> float:
        """Seconds from the command to the sign-in page."""
        return self.wait_until(lambda: page_status(self.port, "/accounts/login/") == 200)

    def ready_seconds(self) -> float:
        """Seconds until it called itself ready: workers, scheduler and model server are started too."""
        return self.wait_until(lambda: READY in self.output.read_text())

    def wait_until(self, reached: Callable[[], bool]) -> float:
        while not reached():
            if self.process.poll() is not None or time.perf_counter() - self.began > START_SECONDS:
                raise StartError(f"The installation did not start:\n{self.output.read_text()[-2000:]}")
            time.sleep(0.02)
        return time.perf_counter() - self.began

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def web_workers(self) -> list[psutil.Process]:
        """The processes that answer requests: gunicorn's children, not the one that watches them."""
        web = [process for process in self.family() if any("gunicorn" in word for word in process.cmdline())]
        watchers = {process.pid for process in web}
        return [process for process in web if process.ppid() in watchers]

    def stop_seconds(self) -> tuple[float, int]:
        """Seconds from Ctrl-C until every process is gone, and how many are still there after a minute."""
        family, start = self.family(), time.perf_counter()
        os.killpg(self.process.pid, signal.SIGINT)
        _gone, left = psutil.wait_procs([psutil.Process(self.process.pid), *family], timeout=STOP_SECONDS)
        return time.perf_counter() - start, len(left)

    def kill(self) -> None:
        for process in [*self.family(), psutil.Process(self.process.pid)] if self.process.poll() is None else []:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()


@contextmanager
def running(home: Path) -> Iterator[Running]:
    started = Running(home)
    try:
        yield started
    finally:
        started.kill()


def rows() -> Iterator[Row]:
    home = Path(tempfile.mkdtemp(prefix="apprentice-bench-"))
    try:
        put_models(home)
        with running(home) as first:
            seconds = first.ready_seconds()
            yield Row("make up, first time, models there", f"{seconds:.1f} s", "measured")
            first.stop_seconds()
        with running(home) as second:
            yield from second_rows(second)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def second_rows(second: Running) -> Iterator[Row]:
    page = second.page_seconds()
    yield Row("make up, second time, to a usable page", f"{page:.1f} s", "≤ 8 s", "31 s", page <= 8)
    yield Row("make up, second time, until all is started", f"{second.ready_seconds():.1f} s", "measured")
    with Browser(second.port, "") as browser:
        for _ in range(LOOKS):
            browser.get("/accounts/login/")
    used = [process.memory_full_info() for process in second.web_workers()]
    if used:
        most, share = max(info.rss for info in used) / 2**20, max(info.pss for info in used) / 2**20
        what = f"memory of a web worker ({len(used)} of them)"
        yield Row(what, f"{most:.0f} MB, its share {share:.0f} MB", "≤ 300 MB", "350–460 MB", most <= 300)
    seconds, left = second.stop_seconds()
    told = f"{seconds:.1f} s" + (f", {left} processes left" if left else "")
    yield Row("Ctrl-C until the last process is gone", told, "≤ 10 s", held=seconds <= 10 and not left)


def put_models(home: Path) -> None:
    """The models where a start looks for them, so that nothing is fetched."""
    for name, real in (("smollm2-135m-instruct", starter_model()), ("all-minilm-l6-v2", embedder())):
        folder = home / "models" / "base" / name
        if real is None:
            make_tiny_model(folder)
        else:
            shutil.copytree(real, folder, copy_function=link_or_copy)
        facts = folder / "apprentice.json"
        if not facts.exists():
            facts.write_text(json.dumps({"name": name, "licence": "Apache-2.0"}))


def link_or_copy(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # on another disk
        shutil.copy2(source, target)
    return target
