"""What other programs put on the clipboard becomes Markdown: paragraphs, lists, tables, and words cut at line ends."""

from collections.abc import Iterator
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.test_autosave import Server

pytestmark = pytest.mark.browser

WORD = """<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style>p {color: red}</style></head><body>
<p class=MsoNormal>A <b>beam</b> <span style='mso-spacerun:yes'>  </span>carries<o:p></o:p></p>
<p class=MsoListParagraph style='text-indent:-18.0pt;mso-list:l0 level1 lfo1'><![if !supportLists]><span
style='mso-list:Ignore'>·<span>&nbsp;&nbsp;</span></span><![endif]>the roof</p>
<p class=MsoListParagraph style='mso-list:l0 level2 lfo1'><span style='mso-list:Ignore'>o</span>and snow</p>
<p class=MsoListParagraph style='mso-list:l0 level1 lfo1'><span style='mso-list:Ignore'>2.</span>its own weight</p>
<p>The end.</p></body></html>"""
WORD_TEXT = "A **beam** carries\n\n- the roof\n  - and snow\n2. its own weight\n\nThe end."
DOCS = """<meta charset="utf-8"><b style="font-weight:normal" id="docs-internal-guid-1"><h2>Stairs</h2>
<ul><li><p>one</p></li><li><p>two</p><ol><li>deep</li></ol></li></ul>
<p>See <a href="https://example.org/a">this</a>.<br>Next line</p></b>"""
DOCS_TEXT = "## Stairs\n\n- one\n- two\n  1. deep\n\nSee [this](https://example.org/a).\nNext line"
SHEET = """<table><tr><td>part</td><td>mm</td></tr><tr><td>beam | oak</td><td>1<br>2</td></tr>
<tr><td colspan=2>both</td></tr></table>"""
SHEET_TEXT = "| part | mm |\n| --- | --- |\n| beam \\| oak | 1 2 |\n| both |  |"
PDF = """The roof beam carries snow, tiles and its own weight down to the walls, so it must not be wea-
kened without an engineer. Every hole in it changes how the load is carried, and every notch
does so even more.

• first point
• second point"""
PDF_TEXT = (
    "The roof beam carries snow, tiles and its own weight down to the walls, so it must not be weakened without an "
    "engineer. Every hole in it changes how the load is carried, and every notch does so even more.\n\n"
    "- first point\n- second point"
)
POEM = "Roses are red\nViolets are blue"
HOSTILE = "<p>a<img src=x onerror=alert(1)><script>alert(1)</script><a href='javascript:alert(1)'>b</a></p>"
CASES = [
    ("a word processor", WORD, "", WORD_TEXT),
    ("another word processor", DOCS, "", DOCS_TEXT),
    ("a spreadsheet", SHEET, "", SHEET_TEXT),
    (
        "a spreadsheet as text",
        "",
        'part\tmm\r\n"a\nb"\t"say ""2"""\r\n',
        '| part | mm |\n| --- | --- |\n| a b | say "2" |',
    ),
    ("a PDF", "", PDF, PDF_TEXT),
    ("lines that were broken on purpose", "", POEM, POEM),
    ("code with tabs", "", "if a:\n\tb\n\tc\td", "if a:\n\tb\n\tc\td"),
    ("one line of a page", "<span>just words</span>", "just words", "just words"),
    ("a hostile page", HOSTILE, "", "ab"),
    ("an empty page", "<p></p>", "plain", "plain"),
    ("right to left", "<p dir=rtl>שלום <i>עולם</i></p>", "", "שלום *עולם*"),
]


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    with Server() as running:
        Thread(target=running.serve_forever, daemon=True).start()
        found = context.new_page()
        found.goto(f"{running.address}/editor/")
        yield found
        running.shutdown()
    context.close()


@pytest.mark.parametrize(("source", "html", "plain", "wanted"), CASES, ids=[case[0] for case in CASES])
def test_a_paste_becomes_markdown(page: Page, source: str, html: str, plain: str, wanted: str) -> None:
    script = "([html, plain]) => import('/static/js/markdown.js').then(module => module.converted(html, plain))"
    assert page.evaluate(script, [html, plain]) == wanted
