"""Which pairs say in other words what another or a test item says: vectors beside each other.

Found by the jobs that make vectors and that compare texts. Couples of a task's own pairs are kept for the split, which
puts both into one part; what says the same as an item of a suite beside the other leaks (services/leaks.py). A pair
whose vector has not come yet was not looked at, and whoever freezes is told how many those are.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from core.model_server import ModelServerDown, embed
from curation.choices import LeakMethod, LikeKind
from curation.models import Embedding, Leak, Revision, SuiteItem, Task
from curation.selectors.uncompared import newest_suite
from curation.services.couples import SHORT_THRESHOLD, THRESHOLD, couples_update, matrix, shared_part
from curation.services.likeness import Tell, task_held
from ml.split import ANSWER_WORDS
from ml.words import count_words

BATCH = 4_000


@dataclass(frozen=True)
class Items:
    """Items of suites, each text once, with their vectors of length 1 as rows."""

    keys: list[str]
    pairs: list[int]
    short: NDArray[np.bool_]  # of whose pairs an answer of a few words gives nothing away
    vectors: NDArray[np.float32]
    less: NDArray[np.float32]  # what was taken away from them


def meanings_update(task: Task, tell: Tell, kept: Callable[[], None] = lambda: None) -> int:
    """Compare the vectors that are new with the task's others, and those that must with the items of suites. `kept` is
    called whenever something was done that need not be done again.

    Returns how many pairs were compared with items.
    """
    with task_held(task, tell):
        couples_update(task, tell, kept)
        return items_compare(task, tell)


def items_compare(task: Task, tell: Tell) -> int:
    """Compare the vectors of a task's pairs with the items of suites that they were not compared with; returns how many
    pairs were. Items without a vector are asked of the model server; while it is silent, nothing is taken as compared.
    """
    newest = newest_suite(task)
    behind = Embedding.objects.filter(task=task, suites_upto__lt=newest).order_by("pair")
    done = 0
    for upto in list(behind.order_by("suites_upto").values_list("suites_upto", flat=True).distinct()):
        try:
            items = items_after(task, upto)
        except ModelServerDown:
            return done
        ids = list(behind.filter(suites_upto=upto).values_list("pair_id", flat=True))
        for start in range(0, len(ids), BATCH):
            tell(start, len(ids), _("Looking for pairs that say what test items say"))
            done += pairs_compare(task, ids[start : start + BATCH], items, newest)
    return done


def items_after(task: Task, upto: int) -> Items:
    """The items of suites after `upto`, each text once. Raises ModelServerDown where vectors are missing."""
    fresh = SuiteItem.objects.filter(suite__project=task.project_id, suite__gt=upto, revision__isnull=False)
    names = ("fingerprint", "revision_id", "revision__pair_id", "revision__erased_at")
    texts = tuple(f"revision__{name}" for name in ("instruction", "input", "response"))
    rows = list(fresh.order_by("fingerprint", "pk").distinct("fingerprint").values_list(*names, *texts))
    rows = [row for row in rows if row[3] is None]
    known = Embedding.objects.filter(revision_id__in=[row[1] for row in rows]).values_list("revision_id", "vector")
    vectors = dict(known)
    missing = [row for row in rows if row[1] not in vectors]
    made = embed(["\n".join(filter(None, row[4:])) for row in missing]) if missing else []
    vectors |= {row[1]: vector for row, vector in zip(missing, made, strict=True)}
    less = shared_part(task)
    kept = matrix([vectors[row[1]] for row in rows], less)
    return Items([row[0] for row in rows], [row[2] for row in rows], shorts(row[-1] for row in rows), kept, less)


def shorts(responses: Iterable[str]) -> NDArray[np.bool_]:
    return np.array([count_words(response) < ANSWER_WORDS for response in responses], dtype=np.bool_)


def pairs_compare(task: Task, pairs: Sequence[int], items: Items, newest: int) -> int:
    """A pair does not give itself away: a changed ratio moves it as a whole."""
    rows = list(Embedding.objects.filter(pair__in=pairs).values_list("pair_id", "revision_id", "vector"))
    found = []
    if items.keys and rows:
        scores = matrix([vector for _pair, _revision, vector in rows], items.less) @ items.vectors.T
        texts = dict(Revision.objects.filter(pk__in=[row[1] for row in rows]).values_list("pk", "response"))
        short = shorts(texts.get(row[1], "") for row in rows)[:, None] | items.short[None]
        for row, item in np.argwhere(scores >= np.where(short, SHORT_THRESHOLD, THRESHOLD)).tolist():
            pair, revision, _vector = rows[row]
            if pair != items.pairs[item]:
                found.append(
                    Leak(
                        task=task, revision_id=revision, fingerprint=items.keys[item], method=LeakMethod.MEANING,
                        field=LikeKind.PROMPT, score=min(1.0, float(scores[row, item])),
                    )
                )  # fmt: skip
    with transaction.atomic():
        Leak.objects.bulk_create(found, ignore_conflicts=True, batch_size=5_000)
        seen = [revision for _pair, revision, _vector in rows]  # one embedded anew meanwhile keeps its turn
        Embedding.objects.filter(pair__in=pairs, revision_id__in=seen).update(suites_upto=newest)
    return len(rows)
