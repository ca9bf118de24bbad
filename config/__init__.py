import gc

# What is imported from here on stays: looking through it for garbage, again and again, was a fifth of every start.
# The last of our apps to be ready ends that (home/apps.py).
gc.disable()

from config.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
