"""Of extractions: what the source does not have is found; the same thing written another way is not."""

import pytest

from ml.checks import CheckContext, get_check
from ml.checks.written_numbers import readings

SOURCE = (
    "On 3 May 2024 Anna Bergström of the World Health Organization paid 10 000 kr (12.5 %) for nine windows. "
    "“The house is not yet ready,” she said. It took twenty-two weeks, from 08:30 on; see 2010:900."
)
ASKED = "Summarise the letter in 7 sentences and call her “our most loyal customer”."


def found(text: str, source: str = SOURCE, **context) -> list[str]:
    context = CheckContext(source=source, instruction=ASKED, **context)
    return [text[one.start : one.end] for one in get_check("unsupported").find(text, context)]


def test_what_the_source_does_not_have():
    assert found("She paid 11,000 kr.") == ["11,000"]
    assert found("It was Anna Lindgren.") == ["Lindgren"]
    assert found("It was on 4 May 2024, or 2024-05-04.") == ["4", "2024-05-04"]
    assert found("She said “the house is quite ready”.") == ["the house is quite ready"]


def test_the_sentence_says_what_is_missing():
    (one,) = get_check("unsupported").find("She paid 11,000 kr.", CheckContext(source=SOURCE))
    assert one.message == "The source does not have the number “11,000”."


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("She paid 10,000 kr, 10.000 kr or 10000.", id="thousands written another way"),
        pytest.param("That is 12,5 percent.", id="a decimal comma"),
        pytest.param("For 9 windows in 22 weeks.", id="a number word as digits"),
        pytest.param("On 2024-05-03, 05/03/2024 or May 3rd.", id="a date written another way"),
        pytest.param("From 8:30 on.", id="a time without its nought"),
        pytest.param("They are Anna's, for the WHO.", id="a possessive and initials"),
        pytest.param("1. Windows\n2. Weeks\n- Money", id="numbers and capitals of a list"),
        pytest.param("Name: Anna Bergström\nDate of Payment: 3 May", id="labels"),
        pytest.param("Windows were bought. They cost much.", id="the first word of a sentence"),
        pytest.param("She called the house “not ready”.", id="a quotation of one or two words"),
        pytest.param("She said “The house is not yet ready”.", id="a quotation with other marks"),
        pytest.param("We are to Summarise what 2010:900 asks.", id="words of the instruction"),
        pytest.param("Here it is in 7 sentences.", id="a number of the instruction"),
        pytest.param("She is “our most loyal customer”.", id="a quotation of the instruction"),
    ],
)
def test_false_positive(text):
    assert found(text) == []


def test_a_month_may_stand_as_a_number_in_the_source():
    assert found("It was on 3 March.", source="Paid on 2024-03-03.") == []
    assert found("It was on 3 April.", source="Paid on 2024-03-03.") == ["April"]


@pytest.mark.parametrize(
    ("text", "source"),
    [
        pytest.param("It cost 35,000,000 dollars.", "It cost $35 million in 1937.", id="a million in digits"),
        pytest.param("It cost 35 million, or 35 miljoner.", "It cost $35,000,000.", id="digits as a million"),
        pytest.param("About 2.5 billion a year.", "2,500,000,000 a year.", id="a decimal and a scale"),
        pytest.param("In the 1930s, på 1930-talet.", "It opened in 1937.", id="the decade of a year"),
    ],
)
def test_false_positive_of_amounts_and_decades(text: str, source: str) -> None:
    assert found(text, source=source) == []


def test_another_amount_and_another_decade_are_found() -> None:
    assert found("It cost 36 million in the 1940s, 1930 km.", source="$35 million in 1937") == ["36", "1940", "1930"]


def test_german_nouns_are_no_names():
    assert found("Es war die Rechnung für das Fenster.", source="Ein Brief.", language="de") == []


def test_a_task_that_may_say_more_is_not_judged():
    assert found("It was Anna Lindgren with 7 friends.", source="") == []


def test_a_number_is_read_in_every_way_it_may_be_meant():
    assert readings("10,000") == {"10000", "10"}
    assert readings("1.234,50") == {"1234.5"}
    assert readings("007") == {"7"}
    assert readings("3.10") == {"3.1"}
