"""Which pairs of a task are alike, found as they arrive and kept, so that a freeze or a page only reads it.

A job keeps it up to date; a freeze works off what the job has not seen. Each step goes on where it was interrupted:
1. hashes of the texts of each revision that counts: the newest and the approved one of each pair;
2. the basis: shingles that too many texts have. Made anew, with all that rests on it, when the task has grown by half;
3. sketches and grams of each question and each longer answer, again for questions whose instruction became a template;
4. new ones compared with all; what says nearly the same, or stands inside another, is kept by the hashes of the two.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Count, F, Q
from django.utils.translation import gettext as _

from core.models import Job, User
from core.services.jobs import job_create
from curation.choices import LikeKind
from curation.models import ContainedText, Likeness, LikenessBasis, NearText, Revision, Task
from curation.selectors.columns import numbers_of, numbers_read
from curation.selectors.compared_texts import COMMON, GRAMS, SKETCH, common_of, grams_of, read_texts, text_number
from curation.selectors.uncompared import MISSING, likeness_waiting
from curation.services.columns import columns_set, rows_copy
from curation.services.comparing import compare_open
from ml.containment import Grams
from ml.near_duplicates import EDITION, common_shingles, sketches
from ml.split import ANSWER_WORDS, TEMPLATE_INPUTS, whole_prompt
from ml.words import count_words

BATCH = 2_000  # rows whose sketches are written at once: psycopg holds them several times over
SAMPLE = 20_000  # texts in which the common shingles are counted
GROWTH = 1.5
LOCK_SECONDS = 0.5
LOOK_SECONDS = 300
LOOKED, WATERMARK = "likeness-looked", "likeness-revision"
Tell = Callable[[int, int, str], None]


STALE = """
    DELETE FROM curation_likeness kept USING curation_revision revision, curation_pair pair
    WHERE kept.task_id = %(task)s AND revision.id = kept.revision_id AND pair.id = revision.pair_id
    AND (pair.state = 'trashed'
        OR kept.revision_id IS DISTINCT FROM pair.current_id AND kept.revision_id IS DISTINCT FROM pair.approved_id)
