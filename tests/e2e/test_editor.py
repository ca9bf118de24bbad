"""The editor as experts use it all day: by keyboard, in two windows, on a cut network: nothing lost, none doubled."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e import stack as stacks
from tests.e2e import teaching
from tests.e2e.browser import READY, SENT
from tests.e2e.learning import STEPS
from tests.e2e.people import PASSWORD, Person
from tests.e2e.walk import Walk

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SEND = """async texts => {
  for (const one of texts) {
    const headers = { Accept: "application/json", ...JSON.parse(document.body.getAttribute("hx-headers")) };
    const values = { instruction: `${one}?`, response: `${one}.`, language: "en", key: one.replaceAll(" ", "-") };
    const answer = await fetch(location.pathname, { method: "POST", body: new URLSearchParams(values), headers });
    if (!answer.ok) throw new Error(`${answer.status} ${one}`);
  }
}"""
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


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Walk]:
    """An installation of its own: the walk of the others counts what waits, and knows which words are misspelt."""
    running = stacks.start(tmp_path_factory.mktemp("editor"))
    try:
        yield Walk(running, chromium, STEPS).to(teaching.make_task)
    finally:
        running.stop()


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


def paste(page: Page, field: str, html: str, plain: str = "") -> None:
    page.locator(field).focus()
    page.evaluate(
        """([field, html, plain]) => {
          const clipboardData = new DataTransfer();
          clipboardData.setData('text/html', html);
          clipboardData.setData('text/plain', plain);
          const event = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
          document.querySelector(field).dispatchEvent(event);
        }""",
        [field, html, plain],
    )


def test_findings_are_marked_in_the_text_and_settled_by_keys_alone(begun: Walk) -> None:
    expert, keys = begun.expert, begun.expert.page.keyboard
    page = open_editor(expert, begun, "marks")
    expect(expert.field("Instruction")).to_be_focused()
    keys.press("Escape")
    keys.press("e")
    keys.type("The wooden fense keeps animals out of the garden; the beem carries the roof.")
    marks = page.locator(".marked:has(#id_response) mark")
    expect(marks).to_have_text(["fense", "beem"])
    keys.press("Control+Home")
    keys.press("Control+.")
    expect(expert.field("Response")).to_have_value(re.compile(r"^The wooden fence keeps"))
    expect(marks).to_have_text(["beem"])
    keys.press("Control+,")
    expect(page.locator("#toasts")).to_contain_text("“beem” is in the glossary now.")
    expect(marks).to_have_count(0)
    keys.press("Control+z")
    expect(expert.field("Response")).to_have_value(re.compile(r"fense"))
    assert expert.troubles() == []


def test_turns_are_added_moved_and_removed_and_every_saving_sends_the_same_fields(begun: Walk) -> None:
    """The draft of half a second's quiet, and the one that leaving the page sends, are made by one serializer."""
    expert, keys = begun.expert, begun.expert.page.keyboard
    page = open_editor(expert, begun, "turns")
    sent: list[dict[str, object]] = []
    page.on("request", lambda asked: "/drafts/" in asked.url and sent.append(json.loads(asked.post_data or "{}")))
    expert.field("Instruction").fill("And how\n\nthick?")
    page.locator("summary", has_text="Earlier turns").click()
    for said in ("Is it wood?", "It is oak."):
        page.get_by_role("button", name="Add a turn").click()
        keys.type(said)
    page.locator(".turn").nth(1).get_by_role("button", name="Up").click()
    saved(page)
    expert.look()
    expert.field("Response").fill("Two fingers.")
    page.evaluate("dispatchEvent(new Event('pagehide'))")  # before the half second is over
    saved(page)
    assert len(sent) > 1
    assert {tuple(sorted(one["fields"])) for one in sent} == {tuple(sorted(sent[0]["fields"]))}  # type: ignore[call-overload]
    open_editor(expert, begun, "turns")
    expect(expert.field("Response")).to_have_value("Two fingers.")
    expect(expert.field("Instruction")).to_have_value("And how\n\nthick?")
    expect(page.locator(".turn textarea").first).to_have_value("It is oak.")
    expect(page.locator(".turn select").first).to_have_value("assistant")
    page.locator(".turn").first.get_by_role("button", name="Remove").click()
    expect(page.locator(".turn")).to_have_count(1)
    saved(page)


