"""PostgreSQL and Redis for the tests: real servers in a temporary folder, unless DATABASE_URL and REDIS_URL are given.

Their addresses are known before they run, so Django's settings can be read at once; the servers themselves start with
the first test that needs them, and tests of `ml` alone start none. Processes that test side by side have their own.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling, Scheduling

from config.embedded import Postgres, Redis

BROWSER = "tests/e2e/"
HOME = Path(tempfile.mkdtemp(prefix="apprentice-test-"))
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


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Both servers, running. Tests marked django_db have them already; tests that start processes ask for them."""
    try:
        if POSTGRES:
            POSTGRES.start()
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


def pytest_configure(config: pytest.Config) -> None:
    # Read now, so that pytest-django finds the settings configured; the people of tests.world are models.
    import django
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # people are made by the dozen here
    # Pages under test name files plainly; hashed names need `collectstatic` and are the browser tests' part.
    (HOME / "static").mkdir()
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    django.setup()
    from core.selectors import health

    # Else statements that are made every ten seconds count now in one request of a slow test and now in another.
    health.CACHE_SECONDS = 3600
    config.pluginmanager.import_plugin("tests.world")
    if config.getoption("numprocesses", None):  # the processes that test side by side begin as this one did
        for name in OURS:
            del os.environ[name]


class ByFile(LoadFileScheduling):
    """The tests of a file stay in one process, since they share what its fixtures made; those in a browser do so all
    together, since they share an installation: it ends with them, and so does playwright's event loop, beside which
    Django would refuse to work."""

    def _split_scope(self, nodeid: str) -> str:
        return BROWSER if nodeid.startswith(BROWSER) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return ByFile(config, log)


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)