"""


def likeness_update(task: Task, tell: Tell, kept: Callable[[], None] = lambda: None) -> int:
    """Bring what is known of a task's likenesses up to date. Returns how many revisions were new. `kept` is called
    whenever something was done that need not be done again."""
    with task_held(task, tell):
        fresh = hashes_add(task, tell, kept)
        if fresh > BATCH:  # what follows should not be planned by yesterday's statistics
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE curation_likeness")
        basis = basis_renew(task)
        templates_follow(task)
        sketches_add(task, basis, tell, kept)
        compare_open(task, basis, tell, kept)
    return fresh


@contextmanager
def task_held(task: Task, tell: Tell) -> Iterator[None]:
    """One process at a time works on a task; another one waits and can be stopped meanwhile."""
    key = f"likeness-{task.pk}"
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [key])
            if cursor.fetchone()[0]:
                break
            tell(0, 0, _("Waiting for another comparison of this task"))
            time.sleep(LOCK_SECONDS)
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [key])


def hashes_add(task: Task, tell: Tell, kept: Callable[[], None]) -> int:
    """Step 1, and away with what counts no longer."""
    with connection.cursor() as cursor:
        cursor.execute(STALE, {"task": task.pk})
    (missing,) = numbers_of(MISSING, {"task": task.pk})
    for start in range(0, len(missing), BATCH):
        tell(start, len(missing), _("Reading new pairs"))
        texts = Revision.objects.filter(pk__in=missing[start : start + BATCH].tolist()).order_by("pk")
        rows_copy(Likeness, [hashed(task, *row) for row in texts.values_list("pk", "instruction", "input", "response")])
        kept()
    return len(missing)


@dataclass(frozen=True, slots=True)
class Hashed:
    """A new row of `Likeness`, without the weight of a model: there may be a million."""

    revision_id: int
    task_id: int
    instruction: int
    input: int
    whole: int
    prompt: int
    response: int
    prompt_sketch: bytes = b""
    response_sketch: bytes = b""
    prompt_letters: bytes = b""
    response_letters: bytes = b""
    prompt_grams: bytes = b""
    response_grams: bytes = b""
    sketched: bool = False
    compared: bool = False
    suites_upto: int = 0


def hashed(task: Task, revision: int, instruction: str, given: str, response: str) -> Hashed:
    whole = text_number(whole_prompt(instruction, given))
    answer = text_number(response) if count_words(response) >= ANSWER_WORDS else 0
    return Hashed(revision, task.pk, text_number(instruction), text_number(given), whole, whole, answer)


@transaction.atomic
def basis_renew(task: Task) -> LikenessBasis:
    """Step 2. A new basis makes every sketch and every comparison void."""
    count = Likeness.objects.filter(task=task).count()
    basis = LikenessBasis.objects.filter(task=task).first()
    if basis is not None and basis.edition == EDITION and count <= basis.revisions * GROWTH:
        return basis
    (ids,) = numbers_read(Likeness.objects.filter(task=task).order_by("revision_id"), "revision_id")
    sample = read_texts(ids[:: max(1, -(-len(ids) // SAMPLE))].tolist())
    distinct = {
        kind: list({number: text for number, text in sample[kind].values() if number}.values()) for kind in LikeKind
    }
    common = {name: common_shingles(distinct[kind], unit).tobytes() for (kind, unit), name in COMMON.items()}
    common["common_grams"] = Grams.of([text for kind in LikeKind for text in distinct[kind]]).common().tobytes()
    again: dict[str, Any] = {"sketched": False, "compared": False}
    if basis is not None and basis.edition != EDITION:
        again["suites_upto"] = 0  # leaks that an older edition did not see
    made = Q(sketched=True) | Q(compared=True) | Q(suites_upto__gt=0)
    Likeness.objects.filter(made, task=task).update(**again)
    NearText.objects.filter(task=task).delete()
    ContainedText.objects.filter(task=task).delete()
    values = {"edition": EDITION, "revisions": count, **common}
    return LikenessBasis.objects.update_or_create(task=task, defaults=values)[0]


def templates_follow(task: Task) -> None:
    """An instruction that many inputs share is no likeness: its questions are compared by their inputs alone."""
    rows = Likeness.objects.filter(task=task)
    with_input = rows.exclude(input=0).order_by().values("instruction").annotate(inputs=Count("input", distinct=True))
    templates = list(with_input.filter(inputs__gt=TEMPLATE_INPUTS).values_list("instruction", flat=True))
    by_input = Q(instruction__in=templates) & ~Q(input=0)
    rows.filter(by_input).exclude(prompt=F("input")).update(prompt=F("input"), sketched=False, compared=False)
    rows.exclude(by_input).exclude(prompt=F("whole")).update(prompt=F("whole"), sketched=False, compared=False)


def sketches_add(task: Task, basis: LikenessBasis, tell: Tell, kept: Callable[[], None]) -> None:
    """Step 3."""
    open_rows = Likeness.objects.filter(task=task, sketched=False, compared=False)
    (ids,) = numbers_read(open_rows.order_by("revision_id"), "revision_id")
    for start in range(0, len(ids), BATCH):
        tell(start, len(ids), _("Taking down what each pair says"))
        part = ids[start : start + BATCH].tolist()
        texts = read_texts(part)
        made = {
            name: sketches([text for _n, text in texts[kind].values()], unit, common_of(basis, kind)[unit])
            for (kind, unit), name in SKETCH.items()
        }
        made |= {
            GRAMS[kind]: grams_of(basis, [text for _n, text in texts[kind].values()]).packed() for kind in LikeKind
        }
        ids_read = list(texts[LikeKind.PROMPT])
        columns_set(Likeness, ids_read, sketched=[True] * len(ids_read), **made)
        kept()


def likeness_ask(*, actor: User | None, task: Task) -> Job:
    """Compare what is new, in the background. Asked twice, it is done once."""
    return job_create(
        actor=actor,
        kind="likeness",
        project=task.project,
        subject=task.name,
        subject_url=f"/p/{task.project.slug}/pairs/?task={task.slug}",
        arguments={"task": task.pk},
        once_key=f"likeness-{task.pk}",
        priority=-1,
    )


def likeness_sometimes() -> None:
    """The scheduler asks every few seconds; in a large task a comparison takes longer than that."""
    if cache.add(LOOKED, True, LOOK_SECONDS):
        likeness_due()


def likeness_due() -> None:
    """Ask for the comparison of tasks in which a text was written since this was last looked at."""
    newest = Revision.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    seen = cache.get(WATERMARK)
    if newest == seen:
        return
    fresh = Revision.objects.filter(pk__gt=seen) if seen else Revision.objects.all()
    for task in Task.objects.filter(pk__in=fresh.values("pair__task")).select_related("project"):
        if likeness_waiting(task):
            likeness_ask(actor=None, task=task)
    cache.set(WATERMARK, newest, None)
