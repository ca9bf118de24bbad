"""Putting the server together, once its socket is bound."""

from __future__ import annotations

import argparse
import socket

import uvicorn

from ml.embed import Embedder
from ml.isolation import Isolation
from ml.loading import use_threads
from ml.serve.app import make_app
from ml.serve.engine import Engine
from ml.serve.models import ModelPool, RefusedError

_SECONDS_TO_FINISH = 5


def run_server(listener: socket.socket, options: argparse.Namespace, isolation: Isolation) -> None:
    """Serve on a bound socket until SIGTERM or SIGINT; running answers get five seconds to finish."""
    threads = use_threads(options.threads)
    pool = ModelPool(options.store, options.memory_mb << 20)

    def load_embedder() -> Embedder:
        folder = (options.store / options.embedder).resolve()
        if not folder.is_relative_to(options.store.resolve()) or not folder.is_dir():
            raise RefusedError(404, "no_embedder", f"There is no embedding model in {folder}.")
        return Embedder(folder)

    facts = {"isolation": isolation, "threads": threads, "memory_limit_mb": options.memory_mb}
    app = make_app(pool, Engine(pool, load_embedder), facts, options.seconds)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=_SECONDS_TO_FINISH, lifespan="on"
    )
    uvicorn.Server(config).run(sockets=[listener])
