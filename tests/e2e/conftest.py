from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e import stack as stacks
from tests.e2e import teaching
from tests.e2e.browser import browser
from tests.e2e.learning import STEPS
from tests.e2e.people import SOON
from tests.e2e.walk import Walk


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=SOON)
    with browser() as found:
        yield found


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stacks.Stack]:
    """One installation for all browser tests."""
    home: Path = tmp_path_factory.mktemp("home")
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
def desk(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Walk]:
    """An installation of its own: the walk of the others counts what waits, and knows which words are misspelt."""
    running = stacks.start(tmp_path_factory.mktemp("editor"))
    try:
        yield Walk(running, chromium, STEPS).to(teaching.make_task)
    finally:
        running.stop()
