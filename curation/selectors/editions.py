"""Editions of a task's guidelines: under which one a text was written or read, and which one asks for another look."""

from django.db.models import Max

from curation.models import Guideline


def edition_now(task_id: int) -> int:
    """The number of the newest edition, 0 before the first."""
    return Guideline.objects.filter(task=task_id).aggregate(newest=Max("number"))["newest"] or 0


def edition_asked(task_id: int) -> int:
    """The newest edition that asks to look again at earlier work, 0 for none: pairs below it are flagged."""
    return Guideline.objects.filter(task=task_id, reflags=True).aggregate(newest=Max("number"))["newest"] or 0
