from typing import Any

import pytest

from config.wsgi import trust_proxy


def seen(proxies: str, **environ: Any) -> dict[str, Any]:
    """What the application behind it sees."""
    found: dict[str, Any] = {}

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        found.update(environ)
        return [b""]

    trust_proxy(application, proxies)(environ, None)
    return found


def test_headers_of_a_stranger_are_dropped() -> None:
    found = seen("10.0.0.2", REMOTE_ADDR="203.0.113.9", HTTP_X_FORWARDED_FOR="1.2.3.4", HTTP_X_FORWARDED_PROTO="https")
    assert found == {"REMOTE_ADDR": "203.0.113.9"}


def test_without_a_proxy_nobody_is_trusted() -> None:
    assert seen("", REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_PROTO="https") == {"REMOTE_ADDR": "127.0.0.1"}


@pytest.mark.parametrize(
    ("chain", "visitor"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("1.2.3.4, 203.0.113.9", "203.0.113.9"),  # the first was claimed by the visitor
        ("203.0.113.9, 10.0.0.7", "203.0.113.9"),  # through two of our proxies
        ("10.0.0.7", "10.0.0.7"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_trusted_proxy_tells_who_the_visitor_is(chain: str, visitor: str) -> None:
    found = seen("10.0.0.0/24", REMOTE_ADDR="10.0.0.2", HTTP_X_FORWARDED_FOR=chain, HTTP_X_FORWARDED_PROTO="https")
    assert found["REMOTE_ADDR"] == visitor
    assert found["HTTP_X_FORWARDED_PROTO"] == "https"
