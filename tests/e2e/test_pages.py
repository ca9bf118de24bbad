"""Every page of the product in a real browser: no fault against WCAG 2.2 AA in light and dark, no violated policy, no
script error, no sideways scrolling at 360 px. The pages come from the table of URLs, so a new one is looked at too.
"""

import pytest
from playwright.sync_api import Page

from tests.e2e import keeping, teaching
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

# The heights of letters in charts that are too small to be read.
SMALL = """() => [...document.querySelectorAll('.chart-figure svg')].map(drawing => {
    const scale = drawing.getBoundingClientRect().width / drawing.viewBox.baseVal.width;
    const letters = [...drawing.querySelectorAll('text')];
    return Math.min(...letters.map(one => scale * parseFloat(getComputedStyle(one).fontSize)));
}).filter(height => height > 0 && height < 10)"""

# The ways that can be seen while a menu is open: their names, and whether each lies on the screen.
WAYS = """() => [...document.querySelectorAll('.stations a, .admin-menu nav a, .phone-nav nav a')]
    .filter(link => link.checkVisibility())
    .map(link => [link.innerText.trim(), link.getBoundingClientRect().left >= 0 &&
        link.getBoundingClientRect().right <= document.documentElement.clientWidth])"""


@pytest.fixture
def finished(walk: Walk) -> Walk:
    return walk.to(keeping.add_webhook)


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
        found += [f"a chart's letters are {high:.1f} px high at {size['width']} px" for high in page.evaluate(SMALL)]
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


@pytest.mark.parametrize("path", ["", "settings/"])
def test_every_way_is_named_once_and_fits_at_every_width(path: str, walk: Walk) -> None:
    """For an admin, who has the most ways. On a narrow screen they are in the menu, else in the bar and a menu."""
    admin = walk.to(teaching.found_project).admin
    page = admin.page
    admin.go(walk.root(path))
    for width in (320, 400, 896, 960, 1080, 1440, 2400):
        page.set_viewport_size({"width": width, "height": 900})
        page.locator(".admin-menu > summary, .phone-nav > summary").filter(visible=True).click()
        ways = page.evaluate(WAYS)
        page.keyboard.press("Escape")
        names = [name for name, _fits in ways]
        assert (len(names), len(set(names)), [name for name, fits in ways if not fits]) == (18, 18, []), width
        assert not overflows(page), width
    page.set_viewport_size(DESKTOP)


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [("admin", "/p/nothing-here/", 404), ("viewer", "settings/", 403), ("admin", "/link/worn-out/", 410)],
)
def test_an_error_page_is_sound(who: str, path: str, status: int, finished: Walk) -> None:
    look_at(finished.people[who], path if path.startswith("/") else finished.root(path), status)
