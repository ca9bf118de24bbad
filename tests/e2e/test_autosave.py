"""Nothing typed is lost: reload, a dead server, a faster colleague, a closed tab. A few lines here play the server."""

import json
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from threading import Event
from typing import Any

import pytest
from django.template import engines
from playwright.sync_api import Browser, Page, expect

from tests.e2e.played import Played, playing

pytestmark = pytest.mark.browser
PAGE = """<!doctype html><html lang="en"><head><title>Editor</title>
<script type="module" src="/static/js/app.js"></script>
<script type="module" src="/static/js/kept.js"></script></head><body hx-headers='{}' data-user="%(person)s">
<section data-kept="/editor/" hidden><ul></ul></section><form action="/submitted/" data-autosave="/draft/"
data-autosave-name="pair-1" data-autosave-version="%(version)s" data-autosave-page="/editor/" %(more)s>
<input type="hidden" name="version" value="%(version)s"><input type="hidden" name="base" value="4">
<div data-autosave-panel hidden></div>
<textarea name="response" aria-label="Response">%(text)s</textarea><p data-autosave-status></p></form>
%(texts)s</body></html>"""


class Server(ThreadingHTTPServer):
    """Holds one text and its version, answers as docs/frontend.md says, and can be made to fail."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.version, self.text, self.up = 1, "stored", True
        self.answers = True  # else what is sent arrives, and nobody hears so
        self.behind = 0  # saves that the page is drawn without
        self.merging: dict[str, Any] = {}  # what was asked to be put together
        self.merges = Event()  # answers that, once it is set
        self.drawn = ""  # a page that was asked for before the last text came
        self.more = ""  # of the form's attributes
        self.person = 1
        self.stored = Event()
        self.texts = engines["django"].get_template("components/texts.html").render({})
        self.address = f"http://127.0.0.1:{self.server_port}"

    def store(self, sent: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if not self.up:
            return 503, {}
        if sent["base"] != 4:
            return 400, {"detail": "The version of what is corrected is missing."}
        if sent["version"] != self.version:
            return 409, {"version": self.version, "theirs": {"response": self.text}}
        self.version, self.text = self.version + 1, sent["fields"]["response"]
        self.stored.set()
        return (200, {"version": self.version}) if self.answers else (503, {})


class Handler(Played):
    server: Server

    def do_GET(self) -> None:
        if not self.static():
            server = self.server
            text = server.drawn or server.text
            values = {
                "version": server.version - server.behind,
                "text": text,
                "texts": server.texts,
                "more": server.more,
            }
            values["person"] = server.person
            self.answer(200, (PAGE % values).encode(), "text/html; charset=utf-8")

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/merge/":
            self.server.merging = sent
            self.server.merges.wait(30)
            status, data = 200, {"fields": {"response": "both"}, "conflicts": 0}
        else:
            status, data = self.server.store(sent)
        self.answer(status, json.dumps(data).encode(), "application/json")


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    with playing(running):
        yield running


@pytest.fixture
def editor(server: Server, chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{server.address}/editor/")
    yield page
    context.close()


def state(page: Page, name: str) -> None:
    expect(page.locator("[data-autosave-status]")).to_have_attribute("data-state", name)


def copies(page: Page) -> int:
    return int(page.evaluate("Object.keys(localStorage).filter(key => key.includes('draft')).length"))


def test_a_text_is_stored_and_its_copy_forgotten(editor: Page, server: Server) -> None:
    editor.get_by_label("Response").fill("first words")
    assert copies(editor) == 1
    state(editor, "saved")
    assert (server.version, server.text) == (2, "first words")
    assert editor.input_value("input[name=version]") == "2"
    assert copies(editor) == 0
    editor.reload()
    expect(editor.locator("[data-autosave-panel]")).to_be_hidden()


def test_a_dead_server_and_a_reload_lose_nothing(editor: Page, server: Server) -> None:
    server.up = False
    editor.get_by_label("Response").fill("typed while it was down")
    state(editor, "offline")
    editor.reload()
    expect(editor.get_by_label("Response")).to_have_value("typed while it was down")
    server.up = True
    state(editor, "saved")
    assert server.text == "typed while it was down"


def test_a_newer_text_is_not_overwritten_unasked(editor: Page, server: Server) -> None:
    server.version, server.text = 5, "theirs"
    editor.get_by_label("Response").fill("mine")
    state(editor, "conflict")
    assert server.text == "theirs"
    editor.get_by_role("button", name="Keep mine").click()
    state(editor, "saved")
    assert (server.version, server.text) == (6, "mine")


def test_after_a_reload_both_texts_are_shown_if_the_server_has_a_newer_one(editor: Page, server: Server) -> None:
    server.up = False
    editor.get_by_label("Response").fill("mine, never sent")
    state(editor, "offline")
    server.version, server.text, server.up = 7, "theirs, newer", True
    editor.reload()
    expect(editor.get_by_label("Response")).to_have_value("theirs, newer")
    expect(editor.locator("[data-autosave-panel]")).to_contain_text("mine, never sent")
    assert editor.evaluate("document.querySelector('[name=response]').inert"), (
        "nothing is typed over what is to be chosen"
    )
    editor.reload()  # undecided, so still there
    editor.get_by_role("button", name="Take theirs").click()
    expect(editor.get_by_label("Response")).to_have_value("theirs, newer")
    state(editor, "saved")
    assert server.text == "theirs, newer"
    assert copies(editor) == 0


def test_leaving_the_page_sends_what_is_not_yet_sent(editor: Page, server: Server) -> None:
    editor.get_by_label("Response").fill("last words")
    editor.goto(f"{server.address}/elsewhere/")
    assert server.stored.wait(30)
    assert server.text == "last words"


def test_hostile_text_of_a_colleague_stays_text(editor: Page, server: Server) -> None:
    server.version, server.text = 3, "<img src=x onerror=alert(1)>"
    editor.get_by_label("Response").fill("mine")
    state(editor, "conflict")
    expect(editor.locator("[data-autosave-panel]")).to_contain_text("<img src=x")
    assert editor.locator("[data-autosave-panel] img").count() == 0


def test_a_text_whose_answer_got_lost_is_no_conflict_with_oneself(editor: Page, server: Server) -> None:
    server.answers = False
    editor.get_by_label("Response").fill("sent, and not heard of")
    state(editor, "offline")
    assert server.text == "sent, and not heard of"
    server.answers = True
    editor.get_by_label("Response").fill("sent, and not heard of, and more")
    state(editor, "saved")
    server.answers = False
    editor.get_by_label("Response").fill("sent again")
    state(editor, "offline")
    editor.get_by_label("Response").fill("sent again, and more")
    editor.reload()
    expect(editor.get_by_label("Response")).to_have_value("sent again, and more")
    server.answers = True
    state(editor, "saved")
    assert server.text == "sent again, and more"


def test_a_page_that_was_drawn_before_the_last_text_came_shows_it_all_the_same(editor: Page, server: Server) -> None:
    editor.get_by_label("Response").fill("saved before")
    assert server.stored.wait(30)
    server.stored.clear()
    editor.get_by_label("Response").fill("saved while the page was on its way")
    assert server.stored.wait(30)
    state(editor, "saved")
    server.drawn = "stored"
    editor.reload()
    expect(editor.get_by_label("Response")).to_have_value("saved while the page was on its way")
    state(editor, "saved")
    assert server.text == "saved while the page was on its way"


def test_a_submit_that_never_arrived_comes_back_and_is_not_overwritten(editor: Page, server: Server) -> None:
    server.up = False
    editor.get_by_label("Response").fill("submitted into the void")
    editor.evaluate("document.querySelector('form').addEventListener('submit', event => event.preventDefault())")
    editor.evaluate("document.querySelector('form').requestSubmit()")
    editor.reload()
    expect(editor.get_by_label("Response")).to_have_value("submitted into the void")
    server.up = True
    state(editor, "saved")
    assert server.text == "submitted into the void"


def test_what_a_refused_submit_brought_back_is_kept_at_once(editor: Page, server: Server) -> None:
    server.more, server.text = "data-autosave-unkept", "refused"
    editor.reload()
    assert server.stored.wait(30)
    assert server.text == "refused"


def test_a_refused_text_and_another_windows_are_put_together_over_what_both_stand_on(
    editor: Page, server: Server
) -> None:
    """Over the refused text itself as their base, it would vanish: it would be what the other window had changed."""
    server.version, server.text, server.drawn, server.behind = 5, "theirs", "mine", 1
    server.more = """data-merge="/merge/" data-autosave-unkept='{"response": "common"}'"""
    editor.reload()
    state(editor, "conflict")
    editor.get_by_role("button", name="Put both together").click()
    assert editor.evaluate("document.querySelector('form').inert"), "what is typed now would be written over"
    server.merges.set()
    state(editor, "saved")
    assert not editor.evaluate("document.querySelector('form').inert")
    sides = {side: fields["response"] for side, fields in server.merging.items()}
    assert sides == {"base": "common", "yours": "mine", "theirs": "theirs"}
    assert server.text == "both"


def test_what_never_reached_the_server_is_found_again(editor: Page, server: Server) -> None:
    server.up = False
    editor.get_by_label("Response").fill("nobody knows of this")
    state(editor, "offline")
    editor.goto(f"{server.address}/elsewhere/")
    editor.evaluate(
        "localStorage.setItem('apprentice:draft:2:pair-9:x',"
        " localStorage.getItem(Object.keys(localStorage).find(key => key.startsWith('apprentice:draft:1:pair-1:'))))"
    )
    editor.reload()
    expect(editor.locator("[data-kept] a")).to_have_text(["nobody knows of this"])
    server.up = True
    editor.locator("[data-kept] a").click()
    state(editor, "saved")
    assert server.text == "nobody knows of this"


def unsent(page: Page, words: str) -> None:
    page.get_by_label("Response").fill(words)
    state(page, "offline")


def test_two_windows_keep_their_unsent_words_apart_and_what_one_leaves_is_offered_in_the_other(
    editor: Page, server: Server
) -> None:
    server.up = False
    unsent(editor, "typed in the first window")
    with editor.expect_popup() as opened:
        editor.evaluate("window.open(location.href)")  # like a duplicated tab, it knows all that its opener's tab knew
    other = opened.value
    expect(other.get_by_label("Response")).to_have_value("stored")
    unsent(other, "typed in the second window")
    assert copies(editor) == 2
    other.close(run_before_unload=True)
    left = editor.locator("[data-autosave-left]")
    expect(left).to_contain_text("typed in the second window")
    editor.reload()
    expect(editor.get_by_label("Response")).to_have_value("typed in the first window")
    left.get_by_role("button", name="Bring it back").click()
    expect(editor.get_by_label("Response")).to_have_value("typed in the second window")
    expect(left).to_contain_text("typed in the first window")
    server.up = True
    state(editor, "saved")
    left.get_by_role("button", name="Bring it back").click()
    expect(left).to_contain_text("typed in the second window")  # though the server has it: that is about to change
    bases = editor.evaluate(
        "Object.entries(localStorage).filter(([key]) => key.includes('draft')).map(([, it]) => JSON.parse(it))"
        ".filter(it => it.left).map(it => it.base.response)"
    )
    assert bases == ["stored"], "over itself as the base it would vanish when it is put together with another text"
    left.get_by_role("button", name="Bring it back").click()
    state(editor, "saved")
    assert (server.text, copies(editor)) == ("typed in the second window", 1)
    left.get_by_role("button", name="Discard it").click()
    expect(left).to_have_count(0)
    assert copies(editor) == 0


def test_what_closed_windows_left_comes_back_the_newest_by_itself_and_to_nobody_else(
    editor: Page, server: Server
) -> None:
    server.up = False
    unsent(editor, "older words")
    other = editor.context.new_page()
    other.goto(editor.url)
    unsent(other, "newer words")
    elsewhere = editor.context.new_page()
    for window in (editor, other):
        window.close()
    server.person = 2
    elsewhere.goto(f"{server.address}/editor/")
    expect(elsewhere.locator("[data-autosave-status]")).to_be_attached()
    assert elsewhere.evaluate("import('/static/js/drafts.js').then(it => it.leftCopies(['pair-1']))") == []
    server.person = 1
    elsewhere.reload()
    expect(elsewhere.get_by_label("Response")).to_have_value("newer words")
    expect(elsewhere.locator("[data-autosave-left]")).to_contain_text("older words")
    assert copies(elsewhere) == 2
    server.up = True
    state(elsewhere, "saved")
    server.text = "older words"
    elsewhere.reload()
    expect(elsewhere.get_by_label("Response")).to_have_value("older words")
    elsewhere.wait_for_function("!Object.keys(localStorage).some(key => key.includes('draft'))")
