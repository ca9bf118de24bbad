"""What follows an import: words to search by, checks, token counts. Goes on where it was interrupted."""

from typing import Any

from django.db import transaction
from django.utils.translation import ngettext

from core.jobs import JobContext
from curation.choices import PairState
from curation.fingerprints import texts_of
from curation.models import Pair, Revision, Task
from curation.selectors.checking import Surroundings, pairs_check
from curation.services.columns import columns_set
from curation.services.findings import findings_keep
from curation.services.search import search_update

BATCH = 500
FORGOTTEN = 5_000


def index_run(task: Task, context: JobContext) -> dict[str, Any]:
    """Every pair whose newest revision was not checked yet, oldest first. Each batch is complete in itself."""
    unchecked = Pair.objects.filter(task=task, found__isnull=True)
    total = unchecked.count()
    around = Surroundings(task)
    done = last = 0
    while pairs := list(unchecked.filter(pk__gt=last).order_by("pk")[:BATCH]):
        context.checkpoint()
        index_batch(pairs, around)
        done += len(pairs)
        last = pairs[-1].pk
        message = ngettext(
            "%(done)s of %(total)s pair checked and made findable",
            "%(done)s of %(total)s pairs checked and made findable",
            total,
        ) % {"done": f"{done:,}", "total": f"{total:,}"}
        context.progress(done, max(total, done), message)
    return {"pairs": done}


@transaction.atomic
def index_batch(pairs: list[Pair], around: Surroundings) -> None:
    # Locked, so that a revision that is submitted meanwhile keeps its own findings.
    locked_check(
        list(Pair.objects.select_for_update().filter(pk__in=[pair.pk for pair in pairs], found__isnull=True)), around
    )


def locked_check(locked: list[Pair], around: Surroundings) -> None:
    """Check the newest revisions of locked pairs as things stand now, count their tokens and make them findable."""
    newest = Revision.objects.in_bulk([pair.current_id for pair in locked if pair.current_id])
    rows = [(pair, revision) for pair in locked if (revision := newest.get(pair.current_id))]
    results = pairs_check([texts_of(revision) for _, revision in rows], around)
    findings_keep([judged for result in results for judged in result.judged.values()], around.checks)
    checked = [(pair, revision, result) for (pair, revision), result in zip(rows, results, strict=True)]
    revisions = [revision.pk for _, revision, _result in checked]
    columns_set(Revision, revisions, tokens=[result.tokens for *_rest, result in checked])
    alike: dict[tuple[str, ...], list[int]] = {}
    for pair, _revision, result in checked:
        alike.setdefault(tuple(result.ids), []).append(pair.pk)
    for ids, pairs_alike in alike.items():
        search_update(pairs_alike, list(ids))


def recheck_run(task: Task, check_id: str, context: JobContext) -> dict[str, Any]:
    """Forget what was found (of one check's pairs, or of all), batch by batch, then check what is unchecked."""
    pairs = Pair.objects.filter(task=task, found__isnull=False).exclude(state=PairState.TRASHED)
    if check_id:
        pairs = pairs.filter(found__contains=[check_id])
    ids = list(pairs.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), FORGOTTEN):
        context.checkpoint()
        Pair.objects.filter(pk__in=ids[start : start + FORGOTTEN]).update(found=None)
    return index_run(task, context)
