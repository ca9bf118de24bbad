"""What follows an import: words to search by, checks, token counts. Goes on where it was interrupted."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.jobs import JobContext
from curation.models import Pair, Revision, Task
from curation.services.checking import findings_store, surroundings_of, texts_check, texts_of
from curation.services.columns import columns_set
from curation.services.search import search_update

BATCH = 500


def index_run(task: Task, context: JobContext) -> dict[str, Any]:
    """Every pair whose newest revision was not checked yet, oldest first. Each batch is complete in itself."""
    unchecked = Pair.objects.filter(task=task, found__isnull=True)
    total = unchecked.count()
    around = surroundings_of(task)
    done = last = 0
    while pairs := list(unchecked.filter(pk__gt=last).order_by("pk")[:BATCH]):
        context.checkpoint()
        index_batch(pairs, around)
        done += len(pairs)
        last = pairs[-1].pk
        message = _("%(done)s of %(total)s pairs checked and made findable") % {
            "done": f"{done:,}",
            "total": f"{total:,}",
        }
        context.progress(done, max(total, done), message)
    return {"pairs": done}


@transaction.atomic
def index_batch(pairs: list[Pair], around: Any) -> None:
    # Locked, so that a revision that is submitted meanwhile keeps its own findings.
    locked = list(Pair.objects.select_for_update().filter(pk__in=[pair.pk for pair in pairs], found__isnull=True))
    newest = Revision.objects.in_bulk([pair.current_id for pair in locked if pair.current_id])
    results = [(pair, revision, texts_of(revision)) for pair in locked if (revision := newest.get(pair.current_id))]
    checked = [(pair, revision, texts, texts_check(texts, around)) for pair, revision, texts in results]
    findings_store([(texts, result) for _, _, texts, result in checked], around)
    revisions = [revision.pk for _, revision, *_rest in checked]
    columns_set(Revision, revisions, tokens=[result.tokens for *_rest, result in checked])
    alike: dict[tuple[str, ...], list[int]] = {}
    for pair, _revision, _texts, result in checked:
        alike.setdefault(tuple(result.ids), []).append(pair.pk)
    for ids, pairs_alike in alike.items():
        search_update(pairs_alike, list(ids))
