"""What each pair means, as a vector: made by the model server, kept, and gone on with where it was interrupted."""

from collections.abc import Callable, Sequence

from django.core.cache import cache
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.model_server import embed
from core.models import Job, User
from core.services.jobs import job_create
from curation.choices import PairState
from curation.models import Embedding, Pair, Revision, Task
from curation.selectors.columns import numbers_read

BATCH = 256
MOST = 20_000  # of one job: other work of the queue gets its turn between two of them
LOOK_SECONDS = 60
EMBEDDER_SECONDS = 5.0  # loading it may take longer the first time; a minute later it is there
LOOKED, WATERMARK = "embedding-looked", "embedding-revision"
Tell = Callable[[int, int, str], None]


def unembedded(task: Task) -> QuerySet[Pair]:
    """Pairs whose newest text has no vector yet."""
    known = Embedding.objects.filter(pair=OuterRef("pk"), revision_id=OuterRef("current_id"))
    pairs = Pair.objects.filter(task=task, current__isnull=False).exclude(state=PairState.TRASHED)
    return pairs.exclude(Exists(known))


def embeddings_update(task: Task, tell: Tell, kept: Callable[[], None] = lambda: None) -> int:
    """Embed what has no vector, at most MOST pairs; returns how many that were. Each batch is kept before the next is
    asked for, and `kept` is called.

    Raises ApplicationError while the model server does not answer, or has no embedding model.
    """
    total = min(MOST, unembedded(task).count())
    done = last = 0
    while done < total and (rows := list(
        unembedded(task).filter(pk__gt=last).order_by("pk")
        .values_list("pk", "current_id", "current__instruction", "current__input", "current__response")[:BATCH]
    )):  # fmt: skip
        tell(done, max(total, done), _("Asking the model server what the pairs mean"))
        vectors = embed(["\n".join(filter(None, texts)) for _pair, _revision, *texts in rows])
        embeddings_keep(task, [(pair, revision) for pair, revision, *_texts in rows], vectors)
        kept()
        done += len(rows)
        last = rows[-1][0]
    return done


def embeddings_keep(task: Task, pairs: Sequence[tuple[int, int]], vectors: Sequence[list[float]]) -> None:
    """`pairs` are (pair, revision), in the order of the vectors."""
    made = [
        Embedding(pair_id=pair, task=task, revision_id=revision, vector=vector)
        for (pair, revision), vector in zip(pairs, vectors, strict=True)
    ]
    Embedding.objects.bulk_create(
        made, update_conflicts=True, unique_fields=["pair"], update_fields=["revision_id", "vector"]
    )


def embeddings_sometimes() -> None:
    """The scheduler asks every few seconds. Texts that are new since this was last looked at get their meanings, as
    soon as a model server with an embedder is there; until then nothing is asked for."""
    if not cache.add(LOOKED, True, LOOK_SECONDS):
        return
    newest = Revision.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    seen = cache.get(WATERMARK) or 0
    if newest == seen or not embedder_answers():
        return
    fresh = Revision.objects.filter(pk__gt=seen).values("pair__task")
    for task in Task.objects.filter(pk__in=fresh).select_related("project"):
        if unembedded(task).exists():
            embeddings_ask(actor=None, task=task)
    cache.set(WATERMARK, newest, None)


def embeddings_again() -> None:
    """What a job left undone is looked for anew."""
    cache.delete(WATERMARK)


def embedder_answers() -> bool:
    try:
        return len(embed(["."], seconds=EMBEDDER_SECONDS)) == 1
    except ApplicationError:
        return False


def embeddings_of(task: Task, most: int) -> list[tuple[int, list[float], str]]:
    """(pair, vector, instruction) of at most so many pairs, spread evenly over the task."""
    rows = Embedding.objects.filter(task=task, revision_id=F("pair__current")).exclude(pair__state=PairState.TRASHED)
    (ids,) = numbers_read(rows.order_by("pair"), "pair_id")
    chosen = ids[:: max(1, -(-len(ids) // most))].tolist()
    found = Embedding.objects.filter(pair__in=chosen).order_by("pair")
    return list(found.values_list("pair_id", "vector", "pair__current__instruction"))


def embeddings_ask(*, actor: User | None, task: Task) -> Job:
    """Embed the pairs in the background. Asked twice, it is done once; when a person asks, the map is drawn anew."""
    return job_create(
        actor=actor,
        kind="embed-pairs",
        project=task.project,
        subject=task.name,
        subject_url=f"/p/{task.project.slug}/tasks/{task.slug}/health/",
        arguments={"task": task.pk},
        once_key=f"embed-{task.pk}",
        priority=-1,
    )
