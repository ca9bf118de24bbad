"""A wrong value in the environment stops the start with a sentence that names it and says what to write."""

from collections.abc import Callable

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import env_bool, env_hours, env_int, env_level, env_zone, web_size


@pytest.mark.parametrize(
    ("name", "value", "read", "cure"),
    [
        ("DEBUG", "yes", lambda: env_bool("DEBUG", False), "write True or False"),
        ("PORT", "eighty", lambda: env_int("PORT", 8000, 1, 65535), "a whole number from 1 to 65535"),
        ("NIGHT_HOURS", "20-20", lambda: env_hours("NIGHT_HOURS", "20-6"), "two different hours"),
        ("LOG_LEVEL", "LOUD", lambda: env_level("LOG_LEVEL", "INFO"), "write one of DEBUG, INFO"),
        ("TZ", "Stockholm", lambda: env_zone("TZ", "UTC"), "such as Europe/Stockholm"),
        ("TZ", "../etc/passwd", lambda: env_zone("TZ", "UTC"), "such as Europe/Stockholm"),
        ("WEB_WORKERS", "x", web_size, "a whole number from 1 to 256"),
        ("WEB_THREADS", "0", web_size, "a whole number from 1 to 256"),
    ],
)
def test_a_wrong_value_is_named_with_what_to_write(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, read: Callable[[], object], cure: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=f"^{name} is .*{cure}"):
        read()


def test_values_are_read_and_missing_ones_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "warning")
    monkeypatch.setenv("WEB_WORKERS", "3")
    monkeypatch.delenv("WEB_THREADS", raising=False)
    monkeypatch.setenv("TZ", "")
    assert (env_level("LOG_LEVEL", "INFO"), web_size(), env_zone("TZ", "UTC")) == ("WARNING", (3, 8), "UTC")
