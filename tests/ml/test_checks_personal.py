"""Personal data and secrets: found by form and checksum; amounts, dates, versions and examples are none."""

import pytest

from ml.checks import CheckContext, get_check, run_checks


def found(text: str, check: str = "personal_data") -> list[str]:
    return [text[one.start : one.end] for one in get_check(check).find(text, CheckContext())]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Write to anna.berg@firma.se today.", "anna.berg@firma.se"),
        ("Call +46 70-123 45 67 now.", "+46 70-123 45 67"),
        ("Office: 08-123 456 78.", "08-123 456 78"),
        ("Ring 567 5671.", "567 5671"),
        ("Alex, 650-636-4884.", "650-636-4884"),
        ("Reach me at (202) 555-0143 ext. 12", "(202) 555-0143 ext. 12"),
        ("Pay with 4556 1568 2160 9393.", "4556 1568 2160 9393"),
        ("To SE45 5000 0000 0583 9825 7466.", "SE45 5000 0000 0583 9825 7466"),
        ("Her number: 811228-9874.", "811228-9874"),
        ("SSN 531-21-7351.", "531-21-7351"),
        ("From 98.85.59.159 at noon.", "98.85.59.159"),
        ("At 2001:0db8:85a3:0000:0000:8a2e:0370:7334.", "2001:0db8:85a3:0000:0000:8a2e:0370:7334"),
    ],
)
def test_each_kind_is_found_at_its_place(text, what):
    assert found(text) == [what]


def blanked(text: str) -> str:
    """The text with each suggestion taken."""
    for one in reversed(run_checks(text, CheckContext(), only=["personal_data", "secret"])):
        text = text[: one.start] + one.suggestions[0] + text[one.end :]
    return text


def test_the_sentence_names_the_kind_and_a_placeholder_is_offered_that_no_check_minds():
    (one,) = get_check("personal_data").find("Call +46 70-123 45 67.", CheckContext())
    assert one.message == "A telephone number: “+46 70-123 45 67”."
    text = blanked("Write to anna.berg@firma.se or call +46 70-123 45 67 from 98.85.59.159 about 811228-9874.")
    assert text == "Write to [email] or call [phone number] from [IP address] about [personal number]."
    text = blanked("Pay with 4556 1568 2160 9393 or to SE45 5000 0000 0583 9825 7466; the number is 531-21-7351.")
    assert text == "Pay with [card number] or to [account number]; the number is [social security number]."
    assert run_checks(text, CheckContext()) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("It costs 25 000 000 kronor, in all 125 000 000, or 60 000-120 000 a month.", id="amounts"),
        pytest.param("On 2024-05-03 14:48:14, 03.05.2024, 12/27/1986 and 1998-2002.", id="dates and spans of years"),
        pytest.param("See 2010:900 and SFS 2011:338, ISBN 978-91-7126-372-9.", id="laws and books"),
        pytest.param(
            "Version 10.2.14.3 and v1.2.3.4 at 127.0.0.1, 10.5.2.1, 172.20.0.9 or 192.168.1.20.",
            id="versions and house addresses",
        ),
        pytest.param("He paid 2400-1100-700=<<2400-1100-700=600>>600 dollars.", id="a subtraction"),
        pytest.param("Test it with name@example.co.uk.", id="an example in another country"),
        pytest.param("Card 4556 1568 2160 9394 has a wrong checksum.", id="a number that is no card's"),
        pytest.param("Write to name@example.com or you@test.example.org.", id="addresses of examples"),
        pytest.param("The code is 811228-9875 and 3.14159265358979.", id="a wrong checksum, a long fraction"),
        pytest.param("Order 20240503 of 12 345 678 pieces, section 10.2.1.", id="orders and sections"),
        pytest.param("DE 12 3456 7890 1234 5678 90 and AB12CD34EF56GH78.", id="what looks like an account"),
    ],
)
def test_false_positive(text):
    assert found(text) == []


# Put together here, so that no scanner of repositories takes this file for a leak.
TOKEN = "ghp_" + "a1B2" * 9
KEY = "AKIA" + "IOSFODNN7ABCDEFG"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"Use {TOKEN} here.", TOKEN),
        (f"aws: {KEY}", KEY),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", "-----BEGIN RSA PRIVATE KEY-----"),
        ("postgres://app:s3cr-t!pw@db/app", "s3cr-t!pw"),
        ("The password: Tr0ub4dor&3 works.", "Tr0ub4dor&3"),
        ("Lösenordet är hemligt99x.", "hemligt99x."),
        ("api_key = 'k9f8e7d6c5b4'", "k9f8e7d6c5b4"),
    ],
)
def test_secrets_are_found(text, what):
    assert found(text, "secret") == [what]


def test_a_secret_is_blanked_out_and_a_private_key_only_as_a_whole():
    text = f"Use {TOKEN}, postgres://app:s3cr-t!pw@db/app and the password: Tr0ub4dor&3 here."
    assert blanked(text) == "Use [secret], postgres://app:[secret]@db/app and the password: [secret] here."
    begins = "Keep\n-----BEGIN PRIVATE KEY-----\nMIIEvQ+/=\nAB\n"
    assert blanked(f"{begins}-----END PRIVATE KEY-----\nsafe.") == "Keep\n[secret]\nsafe."
    (one,) = get_check("secret").find(begins, CheckContext())
    assert one.suggestions == ()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Your password is required and must be changed.", id="talk of passwords"),
        pytest.param("Your password is case-sensitive: mind the capitals.", id="a word before a colon"),
        pytest.param("password: ********, api_key = YOUR_API_KEY1, secret: ${SECRET_1}", id="placeholders"),
        pytest.param(
            "postgres://user:password@localhost/db and https://example.org:8080/x@y", id="an example's address"
        ),
        pytest.param("The task-list of the sk-8 skateboard.", id="short words with sk-"),
    ],
)
def test_false_positive_secret(text):
    assert found(text, "secret") == []
