"""The editor as experts use it all day: by keyboard, in two windows: nothing lost, none doubled."""

import json
import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser import READY, SENT
from tests.e2e.editing import open_editor, saved
from tests.e2e.people import Person
from tests.e2e.walk import Walk

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TASK = """async fields => {
  const headers = { "Content-Type": "application/json", ...JSON.parse(document.body.getAttribute("hx-headers")) };
  const answer = await fetch("/api/v1/tasks/", { method: "POST", body: JSON.stringify(fields), headers });
  if (!answer.ok) throw new Error(await answer.text());
}"""

# Type, and leave at the same moment; says how many drafts were sent by that.
LEAVE = """text => {
  const field = document.getElementById("id_response"), ask = window.fetch;
  let sent = 0;
  window.fetch = (url, ...how) => {
    sent += String(url).includes("/drafts/");
    return ask(url, ...how);
  };
  field.value = text;
  field.dispatchEvent(new CustomEvent("autosave:changed", { bubbles: true }));
  dispatchEvent(new Event("pagehide"));
  window.fetch = ask;
  return sent;
}"""


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


def test_findings_are_marked_in_the_text_and_settled_by_keys_alone(desk: Walk) -> None:
    expert, keys = desk.expert, desk.expert.page.keyboard
    page = open_editor(expert, desk, "marks")
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
    expert.field("Response").fill("Write to anna.berg@firma.se.")
    expect(marks).to_have_text(["anna.berg@firma.se"])
    keys.press("Control+.")
    expect(expert.field("Response")).to_have_value("Write to [email].")
    assert expert.troubles() == []


def test_whoever_submits_nothing_stands_in_the_first_field_that_is_wanted(desk: Walk) -> None:
    expert = desk.expert
    page = open_editor(expert, desk, "nothing")
    page.keyboard.press("Control+Enter")
    expect(expert.main.get_by_role("alert")).to_contain_text("The response is empty.")
    expect(expert.field("Instruction")).to_be_focused()
    expert.field("Instruction").fill("Is one left?")
    page.keyboard.press("Control+Enter")
    expect(expert.main.get_by_role("alert")).not_to_contain_text("The instruction is empty.")
    expect(expert.field("Response")).to_be_focused()


def test_turns_are_added_moved_and_removed_and_every_saving_sends_the_same_fields(desk: Walk) -> None:
    """The draft of half a second's quiet, and the one that leaving the page sends, are made by one serializer."""
    expert, keys = desk.expert, desk.expert.page.keyboard
    page = open_editor(expert, desk, "turns")
    sent: list[dict[str, object]] = []
    page.on(
        "request",
        lambda asked: asked.url.endswith("/drafts/turns/") and sent.append(json.loads(asked.post_data or "{}")),
    )
    expert.field("Instruction").fill("And how\n\nthick?")
    page.locator("summary", has_text="Earlier turns").click()
    for said in ("Is it wood?", "It is oak."):
        page.get_by_role("button", name="Add a turn").click()
        keys.type(said)
    page.locator(".turn").nth(1).get_by_role("button", name="Up").click()
    saved(page)
    expert.look()
    assert page.evaluate(LEAVE, "Two fingers.") == 1, "sent at once, before the half second is over"
    saved(page)
    assert len(sent) > 1
    assert {tuple(sorted(one["fields"])) for one in sent} == {tuple(sorted(sent[0]["fields"]))}  # type: ignore[call-overload]
    open_editor(expert, desk, "turns")
    expect(expert.field("Response")).to_have_value("Two fingers.")
    expect(expert.field("Instruction")).to_have_value("And how\n\nthick?")
    expect(page.locator(".turn textarea").first).to_have_value("It is oak.")
    expect(page.locator(".turn select").first).to_have_value("assistant")
    page.locator(".turn").first.get_by_role("button", name="Remove").click()
    expect(page.locator(".turn")).to_have_count(1)
    saved(page)
    page.locator("summary", has_text="Discard this draft").click()
    page.get_by_role("button", name="Discard this draft").click()
    expert.sees("The draft is discarded.")  # with what was saved since the page came


def test_two_windows_on_one_item_lose_nothing(desk: Walk) -> None:
    expert = desk.expert
    page = open_editor(expert, desk, "windows")
    expert.field("Response").fill("The beam carries the roof. Ask first.")
    saved(page)
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_role("textbox", name=re.compile("^Response")).fill("The beam carries the roof. Ask an engineer.")
    saved(other)
    expert.field("Response").fill("The oak beam carries the roof. Ask first.")
    expect(page.locator("[data-autosave-panel]")).to_contain_text("A newer text was saved in another window")
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
    desk.owner.go(desk.root("pairs/?q=oak+beam"))
    desk.owner.sees("May I cut it?")
    other.close()


