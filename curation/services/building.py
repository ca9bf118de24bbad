"""What the freeze job does: from the approved pairs of a task to the rows of a version."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.jobs import JobFailed
from core.services.events import event_record
from core.services.webhooks import webhook_tell
from curation.choices import LeakRule, Part, ReviewBasis, SuiteRole, VersionState
from curation.fingerprints import texts_of
from curation.models import (
    DatasetVersion,
    Place,
    Review,
    Revision,
    Suite,
    SuiteItem,
    Task,
    VersionLeftOut,
    VersionPair,
)
from curation.selectors.leaks import leaks_shown
from curation.selectors.planning import ApprovedRow, Plan, version_plan
from curation.selectors.strata import strata_of
from curation.selectors.tokens import count_tokens, task_tokenizer
from curation.selectors.uncompared import unmeant
from curation.selectors.versions import approved_pairs
from curation.services.columns import columns_set, rows_copy
from curation.services.leaks import leaks_update
from curation.services.likeness import Tell, likeness_update
from curation.services.meaning import meanings_update
from curation.services.versions import COLUMNS, row_digest, rows_sha256
from ml.hashing import json_sha256

BATCH = 5_000
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class FrozenRow:
    """A row of the version to be, without the weight of a model."""

    version_id: int
    revision_id: int
    ordinal: int
    part: str
    group: str
    salt: str
    digest: str
    unreviewed: bool


@dataclass(frozen=True, slots=True)
class ItemRow:
    suite_id: int
    ordinal: int
    revision_id: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class PlaceRow:
    pair_id: int
    task_id: int
    group: str
    position: float
    pinned: str


def version_build(version: DatasetVersion, tell: Tell, guard: Callable[[], None]) -> DatasetVersion:
    """Build a version that was asked for.

    1. Count the tokens and compare the texts of what came in since the jobs that do so last ran.
    2. Read which revisions are approved, in one look, ordered by pair; split them over the stored likenesses (places
       drawn by earlier freezes stay); take out what gives a test item away. All of it in selectors/planning.py.
    3. Digest each row with a fresh salt; hash the ordered digests.
    4. In one transaction, after `guard` has checked that the job is still ours: rows, left-out list, places, suites.
    A version that is ready already is left alone. Raises JobFailed where leaks are to block.
    """
    if version.state == VersionState.READY:
        return version
    tokens_count(version.task, tell)
    likeness_update(version.task, tell)
    leaks_update(version.task, tell)
    meanings_update(version.task, tell)
    unlooked = unmeant(version.task)
    tell(0, 0, _("Splitting"))
    plan = version_plan(version.task, version.train_share)
    refuse_leaks(version, plan)
    unreviewed = unreviewed_revisions(version.task, plan.rows)
    kept = plan.kept
    frozen = version_rows(version, kept, plan, unreviewed, tell)
    with transaction.atomic():
        guard()
        rows_copy(VersionPair, frozen)
        places_store(version.task, plan)
        left_out_store(version, plan)
        for part, role in ((Part.TEST, SuiteRole.TEST), (Part.DEVELOP, SuiteRole.DEVELOP)):
            items = [(row, source) for row, source in zip(frozen, kept, strict=True) if row.part == part]
            suite_store(version, part, role, items)
        version.sha256 = rows_sha256((row.ordinal, row.part, row.digest) for row in frozen)
        version.counts = {**count_rows(frozen, kept, len(plan.left_out)), "unmeant": unlooked}
        version.state = VersionState.READY
        version.save(update_fields=["sha256", "counts", "state"])
        event_record(
            actor=version.created_by, action="version.frozen", project=version.task.project, subject=version,
            sha256=version.sha256, rows=len(frozen), left_out=len(plan.left_out),
        )  # fmt: skip
        frozen_tell(version)
    return version


def refuse_leaks(version: DatasetVersion, plan: Plan) -> None:
    count = len({leak.pair_id for leak in plan.leaks})
    if count and version.leaks == LeakRule.BLOCK:
        text = ngettext(
            "%(count)d pair gives a test item away. Look at it on the page on which you froze, or leave it out.",
            "%(count)d pairs give test items away. Look at them on the page on which you froze, or leave them out.",
            count,
        )
        raise JobFailed(text % {"count": count})


def frozen_tell(version: DatasetVersion) -> None:
    """For programs that wait for new versions."""
    project = version.task.project
    about = {
        "id": version.pk, "task": version.task_id, "number": version.number, "sha256": version.sha256,
        "pairs": version.counts["pairs"], "address": f"/p/{project.slug}/versions/{version.pk}/",
    }  # fmt: skip
    webhook_tell(event="version.frozen", project=project, data={"version": about})


def tokens_count(task: Task, tell: Tell) -> None:
    """For texts that came in before a tokenizer was there."""
    tokenizer = task_tokenizer(task)
    if tokenizer is None:
        return
    missing = approved_pairs(task).filter(approved__tokens__isnull=True)
    ids = list(missing.order_by("pk").values_list("approved_id", flat=True))
    for number, part in enumerate(batched(ids)):
        tell(number * BATCH, len(ids), _("Counting tokens"))
        found = list(Revision.objects.filter(pk__in=part))
        counts = [count_tokens(texts_of(revision), task, tokenizer) for revision in found]
        columns_set(Revision, [revision.pk for revision in found], tokens=counts)


def version_rows(
    version: DatasetVersion, kept: Sequence[ApprovedRow], plan: Plan, unreviewed: set[int], tell: Tell
) -> list[FrozenRow]:
    """The rows to store, each digested with a salt of its own."""
    frozen: list[FrozenRow] = []
    for part in batched(kept):
        tell(len(frozen), len(kept), _("Taking the fingerprint of each pair"))
        found = Revision.objects.filter(pk__in=[row.revision_id for row in part]).values_list("pk", *COLUMNS)
        texts = {pk: dict(zip(COLUMNS, values, strict=True)) for pk, *values in found}
        for row in part:
            seen = texts[row.revision_id]
            seen["system"] = seen["system"] or version.system_prompt
            salt = secrets.token_hex(16)
            frozen.append(
                FrozenRow(
                    version_id=version.pk,
                    revision_id=row.revision_id,
                    ordinal=len(frozen),
                    part=plan.parts[row.pair_id],
                    group=plan.split.placements[row.pair_id].group,
                    salt=salt,
                    digest=row_digest(seen, salt),
                    unreviewed=row.revision_id in unreviewed,
                )
            )
    return frozen


def places_store(task: Task, plan: Plan) -> None:
    """Keep the group and the place of pairs that were split for the first time."""
    places = ((pair, plan.split.placements[pair]) for pair in sorted(plan.split.fresh))
    rows_copy(Place, [PlaceRow(pair, task.pk, at.group, at.position, at.pinned or "") for pair, at in places])


def left_out_store(version: DatasetVersion, plan: Plan) -> None:
    leaks = leaks_shown(version.task, [row.leak for row in plan.left_out if row.leak])
    items = {(shown.leak.revision_id, shown.leak.fingerprint): shown.item for shown in leaks}
    rows = [
        VersionLeftOut(
            version=version,
            pair_id=row.pair_id,
            revision_id=row.revision_id,
            reason=row.reason,
            detail=row.sentence[:300],
            item=items.get((row.revision_id, row.leak.fingerprint)) if row.leak else None,
        )
        for row in plan.left_out
    ]
    VersionLeftOut.objects.bulk_create(rows, batch_size=BATCH)


def batched(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def suite_store(
    version: DatasetVersion, part: Part, role: SuiteRole, rows: list[tuple[FrozenRow, ApprovedRow]]
) -> None:
    if not rows:
        return
    suite = Suite.objects.create(
        project=version.task.project,
        task=version.task,
        version=version,
        name=f"{version} {part.label}",
        role=role,
        size=len(rows),
        sha256=json_sha256([row.digest for row, _ in rows]),
    )
    items = [
        ItemRow(suite.pk, ordinal, source.revision_id, source.fingerprint) for ordinal, (_, source) in enumerate(rows)
    ]
    rows_copy(SuiteItem, items)


def unreviewed_revisions(task: Task, rows: Sequence[ApprovedRow]) -> set[int]:
    """Those that no second person has approved: approved by import or by their own author."""
    reviews = Review.objects.filter(revision__pair__task=task, basis=ReviewBasis.SECOND_PERSON, decision="approve")
    return {row.revision_id for row in rows} - set(reviews.values_list("revision_id", flat=True))


def count_rows(frozen: Sequence[FrozenRow], kept: Sequence[ApprovedRow], left_out: int) -> dict[str, Any]:
    """The numbers that the version's page shows."""
    known = [row.tokens for row in kept if row.tokens is not None]
    parts = Counter(row.part for row in frozen)
    return {
        "pairs": len(kept),
        "parts": {part: parts[part] for part in Part.values},
        "groups": len({row.group for row in frozen}),
        "origin": dict(Counter(row.origin for row in kept).most_common()),
        "topic": dict(Counter(row.topic for row in kept).most_common(100)),
        "language": dict(Counter(row.language for row in kept).most_common()),
        "unreviewed": sum(row.unreviewed for row in frozen),
        "left_out": left_out,
        "strata": strata_of(
            ((row.topic, row.language, row.characters, row.origin) for row in kept), [row.part for row in frozen]
        ),
        "tokens": sum(known) if len(known) == len(kept) else None,
        "longest": max(known, default=None),
    }
