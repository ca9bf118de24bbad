"""A form without a draft on the server: what was typed is offered again until it is saved. A few lines play it."""

from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from django.template import engines
from playwright.sync_api import Browser, Page, expect

from tests.e2e.played import Played, playing

pytestmark = pytest.mark.browser
PAGE = """<!doctype html><html lang="en"><head><title>Guidelines</title>
<script type="module" src="/static/js/app.js"></script></head>
<body hx-headers='{}' data-user="%(person)s">%(inner)s%(texts)s</body></html>"""
FORM = """<form method="post" action="/form/" data-remember><div data-autosave-panel hidden></div>%(error)s
<textarea name="text" aria-label="Text">%(text)s</textarea><button>Save</button></form>"""
LEFT = "You typed this here at"


class Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.text, self.answer, self.person = "stored", "saves", 1
        self.texts = engines["django"].get_template("components/texts.html").render({})
        self.address = f"http://127.0.0.1:{self.server_port}"


class Handler(Played):
    server: Server

    def do_GET(self) -> None:
        if self.path == "/form/":
            self.page(200, FORM % {"text": self.server.text, "error": ""})
        elif not self.static():
            self.page(200, f"<h1>{self.path}</h1>")

    def do_POST(self) -> None:
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["text"][0]
        server = self.server
        if server.answer == "fails":
            self.page(500, "<h1>Something went wrong</h1>")
        elif server.answer == "refuses":
            self.page(400, FORM % {"text": sent, "error": '<div role="alert">Too long</div>'})
        else:
            server.text = sent if server.answer == "saves" else server.text
            self.send_response(302)
            self.send_header("Location", "/form/" if server.answer == "saves" else "/accounts/login/")
            self.end_headers()

    def page(self, status: int, inner: str) -> None:
        values = {"person": self.server.person, "inner": inner, "texts": self.server.texts}
        self.answer(status, (PAGE % values).encode(), "text/html; charset=utf-8")


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    with playing(running):
        yield running


@pytest.fixture
def form(server: Server, chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    page = context.new_page()
    opened(page, server)
    yield page
    context.close()


def opened(page: Page, server: Server) -> Page:
    page.goto(f"{server.address}/form/")
    expect(page.locator("html")).to_have_attribute("data-script", "")
    return page


def save(page: Page) -> None:
    page.get_by_role("button", name="Save").click()


def test_what_was_left_is_offered_again_and_goes_when_it_is_saved(form: Page, server: Server) -> None:
    expect(form.get_by_text(LEFT)).to_have_count(0)
    form.get_by_label("Text").fill("a long text")
    form.goto(f"{server.address}/elsewhere/")
    opened(form, server)
    expect(form.get_by_text(LEFT)).to_be_visible()
    expect(form.get_by_label("Text")).to_have_value("stored")  # nothing is laid over what is there
    form.get_by_role("button", name="Bring it back").click()
    expect(form.get_by_label("Text")).to_have_value("a long text")
    expect(form.get_by_text(LEFT)).to_have_count(0)
    save(form)
    expect(form.get_by_label("Text")).to_have_value("a long text")
    opened(form, server)
    expect(form.get_by_text(LEFT)).to_have_count(0)
    assert server.text == "a long text"
    assert form.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('apprentice:draft:'))") == []


@pytest.mark.parametrize("answer", ["fails", "asks for the sign-in", "refuses"])
def test_what_the_server_did_not_take_is_offered_again(form: Page, server: Server, answer: str) -> None:
    server.answer = answer
    form.get_by_label("Text").fill("a long text")
    save(form)
    expect(
        form.get_by_text({"fails": "went wrong", "refuses": "Too long"}.get(answer, "/accounts/login/"))
    ).to_be_visible()
    opened(form, server)
    form.get_by_role("button", name="Bring it back").click()
    expect(form.get_by_label("Text")).to_have_value("a long text")


def test_of_two_texts_none_is_lost(form: Page, server: Server) -> None:
    form.get_by_label("Text").fill("the first")
    opened(form, server)
    form.get_by_label("Text").fill("the second")
    form.get_by_role("button", name="Bring it back").click()
    expect(form.get_by_label("Text")).to_have_value("the first")
    expect(form.get_by_text("the second")).to_be_visible()
    form.get_by_role("button", name="Discard it").click()
    expect(form.get_by_text("the second")).to_have_count(0)
    opened(form, server)
    expect(form.locator("[data-autosave-left]").get_by_text("the first")).to_be_visible()


def test_what_one_person_left_is_not_shown_to_the_next(form: Page, server: Server) -> None:
    form.get_by_label("Text").fill("a long text")
    server.person = 2
    opened(form, server)
    form.get_by_label("Text").fill("another")
    expect(form.get_by_text(LEFT)).to_have_count(0)