def test_two_windows_on_one_item_lose_nothing(begun: Walk) -> None:
    expert = begun.expert
    page = open_editor(expert, begun, "windows")
    expert.field("Response").fill("The beam carries the roof. Ask first.")
    saved(page)
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_role("textbox", name=re.compile("^Response")).fill("The beam carries the roof. Ask an engineer.")
    saved(other)
    expert.field("Response").fill("The oak beam carries the roof. Ask first.")
    expect(page.locator("[data-autosave-panel]")).to_contain_text("Somebody else saved a newer text")
    page.get_by_role("button", name="Put both together").click()
    expect(expert.field("Response")).to_have_value("The oak beam carries the roof. Ask an engineer.")
    saved(page)
    field = other.get_by_role("textbox", name=re.compile("^Response"))
    field.fill("In the other window it says no.")
    for window in (page, other):
        window.get_by_role("textbox", name=re.compile("^Instruction")).fill("May I cut it?")
        before = window.url
        window.get_by_role("textbox", name=re.compile("^Response")).press("Control+Enter")
        expect(window).not_to_have_url(before)
    expect(other.locator("#toasts")).to_contain_text("another text of this already")
    other.get_by_role("link", name="Back to it").click()
    expect(other).to_have_url(re.compile(r"/pairs/\d+/edit/"))
    expect(field).to_have_value("In the other window it says no.")
    begun.owner.go(begun.root("pairs/?q=oak+beam"))
    begun.owner.sees("May I cut it?")
    other.close()


def test_composing_held_keys_and_backspace_submit_and_discard_nothing(begun: Walk) -> None:
    expert, keys = begun.expert, begun.expert.page.keyboard
    page = open_editor(expert, begun, "ime")
    page.wait_for_function(READY)  # a submit would show the next page at once
    expert.field("Instruction").fill("Kept?")
    expert.field("Response").fill("Kept.")
    for event in ("{ key: 'Enter', isComposing: true }", "{ key: 'Enter', ctrlKey: true, repeat: true }",
                  "{ key: 'Enter', ctrlKey: true, isComposing: true }"):  # fmt: skip
        page.evaluate(
            f"document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {{ bubbles: true, ...{event} }}))"
        )
    keys.press("Escape")
    assert page.evaluate("document.activeElement === document.body")
    keys.press("Backspace")
    assert "key=ime" in page.url
    expect(expert.field("Response")).to_have_value("Kept.")


def test_whoever_signs_in_again_in_another_tab_goes_on_where_they_were(begun: Walk) -> None:
    expert, page = begun.expert, open_editor(begun.expert, begun, "expiry")
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
    expect(page.locator("#toasts")).to_contain_text("Decisions kept on this computer until you sign in again: 1")
    page.locator("#toasts").get_by_role("link", name="Sign in").click()
    sign_in(expert)
    expect(page).to_have_url(re.compile(r"/write/$"))
    page.wait_for_function(SENT)
    expert.go(begun.root("pairs/?q=signed+out"))
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_submit_with_no_page_ahead_outlives_a_server_that_dies_and_the_session(begun: Walk) -> None:
    """The server stored it and died before it said so; then the session ends. Each text arrives, and once."""
    expert, page = begun.expert, open_editor(begun.expert, begun, "alone")
    page.route(NONE_AHEAD, lambda route: route.abort())
    stored: list[int] = []

    def die(route: Route) -> None:
        if route.request.method == "POST" and not stored:
            stored.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    open_editor(expert, begun, "alone")
    page.route("**/write/*", die)
    expert.field("Instruction").fill("Who stores alone?")
    expert.field("Response").fill("The server, before it dies.")
    expert.field("Response").press("Control+Enter")
    expect(page.locator("#toasts")).to_contain_text("What you decided here is kept on this computer")
    expect(page.locator("main[inert]")).to_have_count(1)
    assert stored == [200]
    page.unroute(NONE_AHEAD)
    expect(expert.field("Response")).to_have_value("")
    expect(page.locator("[data-outbox-notice]")).to_have_text("Submitted. Here is the next one.")
    page.unroute_all()
    page.route(NONE_AHEAD, lambda route: route.abort())
    open_editor(expert, begun, "alone-too")
    expert.field("Instruction").fill("Who signs in alone?")
    expert.field("Response").fill("The expert, again.")
    saved(page)
    page.unroute_all()
    page.context.clear_cookies()
    expert.field("Response").press("Control+Enter")
    expect(page.locator("#toasts")).to_contain_text("Decisions kept on this computer until you sign in again: 1")
    page.locator("#toasts").get_by_role("link", name="Sign in").click()
    sign_in(expert)
    expect(page).to_have_url(re.compile(r"/write/$"))
    page.wait_for_function(SENT)
    expert.go(begun.root("pairs/?q=alone"))
    expect(page.locator("tbody tr")).to_have_count(2)
    assert expert.main.inner_text().count("Who stores alone?") == 1


def test_what_is_pasted_becomes_markdown_is_counted_and_can_be_undone(begun: Walk) -> None:
    expert, keys = begun.expert, begun.expert.page.keyboard
    page = open_editor(expert, begun, "paste")
    expert.field("Instruction").fill("What carries the roof?")
    paste(page, "#id_response", "<ul><li>the beam</li><li>the wall</li></ul>")
    expect(expert.field("Response")).to_have_value("- the beam\n- the wall")
    expect(page.locator("input[name=pasted]")).to_have_value("20")
    keys.press("Control+z")
    expect(expert.field("Response")).to_have_value("")
    expect(page.locator("input[name=pasted]")).to_have_value("0")
    assert expert.troubles() == []


