"""The installation's database for a command: the running one, or the embedded one started for as long as it takes."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from config.embedded import Postgres
from config.embedded.postgres import binary
from core.operations import preflight
from core.operations.errors import OperatorError


@contextlib.contextmanager
def database_running(home: Path, url: str) -> Iterator[None]:
    """Within the block `url` answers. Raises OperatorError, or EmbeddedError from the embedded server."""
    with contextlib.ExitStack() as held:
        if not os.environ.get("DATABASE_URL"):
            embedded = Postgres(home)
            if embedded.join():  # else `make up` runs it; that is as good
                held.callback(embedded.stop)
        preflight.check_database(url)
        yield


def run_tool(name: str, url: str, *words: str) -> None:
    """Run pg_dump or pg_restore against `url`. The password goes through the environment, unseen."""
    parts = conninfo_to_dict(url)
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    given = {names[key]: str(value) for key, value in parts.items() if key in names}
    done = subprocess.run(
        [str(binary(name)), *words], env={**os.environ, **given}, capture_output=True, text=True, errors="replace"
    )
    if done.returncode != 0:
        raise OperatorError(f"{name} failed: {' '.join(done.stderr.split())[-500:]}")
