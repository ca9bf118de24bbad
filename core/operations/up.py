"""`make up`: everything an installation needs, from nothing to a page that answers, and down again."""

import contextlib
import ctypes
import http.client
import os
import signal
import ssl
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from config.embedded import EmbeddedError, Postgres, Redis, runtime_folder
from config.embedded.children import PR_SET_PDEATHSIG
from config.embedded.paths import private_folder, take_lock
from core.operations import preflight, programs
from core.operations.errors import OperatorError
from core.operations.listening import Listen, open_socket, read_listen
from core.operations.models import Unpacking
from core.operations.prepare import prepare
from core.operations.supervisor import Program, Supervisor, must_run
from core.services.invitations import first_admin_link
from core.sweeper import end_leases

WEB_SECONDS = 60.0
QUEUES = ("default", "generate", "train")


class Up:
    """One installation over `home`. `run` returns the exit code."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.began = time.monotonic()
        self.supervisor = Supervisor(home / "logs", self.tell)
        self.ending = False
        self.models = Unpacking(home, self.tell)

    def tell(self, text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - self.began:6.1f} s  {text}\n")
        sys.stdout.flush()

    def run(self) -> int:
        """Start all, watch until a signal, stop all. A failed start says why in one sentence and leaves nothing."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        if os.environ.get("MAKELEVEL"):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)  # a killed make takes us along
        code = 0
        try:
            with contextlib.ExitStack() as held:
                self._start(held)
                while not self.ending:
                    self.supervisor.watch()
                    time.sleep(0.2)
            self.tell("Stopping")  # the interrupt was lost on its way, as one is that comes inside a fork's callbacks
        except KeyboardInterrupt:
            self.tell("Stopping")
        except (OperatorError, EmbeddedError) as error:
            sys.stdout.flush()
            sys.stderr.write(f"{error}\n")
            code = 1
        finally:
            self.ending = True
            self._stop()
        if code == 0:
            self.tell("Stopped")
        return code

    def _start(self, held: contextlib.ExitStack) -> None:
        """1. what must be true. 2. the lock and the port. 3. data servers. 4. models, while the database is brought up
        to date. 5. the web server, then the rest."""
        preflight.check_python()
        preflight.check_home(self.home)
        preflight.check_whole(self.home)
        first = not (settings.STARTER_MODEL / "apprentice.json").exists()
        preflight.check_disk(self.home, first=first)
        listen = read_listen(os.environ)
        held.callback(take_lock(self.home / "up.lock", "Apprentice").close)
        opened = held.enter_context(contextlib.closing(open_socket(listen)))
        for folder in ("logs", "models", "corpora", "runs", "uploads", "downloads"):
            (self.home / folder).mkdir(exist_ok=True)
        private_folder(runtime_folder(self.home))
        self._start_data()
        self.models.begin()
        prepare(self.tell, self.models.wait)
        if not os.environ.get("DATABASE_URL"):
            end_leases()  # nobody but us works in our own database, and the workers of a killed start died with it
        web = programs.web(self.home, self._environment(), opened.fileno())
        self.supervisor.start(web)
        link = first_admin_link()
        connection.close()
        self._await_page(listen, web)
        self._start_rest()
        self._greet(listen, link)

    def _start_data(self) -> None:
        if os.environ.get("DATABASE_URL"):
            preflight.check_database(settings.DATABASE_URL)
        else:
            self.tell("Starting PostgreSQL")
            postgres = Postgres(self.home)
            postgres.start()
            self.supervisor.adopt("postgres", postgres)
        if os.environ.get("REDIS_URL"):
            preflight.check_redis(settings.REDIS_URL)
        else:
            self.tell("Starting Redis")
            redis = Redis(self.home)
            redis.start()
            self.supervisor.adopt("redis", redis)

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "APPRENTICE_HOME": str(self.home),
            "DATABASE_URL": settings.DATABASE_URL,
            "REDIS_URL": settings.REDIS_URL,
            "MODEL_SERVER": settings.MODEL_SERVER,
            "PYTHONUNBUFFERED": "1",
        }

    def _await_page(self, listen: Listen, web: Program) -> None:
        """The address is told only when the sign-in page comes."""
        self.tell("Starting the web server")
        deadline = time.monotonic() + WEB_SECONDS
        while (status := _page_status(listen)) != 200:
            must_run(web)
            if time.monotonic() > deadline:
                raise OperatorError(
                    f"The sign-in page does not come (last answer: {status or 'none'}); see {web.log} for the reason."
                )
            time.sleep(0.05)

    def _start_rest(self) -> None:
        environment = self._environment()
        if settings.MODEL_SERVER.startswith("unix:"):
            path = settings.MODEL_SERVER.removeprefix("unix:")
            store = settings.MODEL_STORE
            self.supervisor.start(programs.model_server(self.home, environment, path, store, settings.EMBEDDER))
        for queue in QUEUES:
            self.supervisor.start(programs.worker(self.home, environment, queue))
        self.supervisor.start(programs.beat(self.home, environment))

    def _greet(self, listen: Listen, link: str | None) -> None:
        self.tell("Ready")
        lines = ["", f"  Apprentice is at   {listen.url}/"]
        if listen.proxy:
            lines.append(f"  behind the proxy   {listen.proxy} (open the proxy's address)")
        if link:
            lines.append(f"  First admin, once  {listen.url}{link}")
        lines += [
            f"  Data               {self.home}",
            f"  Logs               {self.home / 'logs'}",
            "  Stop               Ctrl-C",
            "",
        ]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()

    def _on_signal(self, *_: Any) -> None:
        if self.ending:
            self.supervisor.hurry = True  # a second Ctrl-C does not wait
        else:
            self.ending = True
            raise KeyboardInterrupt

    def _stop(self) -> None:
        self.models.abandon()
        self.supervisor.stop()


def _page_status(listen: Listen) -> int:
    """The status of the sign-in page as our own proxy or browser would get it; 0 while nothing answers."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)
    if listen.certificate:
        unchecked = ssl._create_unverified_context()  # noqa: S323  our own certificate, on our own socket
        client: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, listen.port, timeout=20, context=unchecked
        )
    else:
        client = http.client.HTTPConnection(host, listen.port, timeout=20)
    try:
        client.request("GET", "/accounts/login/", headers={"Host": "localhost"})
        status = client.getresponse().status
        return 200 if listen.proxy and status == 301 else status  # it sends us to the encrypted address
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        client.close()
