"""`train`, `generate`, `probe`, `inspect`, `measure`: children of a supervisor, cut off the network and on a lifeline;
the first two tell by events what they do."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ml.cli import fail, load, print_json
from ml.isolation import IsolationError, isolate
from ml.lifeline import watch_lifeline
from ml.phrases import Phrase, gettext_noop, sentence_of
from ml.recipe import METHODS
from ml.rundir import Attempt, RunBusyError, RunDir, RunSpec, SpecError
from ml.train.stopping import Stopper, StopRequested

_WORK = {"train": ("ml.train.run", "run_training"), "generate": ("ml.generate", "run_generation")}


def train_command(arguments: list[str]) -> int:
    return _run("train", arguments)


def generate_command(arguments: list[str]) -> int:
    return _run("generate", arguments)


def probe_command(arguments: list[str]) -> int:
    """Try a prepared training by one method for a while; prints what it would take as JSON."""
    parser = argparse.ArgumentParser(prog="python -m ml probe")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--method", choices=[key for key, _ in METHODS], required=True)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to train, beside loading the model")
    options = parser.parse_args(arguments)
    run = RunDir(options.directory.resolve())
    try:
        isolate(run.read_spec().network)
        watch_lifeline()
        print_json(load("ml.probe").probe_method(run, options.method, options.seconds))
    except Exception as error:
        traceback.print_exc()
        return fail(sentence_of(error))
    return 0


def inspect_command(arguments: list[str]) -> int:
    """Examine a model folder, somebody else's perhaps, without network; prints what was found as JSON."""
    parser = argparse.ArgumentParser(prog="python -m ml inspect", description="Examine a model folder, as JSON.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    try:
        isolation = isolate("forbidden")
    except IsolationError as error:
        return fail(sentence_of(error))
    watch_lifeline()
    found = load("ml.inspection").inspect_model(folder)
    print_json({**found, "isolation": isolation})
    return 0 if found["ok"] else 1


def measure_command(arguments: list[str]) -> int:
    """How fast this machine reads and answers with a registered model, as JSON; empty where its memory is too small."""
    parser = argparse.ArgumentParser(prog="python -m ml measure", description="Measure a model's speed, as JSON.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    try:
        isolate("forbidden")
        watch_lifeline()
        print_json(load("ml.inspection_weights").measured(folder))
    except Exception as error:
        return fail(sentence_of(error))
    return 0


def _run(kind: str, arguments: list[str]) -> int:
    """Execute a run directory; exit code 0 with DONE or after a stop, 1 after an error event.

    The network goes first, while the process has one thread; torch is imported after that.
    """
    parser = argparse.ArgumentParser(prog=f"python -m ml {kind}")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--attempt", type=int, default=0, help="number of this attempt; by default the next one")
    options = parser.parse_args(arguments)
    run = RunDir(options.directory.resolve())
    number = options.attempt or max(run.attempts() if run.path.is_dir() else [], default=0) + 1
    try:
        spec = run.read_spec()
        with run.start_attempt(number) as attempt:
            return _attempt(kind, run, spec, attempt)
    except (SpecError, RunBusyError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _attempt(kind: str, run: RunDir, spec: RunSpec, attempt: Attempt) -> int:
    stopper = Stopper()
    try:
        if spec.kind != kind:
            raise SpecError(f"This run directory is for {spec.kind}, not for {kind}.")
        if run.read_done() is not None:
            attempt.events.write("done", **(run.read_done() or {}))
            return 0
        isolation = isolate(spec.network)
        watch_lifeline()
        stopper.listen()
        attempt.events.write("isolation", name=isolation, message=Phrase(_ISOLATION_WORDS[isolation]))
        result = _work(kind)(run, attempt, stopper)
    except StopRequested:
        attempt.events.write("stopped", step=0, saved=True)
        return 0
    except Exception as error:
        traceback.print_exc()
        attempt.events.write("error", code=error_code(error), message=sentence_of(error))
        return 1
    if result is not None:
        run.write_done(result)
        attempt.events.write("done", **result)
    return 0


_ISOLATION_WORDS = {
    "network namespace": gettext_noop("Network: none (a network namespace of its own)."),
    "user and network namespace": gettext_noop("Network: none (user and network namespaces of its own)."),
    "seccomp filter": gettext_noop("Network: none (a seccomp filter refuses internet sockets)."),
    "none": gettext_noop("Network: reachable, as an admin allowed for this run."),
}


def _work(kind: str) -> Callable[[RunDir, Attempt, Stopper], dict[str, Any] | None]:
    module, name = _WORK[kind]
    return getattr(load(module), name)


def error_code(error: Exception) -> str:
    """A stable name for programs: the error's own code, or its kind."""
    own = getattr(error, "code", None)
    if isinstance(own, str):
        return own
    if isinstance(error, MemoryError) or any(words in str(error).lower() for words in _NO_MEMORY):
        return "out_of_memory"
    if isinstance(error, OSError) and error.errno == 28:
        return "disk_full"
    return type(error).__name__


_NO_MEMORY = ("out of memory", "can't allocate", "cannot allocate memory", "bad_alloc")  # as libraries and systems say
COMMANDS = {
    "train": train_command,
    "generate": generate_command,
    "probe": probe_command,
    "inspect": inspect_command,
    "measure": measure_command,
}
