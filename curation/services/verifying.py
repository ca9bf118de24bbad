"""Whether a version is still what was frozen: its hash is computed again from the stored texts, and the result kept."""

from collections.abc import Callable, Iterator
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.models import User
from core.services.events import event_record
from core.services.jobs import job_create
from curation.choices import VersionState
from curation.models import DatasetVersion, VersionPair
from curation.services.likeness import Tell
from curation.services.versions import COLUMNS, row_digest, rows_sha256

AT_ONCE = 5_000  # rows that are looked through while somebody waits for the page
BATCH = 2_000


@transaction.atomic
def version_verify(*, actor: User, version: DatasetVersion) -> DatasetVersion:
    """Compute a version's hash again: of a small one now, of a large one by a job. Asked twice, it is done once.

    Raises ApplicationError for a version that is not frozen.
    """
    if version.state != VersionState.READY:
        raise ApplicationError(_("This version is not frozen, so there is nothing to compare it with."))
    if version.counts.get("pairs", 0) <= AT_ONCE:
        verification_keep(version, actor, *version_sha256(version))
        return version
    version.verification = job_create(
        actor=actor,
        kind="verify-version",
        project=version.task.project,
        subject=str(version),
        subject_url=f"/p/{version.task.project.slug}/versions/{version.pk}/",
        arguments={"version": version.pk},
        once_key=f"verify-{version.pk}",
    )
    version.save(update_fields=["verification"])
    return version


def verification_run(
    version: DatasetVersion, actor: User | None, tell: Tell, guard: Callable[[], None]
) -> dict[str, Any]:
    """What the job does. Tried again it starts over: half a hash says nothing."""
    sha256, changed = version_sha256(version, tell)
    with transaction.atomic():
        guard()
        verification_keep(version, actor, sha256, changed)
    return {"version": version.pk, "same": version.verified_same, "changed": changed}


def verification_keep(version: DatasetVersion, actor: User | None, sha256: str, changed: int) -> None:
    version.verified_at, version.verified_same = timezone.now(), sha256 == version.sha256
    version.verified_changed = changed
    version.save(update_fields=["verified_at", "verified_same", "verified_changed"])
    event_record(
        actor=actor, action="version.verified", project=version.task.project, subject=version,
        same=version.verified_same, changed=changed,
    )  # fmt: skip


def version_sha256(version: DatasetVersion, tell: Tell = lambda *_: None) -> tuple[str, int]:
    """Compute a version's hash again from the texts and salts in the database; also how many rows differ.

    An erased row has its digest only, and that counts.
    """
    changed = 0

    def lines() -> Iterator[tuple[int, str, str]]:
        nonlocal changed
        for ordinal, part, salt, digest, *texts in rows_read(version, tell):
            values = dict(zip(COLUMNS, texts, strict=True))
            values["system"] = values["system"] or version.system_prompt
            again = row_digest(values, salt) if salt else digest
            changed += again != digest
            yield ordinal, part, again

    return rows_sha256(lines()), changed


def rows_read(version: DatasetVersion, tell: Tell) -> Iterator[tuple[Any, ...]]:
    """A batch at a time by place: a cursor over all of them would have the database write every text down once more."""
    names = ["ordinal", "part", "salt", "digest", *(f"revision__{name}" for name in COLUMNS)]
    rows = VersionPair.objects.filter(version=version).order_by("ordinal").values_list(*names)
    total, done, last = version.counts.get("pairs", 0), 0, -1
    while batch := list(rows.filter(ordinal__gt=last)[:BATCH]):
        tell(done, max(total, done), _("Comparing the texts with what was frozen"))
        yield from batch
        done, last = done + len(batch), batch[-1][0]
