"""What is known of a task only from all its pairs together, worked out by a job and kept."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from core.choices import JobState
from core.models import Job, User
from core.services.jobs import job_create
from curation.models import Task, TaskReport
from curation.selectors.columns import numbers_read
from curation.selectors.tokens import task_tokenizer
from curation.selectors.versions import approved_pairs
from curation.services.building import BATCH, tokens_count
from curation.services.health import health_count
from curation.services.linking import links_update
from curation.services.search import search_update
from curation.services.vocabulary import vocabulary_learn

REST = timedelta(minutes=10)
Tell = Callable[[int, int, str], None]


def stock_take(task: Task, tell: Tell, *, whole: bool) -> dict[str, Any]:
    """Work everything out and keep it; begun again it comes to the same.

    1. Tokens of texts that came before a tokenizer. 2. The words of the approved texts. 3. The ties between pairs.
    4. The numbers of the health page. What takes long on a large task (2 and 4) waits a while unless the `whole` is
    wanted: people submit all day.
    """
    tokens_fill(task, tell)
    if not whole and TaskReport.objects.filter(task=task, counted_at__gt=timezone.now() - REST).exists():
        return {"links": tie(task, tell)}
    tell(0, 0, _("Learning the words of the approved texts"))
    languages = vocabulary_learn(task.project)
    links = tie(task, tell)
    tell(0, 0, _("Counting"))
    health_count(task)
    return {"links": links, "learned": languages}


def tie(task: Task, tell: Tell) -> int:
    return links_update(task, lambda done, total: tell(done, total, _("Comparing pairs that may say the same")))


def tokens_fill(task: Task, tell: Tell) -> None:
    """Count the tokens that are missing, and let the lists find the pairs by them."""
    if task_tokenizer(task) is None:
        return
    tokens_count(task, tell)
    (missing,) = numbers_read(approved_pairs(task).filter(tokens__isnull=True, current__tokens__isnull=False), "pk")
    for start in range(0, len(missing), BATCH):
        tell(start, len(missing), _("Letting the lists find pairs by their tokens"))
        search_update(missing[start : start + BATCH].tolist())


def stock_ask(*, actor: User | None, task: Task, whole: bool = False, waited: bool = False) -> Job:
    """Take stock in the background, or before other work there if somebody waits for it. Asked twice, done once."""
    return job_create(
        actor=actor,
        kind="stock",
        project=task.project,
        subject=task.name,
        subject_url=f"/p/{task.project.slug}/pairs/?task={task.slug}",
        arguments={"task": task.pk, "whole": whole or actor is not None},
        once_key=f"stock-{task.pk}",
        priority=0 if waited else -1,
    )


def stock_ended(job: Job) -> None:
    """What was erased while the job read is counted no more: it is done once again."""
    task = Task.objects.select_related("project").filter(pk=job.arguments["task"]).first()
    if task is None or job.state != JobState.DONE:
        return
    if Job.objects.filter(kind="erase", project=task.project, ended_at__gte=job.started_at).exists():
        stock_ask(actor=None, task=task, whole=True)
