"""Three windows over one pair: two of one person, one of a colleague. Who types and submits when is drawn by a seed."""

import re
from random import Random

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.editing import SEND, open_editor, saved
from tests.e2e.walk import Walk

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SEED = 11
MOST = 6  # submits that one window needs at the most


def answered(page: Page) -> None:
    """Submitted as forms are: another page comes, or the question which of two texts is to stand."""
    page.evaluate("window.here = true")
    page.locator("[data-primary]").click()
    page.wait_for_function("() => !window.here || document.querySelector('[data-autosave-panel] button')")
    page.wait_for_load_state()


def put_together(page: Page) -> None:
    """Wherever the page asks, both texts are to stand."""
    for place, name in (("[data-autosave-panel]", "Put both together"), ("li[data-undecided]", "Both")):
        button = page.locator(place).get_by_role("button", name=name, exact=True)
        while button.count():
            button.first.click()
            saved(page)


def test_every_word_of_three_windows_is_in_the_pair_and_none_of_them_twice(desk: Walk) -> None:
    chance = Random(SEED)
    open_editor(desk.expert, desk, "fought").evaluate(SEND, ["Is the fought one whole"])
    desk.owner.go(desk.root("pairs/?q=fought"))
    desk.owner.follow("Is the fought one whole")
    address = f"{desk.owner.page.url.split('?')[0]}edit/"
    second = desk.expert.page.context.new_page()
    windows = {"oak": desk.expert.page, "ash": second, "elm": desk.owner.page}
    for window in windows.values():
        window.goto(address)
    for word in chance.sample([*windows, *windows], 6):
        window = windows[word]
        response = window.locator("#id_response")
        if word in response.input_value():
            answered(window)
            continue
        response.press(chance.choice(["Control+Home", "Control+End"]))
        window.keyboard.insert_text(f" The {word} too. ")
    for window in windows.values():
        for _submit in range(MOST):
            if window.url.split("?")[0] != address:
                break
            put_together(window)
            answered(window)
        expect(window).to_have_url(re.compile(r"/pairs/\d+/\?done="))
    desk.owner.go(f"{address}?")
    text = desk.owner.page.locator("#id_response").input_value()
    assert [text.count(f"The {word} too.") for word in windows] == [1, 1, 1]
    second.close()
