"""docs/frontend.md names every page part and every behaviour, and nothing that is not there."""

import re
from pathlib import Path

from core.templatetags import parts

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/frontend.md").read_text()


def test_every_part_of_a_page_is_documented() -> None:
    parts = {path.name for path in (ROOT / "templates/components").glob("*.html")}
    assert parts - set(re.findall(r"`([a-z_]+\.html)`", PAGE)) == set()


def test_no_documented_part_is_missing() -> None:
    named = set(re.findall(r"components/([a-z_]+\.html)", PAGE))
    assert {name for name in named if not (ROOT / "templates/components" / name).exists()} == set()


def test_the_tags_and_filters_that_are_documented_are_those_that_are_there() -> None:
    named = PAGE.split("Tags and filters")[1].split("## Scripts")[0]
    assert set(re.findall(r"`(\w+)`", named)) == {*parts.register.tags, *parts.register.filters}


def test_every_script_is_documented_and_started() -> None:
    scripts = {path.name for path in (ROOT / "static/js").glob("*.js")}
    assert scripts - set(re.findall(r"`([a-z_]+\.js)`", PAGE)) == set()


def test_every_sentence_that_a_script_asks_for_is_there_to_be_translated() -> None:
    asked = set()
    for path in (ROOT / "static/js").glob("*.js"):
        asked |= set(re.findall(r'\btext\("([a-z-]+)"', path.read_text()))
    offered = set(re.findall(r'data-text="([a-z-]+)"', (ROOT / "templates/components/texts.html").read_text()))
    assert asked - offered == set()


def test_every_icon_that_a_template_names_exists() -> None:
    drawn = set(re.findall(r'<symbol id="([a-z]+)"', (ROOT / "static/img/icons.svg").read_text()))
    named = set()
    for path in (ROOT / "templates").rglob("*.html"):
        named |= set(re.findall(r'\{% icon "([a-z]+)"', path.read_text()))
        named |= set(re.findall(r'components/empty\.html" with icon="([a-z]+)"', path.read_text()))
    assert named - drawn == set()


def test_every_colour_that_a_stylesheet_uses_is_a_token() -> None:
    tokens = set(re.findall(r"(--[a-z0-9-]+):", "".join(p.read_text() for p in (ROOT / "static/css").glob("*.css"))))
    used = set()
    for path in (ROOT / "static/css").glob("*.css"):
        used |= set(re.findall(r"var\((--[a-z0-9-]+)\s*\)", path.read_text()))
    assert used - tokens == set()
