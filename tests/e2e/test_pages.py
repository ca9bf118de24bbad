"""Every page of the product in a real browser: no fault against WCAG 2.2 AA in light and dark, no violated policy, no
script error, no sideways scrolling at 360 px. The pages come from the table of URLs, so a new one is looked at too.
"""

import pytest
from playwright.sync_api import Page

from tests.e2e import learning
from tests.e2e.addresses import address, page_names
from tests.e2e.browser import DESKTOP, PHONE, axe_violations, overflows
from tests.e2e.people import Person
from tests.e2e.walk import Walk

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FOREIGN = {"api-docs"}  # drawn by the browser of the API's own script, which must only violate no policy
AS_OTHERS = [
    ("expert", "index"), ("expert", "project-home"), ("expert", "curation:write"), ("expert", "curation:pair-edit"),
    ("expert", "curation:pair-new"), ("reviewer", "curation:reviews"), ("reviewer", "project-home"),
    ("reviewer", "evaluation:grading-list"), ("viewer", "project-home"), ("viewer", "curation:tasks"),
    ("viewer", "evaluation:evaluation-detail"), ("owner", "project-settings"),
]  # fmt: skip


# After a change of theme every style is computed anew, as when the page is loaded: now and then the browser kept an
# inherited colour of the theme before. Then two frames, and the end of whatever still moves.
SETTLED = """() => {
    const root = document.documentElement;
    root.style.display = 'none';
    void root.offsetHeight;
    root.style.removeProperty('display');
    return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
        .then(() => Promise.allSettled(document.getAnimations().map(motion => motion.finished)));
}"""


@pytest.fixture
def finished(walk: Walk) -> Walk:
    return walk.to(learning.ask_for_drafts)


def faults(page: Page, *, axe: bool = True) -> list[str]:
    """Light and wide, then dark and narrow: what is wrong with the page as it stands."""
    found = []
    for scheme, size in (("light", DESKTOP), ("dark", PHONE)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size(size)
        page.evaluate(SETTLED)
        if axe:
            found += [f"{scheme}, {size['width']} px: {line}" for line in axe_violations(page)]
        if overflows(page):
            found.append(f"scrolls sideways at {size['width']} px")
    page.set_viewport_size(DESKTOP)
    return found


def look_at(person: Person, path: str, status: int = 200, *, axe: bool = True) -> None:
    before = len(person.troubles())
    answer = person.page.goto(person.url + path)
    assert answer is not None
    assert answer.status == status, f"{path} answered {answer.status}"
    assert answer.headers["content-type"].startswith("text/html"), path
    found = faults(person.page, axe=axe)
    assert (found, person.troubles()[before:]) == ([], [])


@pytest.mark.parametrize("name", page_names())
def test_a_page_is_sound_for_an_admin(name: str, finished: Walk) -> None:
    look_at(finished.admin, address(finished, name), axe=name not in FOREIGN)


@pytest.mark.parametrize(("who", "name"), AS_OTHERS)
def test_a_page_is_sound_for_others(who: str, name: str, finished: Walk) -> None:
    look_at(finished.people[who], address(finished, name))


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [("admin", "/p/nothing-here/", 404), ("viewer", "settings/", 403), ("admin", "/link/worn-out/", 410)],
)
def test_an_error_page_is_sound(who: str, path: str, status: int, finished: Walk) -> None:
    look_at(finished.people[who], path if path.startswith("/") else finished.root(path), status)
