"""Texts that came before the first model: nobody could tell how long they are."""

from django.core.cache import cache

from core.models import Project
from curation.models import Pair
from curation.selectors.tokens import usual_tokenizer
from curation.services.check_settings import recheck_ask


def counting_due() -> None:
    """Once a tokenizer is there, have the texts counted, and held to their limit, that were brought in before it."""
    row = usual_tokenizer()
    if row is None or cache.get(key := f"counted-{row.fingerprint}"):
        return
    uncounted = Pair.objects.filter(task__tokenizer=None, current__tokens=None, current__erased_at=None)
    for project in Project.objects.filter(pk__in=uncounted.filter(current__isnull=False).values("project")):
        recheck_ask(actor=None, project=project)
    cache.set(key, True, None)
