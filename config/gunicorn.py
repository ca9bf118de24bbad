"""gunicorn's settings: `gunicorn --config config/gunicorn.py config.wsgi`. The environment decides, as everywhere."""

import gc
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from django.core.exceptions import ImproperlyConfigured  # noqa: E402  gunicorn executes this file outside the package

from config.embedded.children import die_with_parent  # noqa: E402
from config.environment import web_size  # noqa: E402
from core.operations.errors import OperatorError  # noqa: E402
from core.operations.listening import read_listen  # noqa: E402

try:
    listen = read_listen(os.environ)
    workers, threads = web_size()
except (OperatorError, ImproperlyConfigured) as error:
    sys.exit(str(error))

HOME = Path(os.environ.get("APPRENTICE_HOME") or ROOT / "var").expanduser().resolve()

bind = f"[{listen.host}]:{listen.port}" if ":" in listen.host else f"{listen.host}:{listen.port}"
certfile = str(listen.certificate) if listen.certificate else None
keyfile = str(listen.key) if listen.key else None
forwarded_allow_ips = listen.proxy or "127.0.0.1"
worker_class = "config.threads.WarmWorker"
# Loaded once and shared: half the start-up time and memory of loading it in every worker.
preload_app = True
timeout = 120
graceful_timeout = 5
keepalive = 5
max_requests = 20_000
max_requests_jitter = 2_000
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  heartbeat files; a slow disk stalls them
control_socket_disable = True

# Every web worker counts into files of its own; /metrics adds them up.
counts = HOME / "run" / "counts"
shutil.rmtree(counts, ignore_errors=True)
counts.mkdir(parents=True, exist_ok=True)
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(counts)


def when_ready(server: Any) -> None:
    gc.collect()
    gc.freeze()  # what was loaded before the fork stays shared


def pre_fork(server: Any, worker: Any) -> None:
    from django.db import connections

    connections.close_all()  # a connection must not be used by two processes


def post_fork(server: Any, worker: Any) -> None:
    worker.log.debug("worker %s", worker.pid)
    gc.set_threshold(100_000, 20, 100)  # between requests collect_garbage does it; this is for one that makes very many
    die_with_parent(signal.SIGKILL, parent=worker.ppid)()


def child_exit(server: Any, worker: Any) -> None:
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)
