"""Freezing a dataset version: asked for here, built by a job (building.py), verified in verifying.py."""

from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from core import registries
from core.denied import ApplicationError, Refused
from core.models import Job, User
from core.services.events import event_record
from core.services.jobs import job_create
from curation.choices import LeakRule, VersionState
from curation.models import DatasetVersion, Task
from curation.selectors.freezing import leaks_now
from curation.selectors.versions import approved_pairs
from ml.hashing import canonical_json, salted_digest, texts_sha256

COLUMNS = ("system", "instruction", "input", "response", "turns", "language")


@transaction.atomic
def version_freeze(
    *,
    actor: User | None,
    task: Task,
    note: str = "",
    train_share: float | None = None,
    leaks: str = LeakRule.EXCLUDE,
) -> DatasetVersion:
    """Queue the freeze of all approved pairs of a task as its next version. A freeze under way is returned instead.

    Raises ApplicationError when there is nothing to freeze, Refused when a higher app says no, or when leaks are to
    block and some are known.
    """
    task = Task.objects.select_for_update(of=("self",)).select_related("project").get(pk=task.pk)
    if building := task.versions.filter(state=VersionState.BUILDING, job__isnull=False).first():
        return building
    for denied in registries.refusals("freeze", task):
        raise Refused(denied)
    if not approved_pairs(task).exists():
        sentence = _(
            "No pair of this task is approved yet. Review the submitted pairs, or import approved ones, first."
        )
        raise ApplicationError(sentence)
    share = train_share or task.train_share
    for denied in leaks_now(task, share) if leaks == LeakRule.BLOCK else []:
        raise Refused(denied)
    number = (task.versions.aggregate(newest=Max("number"))["newest"] or 0) + 1
    version = DatasetVersion.objects.create(
        task=task,
        number=number,
        note=note.strip()[:300],
        train_share=share,
        leaks=leaks,
        template=task.template,
        system_prompt=task.system_prompt,
        created_by=actor,
    )
    version.job = job_create(
        actor=actor,
        kind="freeze",
        project=task.project,
        subject=str(version),
        subject_url=f"/p/{task.project.slug}/versions/{version.pk}/",
        arguments={"version": version.pk},
        once_key=f"freeze-{task.pk}",
    )
    version.save(update_fields=["job"])
    event_record(actor=actor, action="version.asked", project=task.project, subject=version, number=number)
    return version


def row_digest(texts: dict[str, Any], salt: str) -> str:
    return salted_digest(canonical_json(texts), salt)


def rows_sha256(rows: Iterator[tuple[int, str, str]]) -> str:
    """The hash of a version: over place, part and salted digest of each row. Texts and salts are not needed for it."""
    return texts_sha256(f"{ordinal} {part} {digest}\n" for ordinal, part, digest in rows)


def version_failed(version_id: int, job: Job) -> None:
    """A freeze that ended without a version: it says why, and the next one may start."""
    DatasetVersion.objects.filter(pk=version_id, state=VersionState.BUILDING).update(
        state=VersionState.FAILED, error=job.error or job.message
    )
