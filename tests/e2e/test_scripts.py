"""What the small scripts do beside the editor's: theme, copy boxes, the second click, the sheet of shortcuts."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import teaching
from tests.e2e.walk import Walk

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def begun(walk: Walk) -> Walk:
    return walk.to(teaching.make_task)


COLOURS = """() => [[document.documentElement, 'backgroundColor'], [document.body, 'backgroundColor'],
    [document.body, 'color']].map(([part, style]) => getComputedStyle(part)[style]).join(' ')"""


def paper(page: Page) -> str:
    """The colours of the page and of its text."""
    return str(page.evaluate(COLOURS))


def wait_for_paper(page: Page, colours: str) -> None:
    """Until the page has these colours; a change of theme may pass through others."""
    page.wait_for_function(f"wanted => ({COLOURS})() === wanted", arg=colours)


def test_the_theme_changes_at_once_and_stays(begun: Walk) -> None:
    viewer = begun.viewer
    viewer.page.emulate_media(color_scheme="dark")
    viewer.go(begun.root())
    dark = paper(viewer.page)
    viewer.page.emulate_media(color_scheme="light")
    viewer.go(begun.root())
    light = paper(viewer.page)
    assert dark != light
    viewer.page.locator("summary", has_text="Menu of").click()
    with viewer.page.expect_response(re.compile("/theme/")):
        viewer.page.get_by_role("button", name="Dark").click()
    wait_for_paper(viewer.page, dark)
    assert viewer.page.get_by_role("button", name="Dark").get_attribute("aria-pressed") == "true"
    viewer.page.reload()
    wait_for_paper(viewer.page, dark)
    viewer.page.locator("summary", has_text="Menu of").click()
    with viewer.page.expect_response(re.compile("/theme/")):
        viewer.page.get_by_role("button", name="Auto").click()
    wait_for_paper(viewer.page, light)
    assert viewer.troubles() == []


def test_a_copy_box_copies_and_says_so(begun: Walk) -> None:
    link = teaching.invitation(begun, "viewer")
    page = begun.admin.page
    page.locator("[data-copy=new-link]").click()
    expect(page.locator("[data-copy=new-link]")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == link
    expect(page.locator("#announcer")).to_have_text("Copied")
    expect(page.locator("[data-copy=new-link]")).to_have_text("Copy")


def test_a_second_click_sends_nothing(begun: Walk) -> None:
    """The page is held back where it would leave for the server."""
    owner = begun.owner
    owner.go(begun.root("settings/"))
    owner.page.evaluate(
        """window.sent = 0;
        document.addEventListener('submit', event => {
          window.sent += !event.defaultPrevented;
          event.preventDefault();
        });"""
    )
    save = owner.page.get_by_role("button", name="Save")
    save.click()
    expect(save).to_have_attribute("aria-disabled", "true")
    save.click(force=True)
    save.press("Enter")
    assert owner.page.evaluate("window.sent") == 1


def test_a_double_click_writes_one_pair(begun: Walk) -> None:
    expert = begun.expert
    expert.go(begun.root("tasks/advice/write/?key=twice"))
    expert.field("Instruction").fill("Pressed twice?")
    expert.field("Response").fill("Stored once.")
    expert.page.get_by_role("button", name="Submit and next").dblclick()
    expert.sees("Submitted. Here is the next one.")
    expert.go(begun.root("pairs/?q=pressed+twice"))
    expect(expert.page.locator("tbody tr")).to_have_count(1)
    expert.follow("Pressed twice?")  # the walk counts what waits for review: nothing may be left
    expert.page.locator("summary", has_text="Move to the trash").click()
    expert.press("Move to the trash")
    expert.sees("In the trash")


def test_the_sheet_of_shortcuts_opens_lists_and_switches_off(begun: Walk) -> None:
    expert = begun.expert
    expert.go(begun.root("tasks/advice/write/?key=sheet"))
    page, keys = expert.page, expert.page.keyboard
    expect(expert.field("Instruction")).to_be_focused()
    keys.press("Escape")
    keys.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_contain_text("Instruction")
    expect(sheet).to_contain_text("Submit the text being written")
    expert.look()
    sheet.get_by_label("Use single keys on this computer").uncheck()
    keys.press("Escape")
    expect(sheet).not_to_be_visible()
    keys.press("i")
    assert page.evaluate("document.activeElement.name") != "instruction"
    page.get_by_role("button", name="Keyboard shortcuts").last.click()
    sheet.get_by_label("Use single keys on this computer").check()
    sheet.get_by_role("button", name="Close").click()
    keys.press("i")
    assert page.evaluate("document.activeElement.name") == "instruction"
    keys.type("? i")
    expect(page.get_by_role("textbox", name=re.compile("^Instruction"))).to_have_value("? i")
    assert expert.troubles() == []
