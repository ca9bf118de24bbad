"""What the browser tests of the editor and of the pages loaded ahead do alike."""

from playwright.sync_api import Page, expect

from tests.e2e.people import PASSWORD, Person
from tests.e2e.walk import Walk

SEND = """async texts => {
  for (const one of texts) {
    const headers = { Accept: "application/json", ...JSON.parse(document.body.getAttribute("hx-headers")) };
    const values = { instruction: `${one}?`, response: `${one}.`, language: "en", key: one.replaceAll(" ", "-") };
    const answer = await fetch(location.pathname, { method: "POST", body: new URLSearchParams(values), headers });
    if (!answer.ok) throw new Error(`${answer.status} ${one}`);
  }
}"""


def open_editor(person: Person, walk: Walk, key: str) -> Page:
    person.go(walk.root(f"tasks/advice/write/?key={key}"))
    return person.page


def begin_review(walk: Walk, topic: str, count: int) -> Page:
    """The reviewer before the first of at least as many pairs."""
    open_editor(walk.expert, walk, topic).evaluate(SEND, [f"Is {topic} {number} whole" for number in range(count)])
    walk.reviewer.go(walk.root("review/"))
    walk.reviewer.press("Start reviewing")
    return walk.reviewer.page


def approve(page: Page) -> str:
    """The address of what is shown next."""
    before = page.url
    page.keyboard.press("a")
    expect(page).not_to_have_url(before)
    expect(page.locator("main[data-unseen]")).to_have_count(0)
    return page.url


def sign_in(person: Person) -> None:
    person.page.locator("input[type=email]").fill(person.email)
    person.page.get_by_label("Password").fill(PASSWORD)
    person.press("Sign in")


def saved(page: Page) -> None:
    expect(page.locator("[data-autosave-status]")).to_have_attribute("data-state", "saved")
