"""The product's Celery application with one more kind of job, for `celery --app tests.faults.worker_app`."""

import django

django.setup()

from config.celery import app  # noqa: E402
from tests.faults import probe  # noqa: E402

__all__ = ["app", "probe"]
