"""The pages of signing in, and a second factor from its set-up to a sign-in that asks for it."""

import base64
import hashlib
import hmac
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e import teaching
from tests.e2e.addresses import sign_in_pages
from tests.e2e.people import PASSWORD, Person
from tests.e2e.test_pages import look_at
from tests.e2e.walk import Walk

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def begun(walk: Walk) -> Walk:
    return walk.to(teaching.invite_people)


@pytest.fixture(scope="module")
def nobody(walk: Walk) -> Iterator[Person]:
    person = Person.arrive(walk.browser, walk.stack.url, "vera@example.org", "Vera")
    yield person
    person.page.context.close()


def answered(person: Person, path: str) -> bool:
    """Whether the person gets this page itself, not another one instead."""
    answer = person.page.request.get(person.url + path)
    return answer.status == 200 and answer.url == person.url + path


@pytest.mark.parametrize("path", sign_in_pages())
def test_a_page_of_signing_in_is_sound(path: str, begun: Walk, nobody: Person) -> None:
    """For whoever gets it; the ones that only a second factor opens come below."""
    seen = [person for person in (nobody, begun.owner) if answered(person, path)]
    if seen:
        look_at(seen[0], path)
    else:
        assert path.startswith("/accounts/2fa/") or path in {"/accounts/login/code/confirm/", "/accounts/password/set/"}


def code_of(secret: str) -> str:
    """The six digits of this half minute (RFC 6238)."""
    counter = int(time.time() // 30).to_bytes(8, "big")
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


def test_a_second_factor_is_set_up_and_asked_for(begun: Walk) -> None:
    link = teaching.invitation(begun, "viewer")
    careful = begun.arrive("careful", "Carla")
    careful.join(link)
    careful.go("/accounts/2fa/")
    careful.follow("Set up")
    careful.sees("Is it you?")
    careful.page.get_by_label("Password").fill(PASSWORD)
    careful.press("Confirm")
    careful.look()
    secret = careful.page.get_by_label("Authenticator secret").input_value()
    careful.page.get_by_label("Authenticator code").fill(code_of(secret))
    careful.press("Activate")
    careful.sees("Recovery codes")
    careful.look()
    again = Person.arrive(begun.browser, begun.stack.url, careful.email, careful.name)
    again.log_in()
    again.sees("Second factor")
    again.look()
    again.page.locator("input[name=code]").fill("000000")
    again.press("Sign in")
    again.sees("Incorrect code.")
    again.page.locator("input[name=code]").fill(code_of(secret))
    again.press("Sign in")
    expect(again.page).to_have_url(f"{again.url}/")
    again.go(begun.root())
    again.sees("Building advice")
    admin = begun.admin
    admin.go("/people/")
    admin.page.locator("tr", has_text="Carla").locator("summary").click()
    admin.follow("Remove the second factor")
    admin.sees("Is it you?")
    admin.page.get_by_label("Password").fill(PASSWORD)
    admin.press("Confirm")
    admin.sees("Remove the second factor of Carla")
    admin.page.get_by_label("Reason").fill("The phone lies in a lake.")
    admin.page.get_by_label("I have made sure").check()
    admin.look()
    admin.press("Remove the second factor")
    admin.sees("Carla signs in by password alone now")
    again.log_in()
    again.sees("Your second factor was removed")
    again.follow("Open the inbox")
    again.sees("Ada", "The phone lies in a lake.")
    again.look()
    assert admin.troubles() + careful.troubles() + again.troubles() == []
    again.page.context.close()
