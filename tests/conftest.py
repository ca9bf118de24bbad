"""PostgreSQL and Redis for the tests: real servers in a temporary folder, unless DATABASE_URL and REDIS_URL are given.

Their addresses are known before they run, so Django's settings can be read at once; the servers themselves start with
the first test that needs them, and tests of `ml` alone start none. Processes that test side by side have their own:
each begins with a copy of one data folder that has been migrated already (its own cluster and its own 80 migrations
would cost every process ten seconds), made anew whenever a migration, a model or a library changes.
"""

import fcntl
import gc
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from pytest_django.plugin import DjangoDbBlocker
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling, Scheduling

from config.embedded import Postgres, Redis
from config.embedded.postgres import NAME

ROOT = Path(__file__).resolve().parents[1]
MIGRATED = ROOT / ".test-database"
BROWSER = "tests/e2e/"
# Seconds, roughly; any other test takes a tenth of one. What takes far longer says so: `pytest.mark.slow(seconds=40)`.
TAKES = {"faults": 12.0, "browser": 2.0, "slow": 3.0}
HOME = Path(tempfile.mkdtemp(prefix="apprentice-test-"))
(HOME / "secrets").mkdir(mode=0o700)
(HOME / "secrets" / "postgres").write_text("the-same-in-every-copy-of-the-data-folder")
POSTGRES = None if os.environ.get("DATABASE_URL") else Postgres(HOME, fast=True)
REDIS = None if os.environ.get("REDIS_URL") else Redis(HOME, fast=True)

OURS = {"APPRENTICE_HOME": str(HOME), "DJANGO_SETTINGS_MODULE": "config.settings"}
if POSTGRES:
    OURS["DATABASE_URL"] = POSTGRES.url
if REDIS:
    OURS["REDIS_URL"] = REDIS.url
os.environ.update(OURS)


@dataclass(frozen=True)
class Servers:
    """What a process outside pytest needs to reach the same servers."""

    home: Path
    database_url: str
    redis_url: str

    def put_migrated(self, home: Path) -> None:
        """Give an installation that a test starts over `home` a database that is up to date: its 80 migrations cost it
        ten seconds. How they run from nothing, tests/faults/test_up.py sees. With servers given from outside there is
        no copy to take, and the installation does it itself."""
        if POSTGRES is None:
            return
        (home / "secrets").mkdir(mode=0o700, exist_ok=True)
        shutil.copy(HOME / "secrets" / "postgres", home / "secrets" / "postgres")
        subprocess.run(["cp", "-a", MIGRATED / data_folder_key(), home / "postgres"], check=True)
        server = Postgres(home, fast=True)
        try:
            server.start()
            with psycopg.connect(server.url.replace(f"/{NAME}?", "/postgres?"), autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {NAME}")
                connection.execute(f"ALTER DATABASE test_{NAME} RENAME TO {NAME}")
        finally:
            server.stop()


def data_folder_key() -> str:
    """What the tables are made from: migrations, models (of which Django derives permissions) and libraries."""
    files = [*ROOT.glob("*/migrations/*.py"), *ROOT.glob("*/models/**/*.py"), *ROOT.glob("config/**/*.py")]
    texts = [path.read_bytes() for path in [*sorted(files), ROOT / "constraints.txt"]]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:16]


def start_migrated(server: Postgres, blocker: DjangoDbBlocker) -> None:
    """Start `server` with the test database in it, from the kept copy, which the first who comes makes."""
    from django.db import connection

    MIGRATED.mkdir(mode=0o700, exist_ok=True)
    kept = MIGRATED / data_folder_key()
    with (MIGRATED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            server.start()
            with blocker.unblock():
                name = connection.settings_dict["NAME"]
                connection.creation.create_test_db(verbosity=0, serialize=False)
                connection.close()
                connection.settings_dict["NAME"] = name  # pytest-django makes it the test database again
            server.stop()
            for other in MIGRATED.iterdir():
                if other.is_dir():
                    shutil.rmtree(other)
            subprocess.run(["cp", "-a", server.data, MIGRATED / "new"], check=True)
            (MIGRATED / "new").rename(kept)
        else:
            subprocess.run(["cp", "-a", kept, server.data], check=True)
    server.start()


@pytest.fixture(scope="session")
def servers(django_db_blocker: DjangoDbBlocker) -> Iterator[Servers]:
    """Both servers, running. Tests marked django_db have them already; tests that start processes ask for them."""
    try:
        if POSTGRES:
            start_migrated(POSTGRES, django_db_blocker)
        if REDIS:
            REDIS.start()
        yield Servers(HOME, os.environ["DATABASE_URL"], os.environ["REDIS_URL"])
    finally:
        if REDIS:
            REDIS.stop()
        if POSTGRES:
            POSTGRES.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(servers: Servers) -> None:
    """pytest-django asks for this before it makes the test database: the server must run by then."""


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The embedded server has the test database already and goes with it; elsewhere it is made and destroyed."""
    return POSTGRES is not None


def empty_tables(_: object) -> None:
    """Instead of Django's `flush`: TRUNCATE makes every file of a hundred tables anew, and permissions are derived from
    all models again, .14 s a test for a handful of rows. Triggers and foreign keys are passed over, as TRUNCATE does.
    """
    from django.db import connection

    made_by_migrate = {"django_content_type", "auth_permission"}
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - made_by_migrate
    deletes = "".join(f'DELETE FROM "{table}";' for table in sorted(tables))
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN; SET LOCAL session_replication_role = replica; {deletes} COMMIT")


def pytest_configure(config: pytest.Config) -> None:
    # Read now, so that pytest-django finds the settings configured; the people of tests.world are models.
    import django
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # people are made by the dozen here
    # Pages under test name files plainly; hashed names need `collectstatic` and are the browser tests' part.
    (HOME / "static").mkdir()
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    django.setup()
    from django.core.cache import caches
    from django.test import TransactionTestCase

    if POSTGRES:  # passing over triggers takes a superuser
        TransactionTestCase._fixture_teardown = empty_tables
    # Looked up every ten seconds, and so with another page in each run.
    caches["near"].set("notices", [], None)
    config.pluginmanager.import_plugin("tests.world")
    if config.getoption("numprocesses", None):  # the processes that test side by side begin as this one did
        for name in OURS:
            del os.environ[name]
    else:
        gc.disable()  # until all tests are collected: what they import stays


def together(nodeid: str) -> str:
    """What is tested in one process: a file, or all that is seen in a browser."""
    return BROWSER if nodeid.startswith(BROWSER) else nodeid.split("::", 1)[0]


@pytest.hookimpl(trylast=True)  # after those that are left out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Side by side the longest files begin first: one that begins last would leave the other processors idle."""
    if not hasattr(config, "workerinput"):
        return
    seconds: dict[str, float] = defaultdict(float)
    for item in items:
        marks = [mark for mark in item.iter_markers() if mark.name in TAKES]
        takes = [mark.kwargs.get("seconds", TAKES[mark.name]) for mark in marks]
        seconds[together(item.nodeid)] += max(takes, default=0.1)
    items.sort(key=lambda item: -seconds[together(item.nodeid)])


class ByFile(LoadFileScheduling):
    """The tests of a file stay in one process, since they share what its fixtures made; those in a browser do so all
    together, since they share an installation: it ends with them, and so does playwright's event loop, beside which
    Django would refuse to work."""

    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    config.option.loadscopereorder = False  # not by the number of tests: the items came in order
    return ByFile(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What all libraries and tests have left in memory stays until the end: a sixth of the time of pages under test
    went into looking through it for garbage again and again."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)
