"""Whether the parts behind the pages are there."""

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import redis
from django.conf import settings
from django.core.cache import caches
from django.utils import timezone
from django.utils.translation import gettext as _

from core.choices import Queue
from core.models import Heartbeat, User

CACHE_SECONDS = 10
STARTED, STARTING_SECONDS = time.monotonic(), 45.0  # the web is there before the workers are


@dataclass(frozen=True)
class Notice:
    tone: str
    text: Any
    url: str = ""
    action: Any = ""  # the words of the link to `url`


def redis_url() -> str:
    """The client library names socket URLs otherwise than the queue's."""
    return settings.REDIS_URL.replace("redis+socket://", "unix://", 1)


def redis_answers() -> bool:
    try:
        with redis.from_url(redis_url(), socket_connect_timeout=1, socket_timeout=1) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False


def queues_without_worker() -> list[str]:
    """Queues from which no worker has been heard for three heartbeats."""
    since = timezone.now() - timedelta(seconds=3 * settings.HEARTBEAT_SECONDS)
    alive = set(Heartbeat.objects.filter(seen_at__gte=since).values_list("queue", flat=True))
    return [queue for queue in Queue.values if queue not in alive]


def notices(user: User) -> list[Notice]:
    """Banners for everyone signed in; looked up at most every ten seconds."""
    near = caches["near"]
    found = near.get("notices")
    if found is None:
        found = find_notices()
        near.set("notices", found, CACHE_SECONDS)
    return [Notice(*row) for row in found]


def find_notices() -> list[tuple[str, str]]:
    if not redis_answers():
        text = _("The queue is not reachable: what you write is saved, but background work waits until it is back.")
        return [("bad", text)]
    missing = queues_without_worker()
    if missing and time.monotonic() - STARTED < STARTING_SECONDS:
        return [("info", _("The workers are starting: background work begins in some seconds."))]
    if len(missing) == len(Queue):
        text = _("No worker is running. What you ask for waits and is not lost; an admin starts them with “make up”.")
        return [("warn", text)]
    if missing:
        text = _("These wait, because no worker is running for them: %(queues)s. An admin starts it with “make up”.")
        return [("warn", text % {"queues": queue_labels(missing)})]
    return []


def queue_labels(queues: list[str]) -> str:
    return "; ".join(str(Queue(queue).label) for queue in queues)
