"""What all checks share: ids, parameters, keys of stored findings, running them."""

import ast
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.checks import (
    CheckContext,
    ProjectWords,
    TypicalLengths,
    all_checks,
    default_checks,
    get_check,
    known_checks,
    run_checks,
    text_fingerprint,
)
from ml.checks.base import Check, quote
from ml.checks.misspelling import Misspelling
from ml.checks.too_long import TooLong
from ml.checks.unsupported import Unsupported
from tests.reference.shared_data import shared_data

DOCS = Path(__file__).parents[2] / "docs" / "checks.md"


def test_every_check_describes_itself_and_has_its_section_in_the_docs():
    headings = re.findall(r"^## (\w+)$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert [check.id for check in known_checks()] == headings
    for check in known_checks():
        assert check.name
        assert check.description.endswith(".")
        assert check.version >= 1


def test_every_parameter_is_in_the_docs():
    text = DOCS.read_text(encoding="utf-8")
    for check in known_checks():
        section = text.split(f"## {check.id}\n")[1].split("\n## ")[0]
        for name, value in check.defaults.items():
            assert f"`{name}` ({value:,g})" in section, check.id


def test_a_check_is_found_by_its_id():
    assert get_check("repetition").id == "repetition"
    with pytest.raises(
        KeyError, match="no check 'spelling'; there are: misspelling, too_long, too_short, repetition, language,"
    ):
        get_check("spelling")


def test_an_unknown_parameter_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="too_long has no parameter 'words'; it has: typical_factor"):
        TooLong(words=3)


def test_findings_come_in_the_order_of_the_text():
    text = "A mistaek. " + "we repeat this block of words again and again. " * 5
    found = run_checks(text, CheckContext())
    assert [finding.check for finding in found] == ["misspelling", "repetition"]
    assert [finding.check for finding in run_checks("TODO: no mistaek.", CheckContext())] == [
        "boilerplate", "misspelling",
    ]  # fmt: skip
    assert text[found[0].start : found[0].end] == "mistaek"
    assert [finding.version for finding in found] == [get_check(finding.check).version for finding in found]


def test_only_the_asked_checks_run():
    text = "A mistaek. " + "we repeat this block of words again and again. " * 5
    assert {finding.check for finding in run_checks(text, CheckContext(), only=["repetition"])} == {"repetition"}
    assert run_checks(text, CheckContext(), only=[]) == []
    with pytest.raises(KeyError, match="no check 'nothing'"):
        run_checks(text, CheckContext(), only=["nothing"])


@pytest.mark.parametrize("text", ["", "   \n\t"])
def test_a_blank_text_is_empty_and_nothing_else(text):
    (finding,) = run_checks(text, CheckContext(token_count=9, max_tokens=1))
    assert (finding.check, finding.start, finding.end) == ("too_short", 0, len(text))


def test_only_the_checks_of_a_field_look_at_it():
    text = "Call me some time or other, or never at all, at +46 70 123 45 67. " * 9
    assert {found.check for found in run_checks(text, CheckContext(field="input"))} == {"personal_data"}
    assert {found.check for found in run_checks(text, CheckContext())} == {"personal_data", "repetition"}


def test_a_check_that_is_off_by_default_runs_when_it_is_asked_for():
    assert {check.id for check in all_checks()} - {check.id for check in default_checks()} == {"profanity"}
    assert run_checks("What shit.", CheckContext()) == []
    assert [found.check for found in run_checks("What shit.", CheckContext(), checks=all_checks())] == ["profanity"]


def marked_sentences() -> set[str]:
    """The literals within `gettext_noop` in the modules of the checks."""
    marked = set()
    for path in (Path(__file__).parents[2] / "ml" / "checks").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "gettext_noop":
                marked.add(ast.literal_eval(node.args[0]))
    return marked


def test_every_sentence_is_marked_for_the_translators():
    """Templates, names and descriptions are literals within `gettext_noop`, where makemessages finds them."""
    marked = marked_sentences()
    for check in known_checks():
        assert {check.name, check.description} <= marked
    text = (
        "A mistaek, [Your name], +46 70 123 45 67, password: hunter2x, `open, bygglov är inte en av de, VillkorÃ¤, "
        "as an AI language model. " + "we repeat this block of words again and again. " * 9
    )
    context = CheckContext(source="Nothing.", task_language="sv", token_count=9, max_tokens=3)
    found = run_checks(text, context, checks=all_checks())
    assert len({finding.check for finding in found}) >= 9
    assert {finding.template for finding in found} <= marked


@given(st.text(max_size=300))
@settings(deadline=None)
def test_any_text_is_survived_and_spans_lie_in_it(text):
    context = CheckContext(instruction=text, source=text[:9], task_language="de")
    for finding in run_checks(text, context, checks=all_checks()):
        assert 0 <= finding.start <= finding.end <= len(text)


def test_hostile_strings_are_survived():
    for text in json.loads(shared_data("naughty_strings/blns.json").read_text(encoding="utf-8")):
        context = CheckContext(prompt=text, instruction=text, source=text, glossary=frozenset([text]))
        for finding in run_checks(text * 3, context, checks=all_checks()):
            assert 0 <= finding.start <= finding.end <= len(text) * 3


def test_the_fingerprint_is_of_the_exact_text():
    assert text_fingerprint("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert text_fingerprint("abc") != text_fingerprint("abc ")


def test_stored_findings_are_out_of_date_exactly_when_something_they_depend_on_changes():
    spelling, length = Misspelling(), TooLong()
    plain = CheckContext(prompt="Hello", glossary=frozenset({"a", "b"}), token_count=5, max_tokens=9)

    def changed(check: Check, **fields) -> bool:
        values = {name: getattr(plain, name) for name in CheckContext.__slots__} | fields
        return check.parameters_key(CheckContext(**values)) != check.parameters_key(plain)

    assert not changed(spelling, glossary=frozenset({"b", "a"}))
    assert changed(spelling, glossary=frozenset({"a"}))
    assert changed(spelling, language="de")
    assert not changed(spelling, language="en-GB")
    assert changed(spelling, prompt="Bye")
    assert changed(spelling, project_words=ProjectWords({"fence": 4}, 60))
    assert not changed(spelling, max_tokens=10)
    assert changed(length, max_tokens=10)
    assert changed(length, typical_lengths=TypicalLengths(5, 9, 20))
    assert not changed(length, glossary=frozenset())
    assert changed(Unsupported(), source="A letter.")
    assert Misspelling(letters=5).parameters_key(plain) != spelling.parameters_key(plain)


def test_typical_lengths_are_quantiles_that_occur():
    assert TypicalLengths.of_counts(range(1, 101)) == TypicalLengths(median=50, high=95, count=100, low=5)
    assert TypicalLengths.of_counts([7]) == TypicalLengths(7, 7, 1, 7)
    assert TypicalLengths.of(["one", "one two three", "one two"]) == TypicalLengths(2, 3, 3, 1)
    assert TypicalLengths.of([]) is None


def test_quotes_are_short_and_on_one_line():
    assert quote("a\n  b") == "“a b”"
    assert quote("x" * 100, most=10) == "“" + "x" * 9 + "…”"
