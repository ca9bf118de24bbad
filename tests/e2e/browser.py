"""A real browser for the tests: one that reports every policy violation and every script error of every page."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RULES = {"runOnly": {"type": "tag", "values": WCAG}, "resultTypes": ["violations"]}
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 780}
READY = "() => Number(document.documentElement?.dataset.ahead) > 0"  # a next page is there before it is wanted
SENT = "() => !Object.keys(localStorage).some(key => key.includes('outbox'))"  # nothing that was decided waits here
LISTEN = """
document.addEventListener('securitypolicyviolation', event =>
  console.error('CSP ' + event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sourceFile));
"""


@dataclass
class Watch:
    """What went wrong on the pages seen so far."""

    complaints: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        page.add_init_script(LISTEN)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda line: line.type == "error" and self.note(page, line.text))

    def note(self, page: Page, text: str) -> None:
        # The browser prints a line for each answer that is not 2xx; a test that provokes one looks at the status.
        if not text.startswith("Failed to load resource"):
            self.complaints.append(f"{page.url}: {text}")


def launch(playwright: Playwright) -> Browser:
    """The system's Chromium, else the one playwright installed."""
    arguments = [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    return playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        try:
            yield chromium
        finally:
            chromium.close()


def axe_violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 AA on the page as it is now, a line each."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate("rules => axe.run(rules).then(results => results.violations)", RULES)
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]


def overflows(page: Page) -> bool:
    """Whether the page scrolls sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
