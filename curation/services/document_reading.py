"""Documents are read by a child process: what a stranger made can exhaust or crash it, and the job goes on."""

import contextlib
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from core.ml_program import ml_program

SECONDS = 120.0  # without a word about a file; the child itself gives up after 60
LONGEST_LINE = 64 * 1024 * 1024


class DocumentReader:
    """A `python -m ml extract` that answers file after file; started when first asked, again after a death."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.running = contextlib.ExitStack()
        self.held = b""

    def __enter__(self) -> "DocumentReader":
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()

    def read(self, path: Path, name: str) -> Iterator[dict[str, Any]]:
        """Each document of the file as a dict, or {"error": sentence, "said": …} for what gave none."""
        process = self.process or self.start()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps({"path": str(path), "name": name}).encode() + b"\n")
            process.stdin.flush()
            while not (said := json.loads(self.line(process))).get("end"):
                yield said.get("document") or {"error": said["error"], "said": said.get("said")}
        except TimeoutError:
            self.end()
            yield {"error": _("Reading this file took longer than %d seconds and was given up.") % SECONDS}
        except (EOFError, BrokenPipeError):
            self.end()
            yield {"error": _("The file made the reading program crash, probably for want of memory.")}

    def start(self) -> "subprocess.Popen[bytes]":
        program = ml_program("extract", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process, self.held = self.running.enter_context(program), b""
        return self.process

    def line(self, process: "subprocess.Popen[bytes]") -> bytes:
        assert process.stdout is not None
        until = time.monotonic() + SECONDS
        pieces = [self.held]
        size = len(self.held)
        while b"\n" not in pieces[-1]:
            ready, _writable, _failed = select.select([process.stdout], [], [], max(0.0, until - time.monotonic()))
            if not ready or size > LONGEST_LINE:
                raise TimeoutError
            piece = os.read(process.stdout.fileno(), 2**20)
            if not piece:
                raise EOFError
            pieces.append(piece)
            size += len(piece)
        found, _newline, self.held = b"".join(pieces).partition(b"\n")
        return found

    def end(self) -> None:
        self.running.close()
        self.process = None
