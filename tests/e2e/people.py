"""People of the browser tests: each has a browser profile of their own, and all that goes wrong in it is kept."""

import re
from dataclasses import dataclass, field

from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.browser import DESKTOP, PHONE, Watch, axe_violations, overflows

PASSWORD = "Twelve blue kettles"
SOON, JOB = 30_000, 180_000  # ms: an answer of the web; a job that waits its turn on a busy machine


@dataclass
class Person:
    email: str
    name: str
    url: str
    page: Page
    watch: Watch
    dialogs: list[str] = field(default_factory=list)

    @classmethod
    def arrive(cls, browser: Browser, url: str, email: str, name: str, *, phone: bool = False) -> "Person":
        context = browser.new_context(viewport=PHONE if phone else DESKTOP, has_touch=phone, reduced_motion="reduce")
        context.set_default_timeout(SOON)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url)
        page = context.new_page()
        person = cls(email, name, url, page, Watch())
        person.watch.follow(page)
        page.on("dialog", lambda dialog: (person.dialogs.append(dialog.message), dialog.accept()))
        return person

    def go(self, path: str) -> None:
        self.page.goto(path if path.startswith("http") else self.url + path)

    def join(self, link: str) -> None:
        """Take up a one-time link that makes an account."""
        self.go(link)
        self.page.get_by_label("Email").fill(self.email)
        self.page.get_by_label("Name").fill(self.name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.press("Make the account")

    def log_in(self) -> None:
        self.go("/accounts/login/")
        self.page.locator("input[type=email]").fill(self.email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.press("Sign in")

    def field(self, name: str) -> Locator:
        """A field for text by the beginning of its label."""
        return self.main.get_by_role("textbox", name=re.compile(f"^{re.escape(name)}"))

    def press(self, name: str) -> None:
        self.main.get_by_role("button", name=name, exact=False).first.click()

    def follow(self, name: str) -> None:
        self.main.get_by_role("link", name=name).first.click()

    @property
    def main(self) -> Locator:
        return self.page.locator("main")

    def sees(self, *texts: str, timeout: int = SOON) -> None:
        for text in texts:
            expect(self.main).to_contain_text(text, timeout=timeout)

    def number_in_url(self, pattern: str) -> int:
        """The id that a page's address ends with, once the browser is there."""
        expect(self.page).to_have_url(re.compile(pattern))
        found = re.search(pattern, self.page.url)
        assert found is not None
        return int(found[1])

    def look(self, *, axe: bool = True) -> None:
        """The page as it is now has no fault against WCAG, and does not scroll sideways."""
        self.page.evaluate("scrollTo(0, 0)")  # what lies half below the sticky bar counts as too small to press
        troubles = [f"{self.page.url}: {line}" for line in axe_violations(self.page)] if axe else []
        if overflows(self.page):
            troubles.append(f"{self.page.url} scrolls sideways at {self.page.viewport_size}")
        assert not troubles, "\n".join(troubles)

    def troubles(self) -> list[str]:
        return [*self.watch.complaints, *(f"a dialog said {text}" for text in self.dialogs)]
