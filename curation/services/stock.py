"""What is known of a task only from all its pairs together, worked out by a job and kept."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from core.models import Job, User
from core.services.jobs import job_create
from curation.models import Task
from curation.services.health import health_count
from curation.services.linking import links_update
from curation.services.vocabulary import vocabulary_learn

Tell = Callable[[int, int, str], None]


def stock_take(task: Task, tell: Tell) -> dict[str, Any]:
    """1. The words of the approved texts. 2. The ties between pairs. 3. The numbers of the health page. Each is kept
    before the next begins; begun again it comes to the same."""
    tell(0, 0, _("Learning the words of the approved texts"))
    languages = vocabulary_learn(task.project)
    links = links_update(task, lambda done, total: tell(done, total, _("Comparing pairs that may say the same")))
    tell(0, 0, _("Counting"))
    health_count(task)
    return {"links": links, "learned": languages}


def stock_ask(*, actor: User | None, task: Task) -> Job:
    """Take stock in the background. Asked twice, it is done once."""
    return job_create(
        actor=actor,
        kind="stock",
        project=task.project,
        subject=task.name,
        subject_url=f"/p/{task.project.slug}/pairs/?task={task.slug}",
        arguments={"task": task.pk},
        once_key=f"stock-{task.pk}",
        priority=-1,
    )
