"""Work in one go: the next page is there at once, on a cut network too; nothing is lost, none doubled, none kept."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.browser import READY, SENT
from tests.e2e.editing import approve, begin_review, open_editor, saved, sign_in
from tests.e2e.people import Person
from tests.e2e.walk import Walk

pytestmark = [pytest.mark.browser, pytest.mark.slow]
# What a page sends while it is left is seen by nobody outside it.
NOTE_GIVEN_BACK = """{
  const ask = window.fetch;
  window.fetch = (url, ...how) => {
    if (String(url).endsWith("/review/release/")) sessionStorage.setItem("given back", "yes");
    return ask(url, ...how);
  };
}"""
# A list of the next ones that never comes: every submit has to wait for its answer.
NONE_AHEAD = "**/ahead/"


def test_pairs_are_written_and_reviewed_in_one_go_on_a_cut_network_and_taken_back(desk: Walk) -> None:
    """The next page is there at once; what was decided offline arrives once; the last decision is taken back."""
    expert, reviewer, keys = desk.expert, desk.reviewer, desk.reviewer.page.keyboard
    page = open_editor(expert, desk, "row-0")
    for number in range(10):
        if number < 4:
            page.wait_for_function(READY)
        if number == 4:
            page.wait_for_function("() => Number(document.documentElement?.dataset.ahead) === 5")
            page.context.set_offline(True)  # five pages are there, the sixth text waits where it was written
        expert.field("Instruction").fill(f"Row {number}?")
        expert.field("Response").fill(f"Row {number} stands.")
        before = page.url
        page.keyboard.press("Control+Enter")
        if number < 9:
            expect(page).not_to_have_url(before)
            expect(expert.field("Instruction")).to_be_focused()
            expect(expert.field("Response")).to_have_value("")
    expect(page.locator("main[inert]")).to_have_count(1)
    expect(page.locator("#toasts")).to_contain_text("What you decided here is kept on this device")
    expect(page.locator("[data-outbox-notice]")).to_have_text("Kept on this device until it can be sent.")
    page.context.set_offline(False)
    expect(page.locator("main[inert]")).to_have_count(0)
    expect(expert.field("Response")).to_have_value("")
    page.wait_for_function(SENT)
    expert.go(desk.root("pairs/?q=stands&task=advice"))
    expect(page.locator("tbody tr")).to_have_count(10)
    assert len(set(re.findall(r"Row \d stands", expert.main.inner_text()))) == 10
    reviewer.go(desk.root("review/"))
    reviewer.press("Start reviewing")
    page = reviewer.page
    page.wait_for_function("() => Number(document.documentElement?.dataset.ahead) > 1")
    reviewer.look()
    page.context.set_offline(True)
    for _ in range(2):
        before = page.url
        for _held in range(2):
            keys.down("a")  # the second time the key repeats itself
        keys.up("a")
        expect(page).not_to_have_url(before)
        expect(page.locator("main[data-unseen]")).to_have_count(0)
    expect(page.locator("#toasts")).to_contain_text("Decisions kept on this device and sent later: 2")
    page.context.set_offline(False)
    page.wait_for_function(SENT)
    keys.press("u")
    reviewer.sees("Taken back: approved")
    reviewer.go(desk.root("actions/"))
    expect(page.locator("tbody tr")).to_have_count(1)
    desk.expert.go(desk.root("pairs/?state=approved&task=advice"))
    expect(desk.expert.page.locator("tbody tr")).to_have_count(1)
    assert reviewer.troubles() == []


def test_what_was_claimed_ahead_is_given_back_when_the_work_is_left_and_not_when_it_goes_on(desk: Walk) -> None:
    """A page that a submit leaves would take the next items out of the hands of the page that comes."""
    reviewer = desk.reviewer
    reviewer.page.add_init_script(NOTE_GIVEN_BACK)
    page = begin_review(desk, "beam", 6)
    page.wait_for_function(READY)
    page.evaluate("sessionStorage.removeItem('given back')")
    reviewer.press("Return")  # without a reason: sent as forms are, and refused
    reviewer.sees("This could not be saved yet")
    page.wait_for_function(READY)
    assert page.evaluate("sessionStorage.getItem('given back')") is None
    reviewer.go(desk.root("review/"))
    assert page.evaluate("sessionStorage.getItem('given back')") == "yes"


def test_what_is_decided_is_not_shown_again_however_late_it_was_listed_and_loaded(desk: Walk) -> None:
    """Two decisions are made while the list of the next items is under way, and reach the server after it was read."""
    page = begin_review(desk, "rafter", 14)
    page.wait_for_function("() => Number(document.documentElement?.dataset.ahead) === 5")
    lists: list[Route] = []
    decisions: list[Route] = []
    page.route("**/ahead/", lambda route: route.continue_() if lists else lists.append(route))
    with page.expect_request("**/ahead/"):
        shown = [page.url, approve(page)]
    page.route("**/approve/", lambda route: route.continue_() if decisions else decisions.append(route))
    shown += [approve(page), approve(page)]
    listed = lists[0].fetch()
    urls = [item["url"] for item in listed.json()["items"]]
    assert [url for url in urls if f"{desk.stack.url}{url}" in shown] == urls[:2]
    with page.expect_response(f"**{urls[-1]}"):
        lists[0].fulfill(response=listed)
    decisions[0].continue_()
    page.wait_for_function(SENT)
    for _next in range(4):
        page.wait_for_function(READY)
        shown.append(approve(page))
    assert len(set(shown)) == len(shown)
    page.unroute_all()


def test_a_page_that_was_loaded_ahead_says_how_many_wait_once_it_is_seen(desk: Walk) -> None:
    page = begin_review(desk, "batten", 4)
    said = page.locator("main .form-actions .meta").filter(has_text="wait")
    left = int(said.inner_text().split()[0])
    for _next in range(2):
        page.wait_for_function(READY)
        approve(page)
        left -= 1
        expect(said).to_have_text(re.compile(rf"^{left} waits?$"))


def test_a_key_completes_no_item_that_is_not_yet_on_the_screen(desk: Walk) -> None:
    """Pressed twice before the browser has drawn, and held: one item is decided."""
    page = begin_review(desk, "joist", 4)
    page.wait_for_function("() => Number(document.documentElement?.dataset.ahead) > 1")
    decided: list[str] = []
    page.on("request", lambda asked: asked.url.endswith("/approve/") and decided.append(asked.url))
    before = page.url
    page.evaluate(
        """() => [{}, {}, { repeat: true }].forEach((how) =>
          document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "a", bubbles: true, ...how })))"""
    )
    expect(page).not_to_have_url(before)
    expect(page.locator("main[data-unseen]")).to_have_count(0)
    page.wait_for_function(SENT)
    assert len(decided) == 1


def test_a_page_before_which_nobody_sits_ends_its_hold(desk: Walk) -> None:
    """The hold is kept while somebody is there, and again once somebody is back; between them lies an hour."""
    address = begin_review(desk, "purlin", 1).url
    page = desk.reviewer.page.context.new_page()
    kept: list[str] = []
    page.on("request", lambda asked: asked.url.endswith("/renew/") and kept.append(asked.url))
    page.clock.install()
    page.goto(address)
    page.clock.run_for("16:00")
    page.clock.run_for("01:00:00")
    page.mouse.move(9, 9)
    with page.expect_request("**/renew/"):
        page.clock.run_for("05:00")
    page.close()
    assert len(kept) == 3, "at 5 and at 10 minutes, and after the hour"


def test_a_submit_with_no_page_ahead_outlives_a_server_that_dies_and_the_session(desk: Walk) -> None:
    """The server stored it and died before it said so; then the session ends. Each text arrives, and once."""
    expert, page = desk.expert, open_editor(desk.expert, desk, "alone")
    page.route(NONE_AHEAD, lambda route: route.abort())
    stored: list[int] = []

    def die(route: Route) -> None:
        if route.request.method == "POST" and not stored:
            stored.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    open_editor(expert, desk, "alone")
    page.route("**/write/*", die)
    expert.field("Instruction").fill("Who stores alone?")
    expert.field("Response").fill("The server, before it dies.")
    expert.field("Response").press("Control+Enter")
    expect(page.locator("#toasts")).to_contain_text("What you decided here is kept on this device")
    expect(page.locator("main[inert]")).to_have_count(1)
    assert stored == [200]
    page.unroute(NONE_AHEAD)
    expect(expert.field("Response")).to_have_value("")
    expect(page.locator("[data-outbox-notice]")).to_have_text("Submitted. Here is the next one.")
    expect(page.locator("[data-outbox-notice] > svg.icon")).to_be_visible()
    page.unroute_all()
    page.route(NONE_AHEAD, lambda route: route.abort())
    open_editor(expert, desk, "alone-too")
    expert.field("Instruction").fill("Who signs in alone?")
    expert.field("Response").fill("The expert, again.")
    saved(page)
    page.unroute_all()
    page.context.clear_cookies()
    expert.field("Response").press("Control+Enter")
    expect(page.locator("#toasts")).to_contain_text("Decisions kept on this device until you sign in again: 1")
    page.locator("#toasts").get_by_role("link", name="Sign in").click()
    sign_in(expert)
    expect(page).to_have_url(re.compile(r"/write/$"))
    page.wait_for_function(SENT)
    expert.go(desk.root("pairs/?q=alone"))
    expect(page.locator("tbody tr")).to_have_count(2)
    assert expert.main.inner_text().count("Who stores alone?") == 1


def test_whoever_signs_in_again_in_another_tab_goes_on_where_they_were(desk: Walk) -> None:
    expert, page = desk.expert, open_editor(desk.expert, desk, "expiry")
    state = page.locator("[data-autosave-status]")
    page.wait_for_function(READY)
    page.context.clear_cookies()
    expert.field("Instruction").fill("Who was signed out?")
    expert.field("Response").fill("Nobody lost a word.")
    expect(state).to_contain_text("You are signed out")
    tab = Person(expert.email, expert.name, expert.url, page.context.new_page(), expert.watch)
    tab.log_in()
    expect(tab.page).not_to_have_url(re.compile("login"))
    tab.page.close()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    saved(page)
    page.context.clear_cookies()
    before = page.url
    expert.field("Response").press("Control+Enter")
    expect(page).not_to_have_url(before)
    expect(page.locator("#toasts")).to_contain_text("Decisions kept on this device until you sign in again: 1")
    page.locator("#toasts").get_by_role("link", name="Sign in").click()
    sign_in(expert)
    expect(page).to_have_url(re.compile(r"/write/$"))
    page.wait_for_function(SENT)
    expert.go(desk.root("pairs/?q=signed+out"))
    expect(page.locator("tbody tr")).to_have_count(1)
