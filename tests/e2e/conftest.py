from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e import stack as stacks
from tests.e2e.browser import browser


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stacks.Stack]:
    """One installation for all browser tests."""
    home: Path = tmp_path_factory.mktemp("home")
    running = stacks.start(home)
    try:
        yield running
    finally:
        running.stop()
