"""The three jobs that people do all day, without ever touching a mouse."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e import keeping, learning
from tests.e2e.browser import READY
from tests.e2e.people import Person
from tests.e2e.walk import Walk

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def finished(walk: Walk) -> Walk:
    return walk.to(learning.leave_work_open)


def focused(person: Person) -> str:
    """What has the focus: a field's name, else its text."""
    return str(person.page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()"))


def tab_to(person: Person, wanted: str, most: int = 60) -> None:
    """Press Tab until the focus is there."""
    for _ in range(most):
        person.page.keyboard.press("Tab")
        if wanted in focused(person):
            return
    raise AssertionError(f"{wanted} is not within {most} presses of Tab on {person.page.url}")


def test_the_first_tab_skips_to_the_content(finished: Walk) -> None:
    expert = finished.expert
    expert.go(finished.root("write/"))
    expert.page.keyboard.press("Tab")
    assert focused(expert) == "Skip to the content"
    expert.page.keyboard.press("Enter")
    assert expert.page.evaluate("document.activeElement.id") == "content"


def test_a_pair_is_written_and_submitted(finished: Walk) -> None:
    expert, keys = finished.expert, finished.expert.page.keyboard
    expert.go(finished.root("tasks/advice/write/?key=keys"))
    expect(expert.field("Instruction")).to_be_focused()
    keys.press("Escape")
    keys.press("i")
    assert focused(expert) == "instruction"
    keys.type("How thick is a slab?")
    tab_to(expert, "response", most=6)
    keys.type("As thick as the engineer says.")
    keys.press("Control+Enter")
    expert.sees("Submitted. Here is the next one.")


def test_work_is_skipped_with_a_reason_and_a_passage_gives_one_more_pair(walk: Walk) -> None:
    """All from within the text. Enter in the reason means the skip: the text that was begun is not submitted."""
    finished = walk.to(keeping.bring_documents)
    expert, page, keys = finished.expert, finished.expert.page, finished.expert.page.keyboard
    expert.go(finished.root("write/"))
    page.locator("button[name=kind][value=passage]").focus()
    keys.press("Enter")
    expect(expert.field("Instruction")).to_be_focused()
    keys.type("Half a quest")
    before = page.url
    keys.press("Control+Shift+S")
    assert focused(expert) == "reason"
    keys.type("Not my field")
    keys.press("Enter")
    expect(page).not_to_have_url(before)
    expect(expert.field("Instruction")).to_be_focused()
    keys.type("Who ties it?")
    expert.field("Response").focus()
    keys.type("The mason.")
    keys.press("Control+Shift+Enter")
    expect(page).to_have_url(re.compile(r"/write/\?key=passage-"))
    expect(expert.field("Instruction")).to_have_value("")
    expert.go(finished.root("work/"))
    expert.sees("Skipped: Not my field")
    expert.go(finished.root("pairs/"))
    expert.sees("Who ties it?")
    assert "Half a quest" not in expert.main.inner_text()


def test_a_pair_is_reviewed_and_approved(finished: Walk) -> None:
    reviewer, keys = finished.reviewer, finished.reviewer.page.keyboard
    reviewer.go(finished.root("review/"))
    keys.press("n")
    reviewer.sees("Review pair")
    while "How thick is a slab?" not in reviewer.main.inner_text():
        before = reviewer.page.url
        expect(reviewer.page.locator("main[data-unseen]")).to_have_count(0)  # what is not yet drawn is not decided
        keys.press("s")
        expect(reviewer.page).not_to_have_url(before)
        reviewer.sees("Review pair")
    keys.press("r")
    assert focused(reviewer) == "reason"
    keys.type("a and s are only letters here")
    tab_to(reviewer, "Approve", most=2)
    keys.press("a")
    reviewer.sees("Approved.")


def test_answers_are_graded(finished: Walk) -> None:
    """The second is there before it is wanted: it comes without a page load."""
    number = learning.open_round(finished, 2)
    reviewer, page, keys = finished.reviewer, finished.reviewer.page, finished.reviewer.page.keyboard
    reviewer.go(finished.root(f"grading/{number}/"))
    page.evaluate("() => { window.loadedOnce = true; }")
    page.wait_for_function(READY)
    for answer in range(4):
        reviewer.sees(f"{answer} graded, {4 - answer} to go")
        page.wait_for_load_state()  # the scripts of the page are there then
        if answer == 1:
            assert page.evaluate("window.loadedOnce")
        expect(page.locator("main[data-unseen]")).to_have_count(0)
        for digit in ("5", "2", "4"):
            keys.press(digit)
        keys.press("e")
        given = page.evaluate("[...document.querySelectorAll(':checked')].map(one => one.value)")
        assert given == ["5", "2", "4", "edited"]
        keys.press("Enter")
    reviewer.sees("Nothing is left for you here")
    keys.press("u")
    reviewer.sees("What you said last is taken back", "3 graded, 1 to go")
    learning.end_round(finished)
    finished.owner.sees("Mean grade")


def test_votes_are_given_in_a_row_without_a_page_load_and_the_last_is_taken_back(finished: Walk) -> None:
    """Each key is another choice; the pages show every question once, and the closed round counts what was chosen."""
    finished.stack.say("tests.e2e.answered", str(finished.ids["evaluation"]))
    number = learning.open_round(finished, 6, "votes")
    reviewer, page, keys = finished.reviewer, finished.reviewer.page, finished.reviewer.page.keyboard
    reviewer.go(finished.root(f"grading/{number}/"))
    reviewer.look()
    page.evaluate("() => { window.loadedOnce = true; }")
    shown: list[str] = []
    for key in ("t", "n", "t"):
        page.wait_for_function(READY)
        reviewer.sees(f"{len(shown)} judged, {6 - len(shown)} to go")
        assert "First run" not in reviewer.main.inner_text()
        shown.append(reviewer.main.locator(".split-2").inner_text())
        expect(page.locator("main[data-unseen]")).to_have_count(0)
        keys.press(key)
        expect(page.locator(".split-2")).not_to_have_text(shown[-1], use_inner_text=True)
    reviewer.sees("3 judged, 3 to go")
    assert page.evaluate("window.loadedOnce")
    assert len(set(shown)) == 3
    keys.press("u")
    reviewer.sees("What you said last is taken back", "2 judged, 4 to go")
    assert reviewer.main.locator(".split-2").inner_text() == shown[-1]
    learning.end_round(finished)
    duel = finished.owner.page.locator("#grades article").filter(has_text=f"Round {number}")
    expect(duel.locator(".stat", has_text="Good alike")).to_contain_text("1")
    expect(duel.locator(".stat", has_text="Both bad")).to_contain_text("1")
    assert reviewer.troubles() == []


def test_menus_close_and_give_the_focus_back(finished: Walk) -> None:
    expert, keys = finished.expert, finished.expert.page.keyboard
    expert.go(finished.root())
    tab_to(expert, "Menu of")
    keys.press("Enter")
    menu = expert.page.locator("details.menu[open]")
    expect(menu).to_have_count(1)
    keys.press("Tab")
    assert focused(expert) == "Profile"
    keys.press("Escape")
    expect(menu).to_have_count(0)
    assert "Menu of" in focused(expert)
    assert expert.troubles() == []
