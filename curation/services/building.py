"""What the freeze job does: from the approved pairs of a task to the rows of a version."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import transaction
from django.utils.translation import gettext as _

from core.services.events import event_record
from curation.choices import LeftOut, Part, ReviewBasis, SuiteRole, VersionState
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
from curation.services.checking import texts_of
from curation.services.columns import columns_set, rows_copy
from curation.services.likeness import Tell, likeness_update
from curation.services.splitting import SplitRow, Splitting, split_rows
from curation.services.tokens import count_tokens, task_tokenizer
from curation.services.versions import COLUMNS, approved_pairs, row_digest, rows_sha256
from ml.hashing import json_sha256

BATCH = 5_000
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class ApprovedRow(SplitRow):
    """An approved revision with what a version's numbers are made of; its texts are read when they are needed."""

    fingerprint: str
    topic: str
    language: str
    tokens: int | None


def approved_rows(task: Task) -> list[ApprovedRow]:
    """Ordered by pair, in one look. One that came after the comparison waits for the next version."""
    names = ("source", "origin", "fingerprint", "topic", "language", "tokens")
    compared = approved_pairs(task).filter(approved__likeness__compared=True).order_by("pk")
    rows = compared.values_list("pk", "approved_id", *(f"approved__{name}" for name in names))
    return [ApprovedRow(*row) for row in rows.iterator(chunk_size=BATCH)]


def version_build(version: DatasetVersion, tell: Tell, guard: Callable[[], None]) -> DatasetVersion:
    """Build a version that was asked for.

    1. Count the tokens and compare the texts of what came in since the jobs that do so last ran.
    2. Read which revisions are approved, in one look, ordered by pair.
    3. Split them over the stored likenesses; places drawn by earlier freezes stay.
    4. Digest each row with a fresh salt; hash the ordered digests.
    5. In one transaction, after `guard` has checked that the job is still ours: rows, left-out list, places, suites.
    A version that is ready already is left alone.
    """
    if version.state == VersionState.READY:
        return version
    tokens_count(version.task, tell)
    likeness_update(version.task, tell)
    rows = approved_rows(version.task)
    tell(0, len(rows), _("Splitting"))
    split = split_rows(version.task, rows, train_share=version.train_share)
    unreviewed = unreviewed_revisions([row.revision_id for row in rows])
    kept = [row for row in rows if row.pair_id in split.parts]
    frozen = version_rows(version, kept, split, unreviewed, tell)
    with transaction.atomic():
        guard()
        rows_copy(VersionPair, frozen)
        places_store(version.task, split)
        left_out_store(version, split)
        for part, role in ((Part.TEST, SuiteRole.TEST), (Part.DEVELOP, SuiteRole.DEVELOP)):
            items = [(row, source) for row, source in zip(frozen, kept, strict=True) if row.part == part]
            suite_store(version, part, role, items)
        version.sha256 = rows_sha256((row.ordinal, row.part, row.digest) for row in frozen)
        version.counts = count_rows(frozen, kept, len(split.left_out))
        version.state = VersionState.READY
        version.save(update_fields=["sha256", "counts", "state"])
        event_record(
            actor=version.created_by, action="version.frozen", project=version.task.project, subject=version,
            sha256=version.sha256, rows=len(frozen),
        )  # fmt: skip
    return version


def tokens_count(task: Task, tell: Tell) -> None:
    """For texts that came in before a tokenizer was there."""
    tokenizer = task_tokenizer(task)
    if tokenizer is None:
        return
    missing = approved_pairs(task).filter(approved__tokens__isnull=True)
    ids = list(missing.order_by("pk").values_list("approved_id", flat=True))
    for part in batched(ids):
        tell(0, len(ids), _("Counting tokens"))
        found = list(Revision.objects.filter(pk__in=part))
        counts = [count_tokens(texts_of(revision), task, tokenizer) for revision in found]
        columns_set(Revision, [revision.pk for revision in found], tokens=counts)


def version_rows(
    version: DatasetVersion, kept: Sequence[ApprovedRow], split: Splitting, unreviewed: set[int], tell: Tell
) -> list[VersionPair]:
    """The rows to store, each digested with a salt of its own."""
    frozen: list[VersionPair] = []
    for part in batched(kept):
        tell(len(frozen), len(kept), _("Taking the fingerprint of each pair"))
        found = Revision.objects.filter(pk__in=[row.revision_id for row in part]).values_list("pk", *COLUMNS)
        texts = {pk: dict(zip(COLUMNS, values, strict=True)) for pk, *values in found}
        for row in part:
            seen = texts[row.revision_id]
            seen["system"] = seen["system"] or version.system_prompt
            salt = secrets.token_hex(16)
            frozen.append(
                VersionPair(
                    version=version,
                    revision_id=row.revision_id,
                    ordinal=len(frozen),
                    part=split.parts[row.pair_id],
                    group=split.placements[row.pair_id].group,
                    salt=salt,
                    digest=row_digest(seen, salt),
                    unreviewed=row.revision_id in unreviewed,
                )
            )
    return frozen


def places_store(task: Task, split: Splitting) -> None:
    """Keep the group and the place of pairs that were split for the first time."""
    places = ((pair, split.placements[pair]) for pair in sorted(split.fresh))
    rows_copy(Place, [Place(pair_id=pair, task=task, group=at.group, position=at.position) for pair, at in places])


def left_out_store(version: DatasetVersion, split: Splitting) -> None:
    rows = [
        VersionLeftOut(version=version, pair_id=int(row.id), reason=LeftOut.BRIDGE, detail=row.sentence[:300])
        for row in split.left_out
    ]
    VersionLeftOut.objects.bulk_create(rows, batch_size=BATCH)


def batched(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def suite_store(
    version: DatasetVersion, part: Part, role: SuiteRole, rows: list[tuple[VersionPair, ApprovedRow]]
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
        SuiteItem(suite=suite, ordinal=ordinal, revision_id=source.revision_id, fingerprint=source.fingerprint)
        for ordinal, (_, source) in enumerate(rows)
    ]
    rows_copy(SuiteItem, items)


def unreviewed_revisions(revision_ids: Sequence[int]) -> set[int]:
    """Those that no second person has approved: approved by import or by their own author."""
    reviewed: set[int] = set()
    for start in range(0, len(revision_ids), 20_000):
        part = Review.objects.filter(
            revision__in=revision_ids[start : start + 20_000], basis=ReviewBasis.SECOND_PERSON, decision="approve"
        )
        reviewed.update(part.values_list("revision_id", flat=True))
    return set(revision_ids) - reviewed


def count_rows(frozen: Sequence[VersionPair], kept: Sequence[ApprovedRow], left_out: int) -> dict[str, Any]:
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
        "tokens": sum(known) if len(known) == len(kept) else None,
        "longest": max(known, default=None),
    }
