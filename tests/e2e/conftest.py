from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e import stack as stacks
from tests.e2e import teaching
from tests.e2e.browser import browser
from tests.e2e.learning import STEPS
from tests.e2e.people import SOON
from tests.e2e.walk import Walk

if TYPE_CHECKING:
    from tests.conftest import Servers


@pytest.fixture(scope="package")
def chromium(servers: Servers) -> Iterator[Browser]:
    # After the servers: beside playwright's event loop Django would refuse to make the database that is kept.
    expect.set_options(timeout=SOON)
    with browser() as found:
        yield found


@pytest.fixture(scope="package")
def stack(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[stacks.Stack]:
    """One installation for all browser tests."""
    home: Path = tmp_path_factory.mktemp("home")
    servers.put_migrated(home)
    running = stacks.start(home)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="package")
def walk(stack: stacks.Stack, chromium: Browser) -> Walk:
    """The walk round the loop, not yet begun: `walk.to(step)` takes every step up to that one, each once."""
    return Walk(stack, chromium, STEPS)


@pytest.fixture(scope="package")
def desk(servers: Servers, tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Walk]:
    """An installation of its own: the walk of the others counts what waits, and knows which words are misspelt."""
    home: Path = tmp_path_factory.mktemp("editor")
    servers.put_migrated(home)
    running = stacks.start(home)
    try:
        yield Walk(running, chromium, STEPS).to(teaching.make_task)
    finally:
        running.stop()