def test_composing_held_keys_and_backspace_submit_and_discard_nothing(desk: Walk) -> None:
    expert, keys = desk.expert, desk.expert.page.keyboard
    page = open_editor(expert, desk, "ime")
    page.wait_for_function(READY)  # a submit would show the next page at once
    expert.field("Instruction").fill("Kept?")
    expert.field("Response").fill("Kept.")
    for event in ("{ key: 'Enter', isComposing: true }", "{ key: 'Enter', ctrlKey: true, repeat: true }",
                  "{ key: 'Enter', ctrlKey: true, isComposing: true }"):  # fmt: skip
        page.evaluate(
            f"document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {{ bubbles: true, ...{event} }}))"
        )
    keys.press("Enter")
    keys.press("Escape")
    assert page.evaluate("document.activeElement === document.body")
    keys.press("Backspace")
    assert "key=ime" in page.url
    expect(expert.field("Response")).to_have_value("Kept.\n")


def test_what_is_pasted_becomes_markdown_is_counted_and_can_be_undone(desk: Walk) -> None:
    expert, keys = desk.expert, desk.expert.page.keyboard
    page = open_editor(expert, desk, "paste")
    expert.field("Instruction").fill("What carries the roof?")
    paste(page, "#id_response", "<ul><li>the beam</li><li>the wall</li></ul>")
    expect(expert.field("Response")).to_have_value("- the beam\n- the wall")
    expect(page.locator("input[name=pasted]")).to_have_value("20")
    keys.press("Control+z")
    expect(expert.field("Response")).to_have_value("")
    expect(page.locator("input[name=pasted]")).to_have_value("0")
    assert expert.troubles() == []


def test_a_check_that_asks_for_a_reason_keeps_the_writer_at_the_text_until_one_is_given(
    desk: Walk, chromium: Browser
) -> None:
    desk.owner.go(desk.root("checks/repetition/"))
    desk.owner.page.locator("input[name=at_submit][value=ask]").check()
    desk.owner.press("Save")
    desk.owner.sees("Repetition")
    phone = Person.arrive(chromium, desk.stack.url, desk.expert.email, desk.expert.name, phone=True)
    phone.log_in()
    for person, key in ((desk.expert, "reason"), (phone, "reason-phone")):
        page = open_editor(person, desk, key)
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
    desk.owner.go(desk.root("checks/repetition/"))
    desk.owner.page.locator("input[name=at_submit][value=tell]").check()
    desk.owner.press("Save")
    assert [*desk.expert.troubles(), *phone.troubles()] == []


def test_words_selected_in_the_input_fill_a_field_and_are_kept_as_its_evidence(desk: Walk) -> None:
    """By keys alone: the first field takes what is selected, the second a list, and a mark can be forgotten again."""
    desk.owner.go(desk.root("tasks/"))
    fields = [{"name": "part"}, {"name": "heights", "many": True}]
    desk.owner.page.evaluate(
        TASK, {"project": desk.ids["project"], "name": "Read", "kind": "extraction", "output_fields": fields}
    )
    expert, keys = desk.expert, desk.expert.page.keyboard
    expert.go(desk.root("tasks/read/write/?key=fields"))
    page = expert.page
    expert.field("Instruction").fill("What is where?")
    expert.field("Input").fill("🙂 The oak beam is 3 m up, the purlin 4 m.")
    for words, field in (("oak beam", "1"), ("3 m", "2"), ("4 m", "2")):
        expert.field("Input").evaluate(
            "(one, words) => { one.focus(); one.setSelectionRange(one.value.indexOf(words), "
            "one.value.indexOf(words) + words.length); }",
            words,
        )
        keys.press(f"Control+Shift+Digit{field}")
        expect(expert.field("Input")).to_be_focused()
    expect(expert.field("part")).to_have_value("oak beam")
    expect(expert.field("heights")).to_have_value("3 m\n4 m")
    page.get_by_role("button", name="Forget this place: 3 m").click()
    saved(page)
    expert.go(desk.root("tasks/read/write/?key=fields"))
    expect(expert.field("heights")).to_have_value("3 m\n4 m")
    expect(page.locator("[data-evidence] q")).to_have_text(["oak beam", "4 m"])
    expert.look()
    expert.field("heights").press("Control+Enter")
    expect(page).not_to_have_url(re.compile("key=fields$"))
    page.wait_for_function(SENT)
    expert.go(desk.root("pairs/?task=read"))
    expert.follow("What is where?")
    expert.sees("oak beam", "4 m")
    assert expert.troubles() == []
