"""Readers of the process environment. A wrong value stops the start with a sentence; nothing falls back silently."""

import os
import secrets
import stat
from pathlib import Path
from urllib.parse import unquote, urlparse
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
BASE = Path(__file__).resolve().parent.parent


def env_bool(name: str, default: bool) -> bool:
    value = os.environ.get(name)
    if value is None or value == "":
        return default
    if value not in {"True", "False"}:
        raise ImproperlyConfigured(f"{name} is {value!r}; write True or False.")
    return value == "True"


def env_int(name: str, default: int, low: int, high: int) -> int:
    value = os.environ.get(name, "") or str(default)
    if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
        raise ImproperlyConfigured(f"{name} is {value!r}; write a whole number from {low} to {high}.")
    return int(value)


def env_hours(name: str, default: str) -> tuple[int, int]:
    """Two hours of the day, such as 20-6: from the first to before the second."""
    value = os.environ.get(name, "") or default
    start, _dash, end = value.partition("-")
    if not (start.isdecimal() and end.isdecimal() and int(start) < 24 and int(end) < 24 and int(start) != int(end)):
        raise ImproperlyConfigured(f"{name} is {value!r}; write two different hours from 0 to 23, such as 20-6.")
    return int(start), int(end)


def env_level(name: str, default: str) -> str:
    """A level of the logs, such as INFO."""
    value = (os.environ.get(name, "") or default).upper()
    if value not in LEVELS:
        raise ImproperlyConfigured(f"{name} is {value!r}; write one of {', '.join(LEVELS)}.")
    return value


def env_zone(name: str, default: str) -> str:
    value = os.environ.get(name, "") or default
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ImproperlyConfigured(f"{name} is {value!r}; write a time zone such as Europe/Stockholm.") from error
    return value


def web_size() -> tuple[int, int]:
    """Processes and threads of the web server."""
    return env_int("WEB_WORKERS", min(4, os.cpu_count() or 1), 1, 256), env_int("WEB_THREADS", 8, 1, 256)


def env_list(name: str) -> list[str]:
    return [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]


def home_folder() -> Path:
    """The one folder that holds everything the installation keeps (`APPRENTICE_HOME`, default ./var)."""
    return Path(os.environ.get("APPRENTICE_HOME") or BASE / "var").expanduser().resolve()


def secret_key(home: Path) -> str:
    """`SECRET_KEY`, or the key in HOME/secrets made at the first start with mode 0600. A short key is refused."""
    value = os.environ.get("SECRET_KEY", "")
    if value and len(value) < 40:
        raise ImproperlyConfigured("SECRET_KEY is shorter than 40 characters; unset it to have one made.")
    if value:
        return value
    path = home / "secrets" / "django.key"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(64))
        return path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"{path} cannot be written ({error.strerror}); give this user write rights, or set APPRENTICE_HOME."
        ) from error


def database(url: str) -> dict[str, object]:
    """Django's settings from postgresql://user:password@host:port/name; a socket folder goes into ?host=."""
    parts = urlparse(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured("DATABASE_URL must begin with postgresql:// (PostgreSQL with pgvector is needed).")
    try:
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(
            "DATABASE_URL has no valid port; write postgresql://user:password@host:5432/name."
        ) from error
    query = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "apprentice",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(query.get("host", parts.hostname or "")),
        "PORT": query.get("port", str(port or "")),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"application_name": "apprentice", "connect_timeout": 5},
    }
