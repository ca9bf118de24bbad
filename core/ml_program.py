"""A program of ml in a process of its own: `python -m ml …`, without our addresses and secrets, gone when we are."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import IO, Any

from django.conf import settings

from ml.lifeline import VARIABLE as LIFELINE

# What a child needs of our environment. Addresses and secrets are not among it.
PASSED = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "CUDA_VISIBLE_DEVICES",
    "CUDA_HOME",
    "NVIDIA_VISIBLE_DEVICES",
)
FIXED = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",
}
NOTHING: Mapping[str, str] = MappingProxyType({})


@contextlib.contextmanager
def ml_program(
    *arguments: str,
    stdin: int | IO[Any] = subprocess.DEVNULL,
    stdout: int | IO[Any] = subprocess.DEVNULL,
    stderr: int | IO[Any] = subprocess.DEVNULL,
    environment: Mapping[str, str] = NOTHING,
) -> "Iterator[subprocess.Popen[bytes]]":
    """Running in a session of its own while the block lasts; then gone with its whole group, whatever way it is left.

    It dies with us: it watches a pipe whose other end only we hold. `environment` is what it is told besides.
    """
    theirs, ours = os.pipe()
    try:
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "ml", *arguments],
                cwd=settings.BASE,
                env={**child_environment(), **environment, LIFELINE: str(theirs)},
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                pass_fds=(theirs,),
                start_new_session=True,
            )
        finally:
            os.close(theirs)
        try:
            yield process
        finally:
            kill(process)
            for pipe in filter(None, (process.stdin, process.stdout, process.stderr)):
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
            process.wait()
    finally:
        os.close(ours)


def child_environment() -> dict[str, str]:
    return {**{name: os.environ[name] for name in PASSED if name in os.environ}, **FIXED}


def kill(process: "subprocess.Popen[bytes]") -> None:
    """End it with its group. One that ended by itself is left alone: its number may be somebody else's by now."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
