"""`python -m ml corpus DIR`: a child of a supervisor that builds one corpus."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from pathlib import Path

from ml.commands_run import error_code
from ml.corpus.building import build_corpus
from ml.isolation import isolate
from ml.lifeline import watch_lifeline
from ml.phrases import sentence_of
from ml.rundir import Attempt, RunBusyError, RunDir
from ml.train.stopping import Stopper, StopRequested

_TELL_SECONDS = 0.5


def corpus_command(arguments: list[str]) -> int:
    """Build; exit code 0 with DONE or after a stop, 1 after an error event."""
    parser = argparse.ArgumentParser(prog="python -m ml corpus", description="Make a corpus of files.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--attempt", type=int, default=0, help="number of this attempt; by default the next one")
    options = parser.parse_args(arguments)
    run = RunDir(options.directory.resolve())
    number = options.attempt or max(run.attempts() if run.path.is_dir() else [], default=0) + 1
    try:
        with run.start_attempt(number) as attempt:
            return _attempt(run, attempt)
    except RunBusyError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _attempt(run: RunDir, attempt: Attempt) -> int:
    stopper, told = Stopper(), 0.0

    def tell(done: int, total: int, message: str) -> None:
        nonlocal told
        stopper.check()
        if time.monotonic() - told > _TELL_SECONDS:
            told = time.monotonic()
            attempt.events.write("progress", done=done, total=total, message=message)

    try:
        isolate("forbidden")
        watch_lifeline()
        stopper.listen()
        result = build_corpus(run.path, tell)
    except StopRequested:
        attempt.events.write("stopped", step=0, saved=False)
        return 0
    except Exception as error:
        traceback.print_exc()
        attempt.events.write("error", code=error_code(error), message=sentence_of(error))
        return 1
    run.write_done(result)
    attempt.events.write("done", sha256=result["sha256"])
    return 0


COMMANDS = {"corpus": corpus_command}
