"""From a key to the next item on the screen, in a real browser on this machine."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import BrowserContext, Error, Page, sync_playwright

from benchmarks.net import CSRF, HOST
from benchmarks.rows import Row, count_from, median, quantile

PRESSES = 30
READING_MS = 500  # nobody decides what they have not read
BUDGET = "p95 ≤ 100 ms"
REFERENCE = "a popular labeling server: 2–6 s reported by its users"
# From the key to the second frame that the browser has drawn with the next item in it: it is on the screen by then.
REMEMBER = """addEventListener('keydown', () => {
  const pressed = performance.now(), before = location.href;
  window.waited = null;
  const look = () => requestAnimationFrame(() => {
    if (location.href === before) look();
    else requestAnimationFrame(() => { window.waited = performance.now() - pressed; });
  });
  look();
}, true)"""
READY = "() => Number(document.documentElement.dataset.ahead) > 0"
PAINTED = "() => window.waited ?? null"


def painting_row(port: int, session: str, size: int) -> Row:
    """A reviewer approves by the key A again and again. The next review must be open to them."""
    what = f"key pressed to next item painted, {size:,} pairs"
    try:
        with reviewing(port, session) as page:
            waits = [press(page) for _ in range(1 + count_from("BENCH_PRESSES", PRESSES))][1:]
    except Error as error:
        return Row(what, f"not measured: {str(error).splitlines()[0]}", BUDGET, REFERENCE)
    p95 = quantile(waits, 0.95)
    return Row(what, f"p95 {p95:.0f} ms, median {median(waits):.0f} ms", BUDGET, REFERENCE, p95 <= 100)


@contextmanager
def reviewing(port: int, session: str) -> Iterator[Page]:
    """A browser with the first review open."""
    arguments = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        try:
            context = browser.new_context()
            context.add_init_script(REMEMBER)
            page = signed_in(context, port, session)
            page.goto(f"http://{HOST}:{port}/p/load/review/")
            page.get_by_role("button", name="Start reviewing").click()
            page.wait_for_url("**/review/*/")
            yield page
        finally:
            browser.close()


def signed_in(context: BrowserContext, port: int, session: str) -> Page:
    address = f"http://{HOST}:{port}"
    context.add_cookies(
        [
            {"name": "session", "value": session, "url": address},
            {"name": "csrftoken", "value": CSRF, "url": address},
        ]
    )
    return context.new_page()


def press(page: Page) -> float:
    """Milliseconds from the key to the paint of the next item, which the page has loaded while this one was read."""
    before = page.url
    page.wait_for_function(READY)
    page.wait_for_timeout(READING_MS)
    page.keyboard.press("a")
    page.wait_for_url(lambda url: url != before and "/review/" in url)
    deadline = time.monotonic() + 20
    while (found := page.evaluate(PAINTED)) is None:
        if time.monotonic() > deadline:
            raise Error("the next item was not painted within 20 seconds")
        page.wait_for_timeout(10)
    return float(found)