def test_a_check_that_asks_for_a_reason_keeps_the_writer_at_the_text_until_one_is_given(
    begun: Walk, chromium: Browser
) -> None:
    begun.owner.go(begun.root("checks/repetition/"))
    begun.owner.page.locator("input[name=at_submit][value=ask]").check()
    begun.owner.press("Save")
    begun.owner.sees("Repetition")
    phone = Person.arrive(chromium, begun.stack.url, begun.expert.email, begun.expert.name, phone=True)
    phone.log_in()
    for person, key in ((begun.expert, "reason"), (phone, "reason-phone")):
        page = open_editor(person, begun, key)
        page.wait_for_function(READY)
        person.field("Instruction").fill(f"What does the {key} say?")
        if person is phone:
            page.route("**/look/", lambda _route: None)  # submitted before the checks have said anything
        person.field("Response").fill("Call us as soon as you can and we will come. " * 6)
        if person is not phone:
            expect(page.locator("[data-findings-for=id_response] [data-check=repetition]")).to_have_count(1)
        page.keyboard.press("Control+Enter")
        person.sees("Mend this first, or say below why it is right as it stands: Repetition.")
        expect(person.field("Response")).to_have_value(re.compile("^Call us"))
        page.unroute_all()
        person.look()
        person.field("Why it is right").fill("A refrain.")
        page.keyboard.press("Control+Enter")
        expect(page).not_to_have_url(re.compile(f"key={key}$"))
    begun.owner.go(begun.root("checks/repetition/"))
    begun.owner.page.locator("input[name=at_submit][value=tell]").check()
    begun.owner.press("Save")
    assert [*begun.expert.troubles(), *phone.troubles()] == []


def test_pairs_are_written_and_reviewed_in_one_go_on_a_cut_network_and_taken_back(begun: Walk) -> None:
    """The next page is there at once; what was decided offline arrives once; the last decision is taken back."""
    expert, reviewer, keys = begun.expert, begun.reviewer, begun.reviewer.page.keyboard
    page = open_editor(expert, begun, "row-0")
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
    expect(page.locator("#toasts")).to_contain_text("What you decided here is kept on this computer")
    page.context.set_offline(False)
    expect(page.locator("main[inert]")).to_have_count(0)
    expect(expert.field("Response")).to_have_value("")
    page.wait_for_function(SENT)
    expert.go(begun.root("pairs/?q=stands&task=advice"))
    expect(page.locator("tbody tr")).to_have_count(10)
    assert len(set(re.findall(r"Row \d stands", expert.main.inner_text()))) == 10
    reviewer.go(begun.root("review/"))
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
    expect(page.locator("#toasts")).to_contain_text("Decisions kept on this computer and sent later: 2")
    page.context.set_offline(False)
    page.wait_for_function(SENT)
    keys.press("u")
    reviewer.sees("Taken back: approved")
    reviewer.go(begun.root("actions/"))
    expect(page.locator("tbody tr")).to_have_count(1)
    begun.expert.go(begun.root("pairs/?state=approved&task=advice"))
    expect(begun.expert.page.locator("tbody tr")).to_have_count(1)
    assert reviewer.troubles() == []


def test_what_was_claimed_ahead_is_given_back_when_the_work_is_left_and_not_when_it_goes_on(begun: Walk) -> None:
    """A page that a submit leaves would take the next items out of the hands of the page that comes."""
    reviewer = begun.reviewer
    reviewer.page.add_init_script(NOTE_GIVEN_BACK)
    page = begin_review(begun, "beam", 6)
    page.wait_for_function(READY)
    page.evaluate("sessionStorage.removeItem('given back')")
    reviewer.press("Return")  # without a reason: sent as forms are, and refused
    reviewer.sees("This could not be saved yet")
    page.wait_for_function(READY)
    assert page.evaluate("sessionStorage.getItem('given back')") is None
    reviewer.go(begun.root("review/"))
    assert page.evaluate("sessionStorage.getItem('given back')") == "yes"


def test_what_is_decided_is_not_shown_again_however_late_it_was_listed_and_loaded(begun: Walk) -> None:
    """Two decisions are made while the list of the next items is under way, and reach the server after it was read."""
    page = begin_review(begun, "rafter", 14)
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
    assert [url for url in urls if f"{begun.stack.url}{url}" in shown] == urls[:2]
    with page.expect_response(f"**{urls[-1]}"):
        lists[0].fulfill(response=listed)
    decisions[0].continue_()
    page.wait_for_function(SENT)
    for _next in range(4):
        page.wait_for_function(READY)
        shown.append(approve(page))
    assert len(set(shown)) == len(shown)
    page.unroute_all()


def test_a_page_before_which_nobody_sits_ends_its_hold(begun: Walk) -> None:
    """The hold is kept while somebody is there, and again once somebody is back; between them lies an hour."""
    address = begin_review(begun, "purlin", 1).url
    page = begun.reviewer.page.context.new_page()
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
