"""Checks for /health/, in the words of django-health-check. They run in the request's own thread and connection."""

import dataclasses
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import Error, connection
from django.utils.translation import gettext as _
from health_check.base import HealthCheck
from health_check.exceptions import ServiceUnavailable

from core.selectors.health import queue_labels, queues_without_worker, redis_answers


def in_request_thread(check: Callable[[Any], None]) -> Callable[[Any], Any]:
    """The library would use a pool, whose threads would each keep a database connection open."""

    async def run(self: Any) -> None:
        await sync_to_async(check, thread_sensitive=True)(self)

    return run


@dataclasses.dataclass
class DatabaseCheck(HealthCheck):
    name = "database"

    @in_request_thread
    def run(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
                if cursor.fetchone() is None:
                    raise ServiceUnavailable(_("The extension pgvector is missing; run the migrations."))
        except Error as error:
            raise ServiceUnavailable(_("PostgreSQL does not answer.")) from error


@dataclasses.dataclass
class QueueCheck(HealthCheck):
    name = "redis"

    @in_request_thread
    def run(self) -> None:
        if not redis_answers():
            raise ServiceUnavailable(_("Redis does not answer; texts are still saved, background work waits."))


@dataclasses.dataclass
class WorkersCheck(HealthCheck):
    name = "workers"

    @in_request_thread
    def run(self) -> None:
        if missing := queues_without_worker():
            text = _("No worker was heard in the last %(seconds)s s for: %(queues)s.")
            heard = {"seconds": 3 * settings.HEARTBEAT_SECONDS, "queues": queue_labels(missing)}
            raise ServiceUnavailable(text % heard)


CHECKS: tuple[type[Any], ...] = (DatabaseCheck, QueueCheck, WorkersCheck)
