"""In which order people get what waits: by age, by topics that lack pairs, mixed, or by what a model is unsure of.

An item's `order` is written when it is opened and when an owner chooses anew; claiming only reads an index.
"""

from hashlib import md5
from typing import Any

from django.core.cache import cache
from django.db import connection, transaction
from django.utils.translation import gettext as _

from core import registries
from core.denied import ApplicationError
from core.models import Job, User
from core.services.events import event_record
from core.services.jobs import job_create
from curation.choices import PairState, WorkOrder
from curation.models import Pair, Task
from curation.subjects import review_batch

KIND = "order"
KIND_UNCERTAIN = "uncertainty"
COUNTS_SECONDS = 600
# Each writes the order of all open items of one task (its batch) in one statement.
TOPICS = """
WITH have AS (
    SELECT r.topic, count(*) AS pairs FROM curation_pair p JOIN curation_revision r ON r.id = p.approved_id
    WHERE p.task_id = %(task)s AND p.state = 'approved' GROUP BY r.topic
), subject AS (
    SELECT w.id, coalesce(q.topic, r.topic, '') AS topic FROM core_workitem w
    LEFT JOIN curation_question q ON w.subject_type = 'question' AND q.id = w.subject_id
    LEFT JOIN curation_pair p ON w.subject_type = 'pair' AND p.id = w.subject_id
    LEFT JOIN curation_revision r ON r.id = p.current_id
    WHERE w.project_id = %(project)s AND w.batch = %(batch)s AND w.state = 'open'
)
UPDATE core_workitem w SET "order" = coalesce((SELECT pairs FROM have WHERE have.topic = subject.topic), 0)
FROM subject WHERE subject.id = w.id
"""
MIXED = """
UPDATE core_workitem SET "order" = ('x' || substr(md5(%(salt)s || subject_type || subject_id), 1, 8))::bit(32)::bigint
WHERE project_id = %(project)s AND batch = %(batch)s AND state = 'open'
"""
BY_AGE = """
UPDATE core_workitem SET "order" = 0
WHERE project_id = %(project)s AND batch = %(batch)s AND state = 'open' AND "order" <> 0
"""
STATEMENTS = {WorkOrder.TOPIC: TOPICS, WorkOrder.RANDOM: MIXED, WorkOrder.AGE: BY_AGE, WorkOrder.UNCERTAINTY: BY_AGE}


def order_of(task: Task, topic: str, subject_type: str, subject_id: int) -> int:
    """The order of a new item. What no model has looked at yet is not known to be uncertain, so it comes last."""
    if task.work_order == WorkOrder.RANDOM:
        # The same mixture as the statement's: no secret, only a shuffle that can be repeated.
        mixture = md5(f"{task.salt}{subject_type}{subject_id}".encode(), usedforsecurity=False)
        return int(mixture.hexdigest()[:8], 16)
    if task.work_order == WorkOrder.TOPIC:
        return topic_counts(task).get(topic, 0)
    return 0


def topic_counts(task: Task) -> dict[str, int]:
    """Approved pairs by topic; looked up at most every ten minutes."""
    key = f"topics-{task.pk}"
    counts = cache.get(key)
    if counts is None:
        topics = Pair.objects.filter(task=task, state=PairState.APPROVED).values_list("approved__topic", flat=True)
        counts = {}
        for topic in topics.order_by().iterator(chunk_size=5_000):
            counts[topic] = counts.get(topic, 0) + 1
        cache.set(key, counts, COUNTS_SECONDS)
    return dict(counts)


def uncertainty_order(uncertainty: float) -> int:
    """The more uncertain, the earlier; six digits are told apart."""
    return -round(uncertainty * 1_000_000)


@transaction.atomic
def work_order_set(*, actor: User, task: Task, order: WorkOrder, model_key: str = "") -> Job:
    """Choose the order of a task's work. A job brings what waits into it; what is opened later finds its own place.

    For uncertainty a model is asked first. Raises ApplicationError when it is not there.
    """
    models = {model.key for model in registries.models_to_ask(task.project)}
    if order == WorkOrder.UNCERTAINTY and model_key not in models:
        raise ApplicationError(_("Choose the model whose uncertainty is to count."), field="model")
    before, task.work_order = task.work_order, order
    task.save(update_fields=["work_order"])
    event_record(
        actor=actor, action="task.work_ordered", project=task.project, subject=task, was=before, order=order,
        model=model_key,
    )  # fmt: skip
    return job_create(
        actor=actor,
        kind=KIND_UNCERTAIN if order == WorkOrder.UNCERTAINTY else KIND,
        project=task.project,
        subject=task.name,
        subject_url=f"/p/{task.project.slug}/tasks/{task.slug}/",
        arguments={"task": task.pk, "model": model_key},
        once_key=f"order-{task.pk}-{order}",
    )


def work_reorder(task: Task) -> int:
    """Write the order of everything of this task that waits. Returns how many items moved."""
    values: dict[str, Any] = {
        "task": task.pk, "project": task.project_id, "batch": review_batch(task.pk), "salt": task.salt,
    }  # fmt: skip
    cache.delete(f"topics-{task.pk}")
    with connection.cursor() as cursor:
        cursor.execute(STATEMENTS[WorkOrder(task.work_order)], values)
        return int(cursor.rowcount)
