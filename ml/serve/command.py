"""`python -m ml serve`: the model server on a local socket, or on an address where the operator wants it so."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from pathlib import Path

from ml.cli import fail, load
from ml.isolation import Isolation, IsolationError, isolate
from ml.lifeline import watch_lifeline

_DEFAULT_MEMORY_MB = 4096


def serve_command(arguments: list[str]) -> int:
    """Bind first, cut the network off, then load torch and serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m ml serve", description="Serve the models of a folder.")
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--socket", type=Path, help="path of the Unix socket to listen on")
    place.add_argument("--host", help="address to listen on instead; anyone who reaches it can ask the models")
    parser.add_argument("--port", type=int, default=8010)
    parser.add_argument("--store", type=Path, required=True, help="only models below this folder are loaded")
    parser.add_argument("--embedder", default="embedder", help="folder of the embedding model, within the store")
    parser.add_argument("--memory-mb", type=int, default=_DEFAULT_MEMORY_MB, help="weights kept in memory at most")
    parser.add_argument("--seconds", type=float, default=120.0, help="longest time for one request")
    parser.add_argument("--threads", type=int, default=0, help="computing threads; 0 uses all physical cores")
    options = parser.parse_args(arguments)
    if not options.store.is_dir():
        return fail(f"There is no model store {options.store}.")
    try:
        listener = _listen_local(options.socket) if options.socket else _listen_network(options.host, options.port)
    except OSError as error:
        return fail(f"The model server cannot listen: {error.strerror or error}.")
    isolation = _isolate(local=bool(options.socket))
    watch_lifeline()
    try:
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
        # Imported only now: torch starts threads, and the isolation must come before them.
        run = load("ml.serve.running").run_server
        # The server shuts down in order and then raises the signal again; without a handler that would end us before
        # the socket file is gone.
        signal.signal(signal.SIGTERM, lambda number, frame: None)
        run(listener, options, isolation)
    finally:
        if options.socket:
            options.socket.unlink(missing_ok=True)
    return 0


def _isolate(*, local: bool) -> Isolation:
    if not local:
        return "none"
    try:
        return isolate("forbidden")
    except IsolationError as error:
        sys.stderr.write(f"{error}\n")
        return "none"


def _listen_local(path: Path) -> socket.socket:
    """A socket that only this user can open. A leftover file of a dead server is replaced, a living one is not."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.is_socket():
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
            else:
                raise OSError(f"another server listens on {path}")
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(128)
    return listener


def _listen_network(host: str, port: int) -> socket.socket:
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


COMMANDS = {"serve": serve_command}
