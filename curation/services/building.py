"""What the freeze job does: from the approved pairs of a task to the rows of a version."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray

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
from curation.selectors.columns import Whole, numbers_read
from curation.selectors.freezing import leaks_denied
from curation.selectors.leaks import items_by_text
from curation.selectors.planning import UNCOUNTED, Plan, fingerprints_of, version_plan
from curation.selectors.splitting import PARTS
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
SALT, DIGEST = 16, 32  # bytes


@dataclass(frozen=True, slots=True)
class FrozenRow:
    """A row of the version to be."""

    version_id: int
    revision_id: int
    ordinal: int
    part: str
    group: str
    salt: str
    digest: str
    unreviewed: bool


@dataclass(frozen=True)
class Frozen:
    """The rows of a version to be, column by column; `rows` are their places in the plan."""

    version_id: int
    plan: Plan
    rows: Whole
    salts: NDArray[np.uint8]  # (rows, 16)
    digests: NDArray[np.uint8]  # (rows, 32)
    unreviewed: NDArray[np.bool_]

    def lines(self) -> Iterator[tuple[int, str, str]]:
        """Place, part and digest of each row."""
        for ordinal, part in enumerate(self.plan.kept_parts()):
            yield ordinal, part, self.digest(ordinal)

    def digest(self, ordinal: int) -> str:
        return self.digests[ordinal].tobytes().hex()

    def __iter__(self) -> Iterator[FrozenRow]:
        plan = self.plan
        revisions, groups = plan.rows.revisions[self.rows], plan.split.groups[self.rows]
        for ordinal, part, digest in self.lines():
            yield FrozenRow(
                version_id=self.version_id,
                revision_id=int(revisions[ordinal]),
                ordinal=ordinal,
                part=part,
                group=groups[ordinal].decode(),
                salt=self.salts[ordinal].tobytes().hex(),
                digest=digest,
                unreviewed=bool(self.unreviewed[ordinal]),
            )


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
    A version that is ready already is left alone. Raises JobFailed where leaks are to block, or nothing is left.
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
    refuse_plan(version, plan)
    frozen = version_rows(version, plan, tell)
    with transaction.atomic():
        guard()
        rows_copy(VersionPair, frozen)
        places_store(version.task, plan)
        left_out_store(version, plan)
        for part, role in ((Part.TEST, SuiteRole.TEST), (Part.DEVELOP, SuiteRole.DEVELOP)):
            suite_store(version, part, role, frozen)
        version.sha256 = rows_sha256(frozen.lines())
        version.counts = {**count_rows(frozen), "unmeant": unlooked}
        version.state = VersionState.READY
        version.save(update_fields=["sha256", "counts", "state"])
        event_record(
            actor=version.created_by, action="version.frozen", project=version.task.project, subject=version,
            sha256=version.sha256, rows=len(frozen.rows), left_out=len(plan.left_out),
        )  # fmt: skip
        frozen_tell(version)
    return version


def refuse_plan(version: DatasetVersion, plan: Plan) -> None:
    """Much may have happened since the version was asked for."""
    if not len(plan.kept):
        raise JobFailed(_("No pair would be in this version: none is approved any more, or all are left out."))
    count = len({leak.pair_id for leak in plan.leaks})
    if count and version.leaks == LeakRule.BLOCK:
        raise JobFailed(str(leaks_denied(count)))


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
    (ids,) = numbers_read(missing.order_by("pk"), "approved_id")
    for start in range(0, len(ids), BATCH):
        tell(start, len(ids), _("Counting tokens"))
        found = list(Revision.objects.filter(pk__in=ids[start : start + BATCH].tolist()))
        counts = [count_tokens(texts_of(revision), task, tokenizer) for revision in found]
        columns_set(Revision, [revision.pk for revision in found], tokens=counts)


def version_rows(version: DatasetVersion, plan: Plan, tell: Tell) -> Frozen:
    """The rows to store, each digested with a salt of its own."""
    rows = plan.kept
    salts, digests = np.zeros((len(rows), SALT), dtype=np.uint8), np.zeros((len(rows), DIGEST), dtype=np.uint8)
    for start in range(0, len(rows), BATCH):
        tell(start, len(rows), _("Taking the fingerprint of each pair"))
        part = plan.rows.revisions[rows[start : start + BATCH]].tolist()
        texts = {pk: values for pk, *values in Revision.objects.filter(pk__in=part).values_list("pk", *COLUMNS)}
        for ordinal, revision in enumerate(part, start):
            seen = dict(zip(COLUMNS, texts[revision], strict=True))
            seen["system"] = seen["system"] or version.system_prompt
            salt = secrets.token_bytes(SALT)
            digest = bytes.fromhex(row_digest(seen, salt.hex()))
            salts[ordinal], digests[ordinal] = (np.frombuffer(sent, dtype=np.uint8) for sent in (salt, digest))
    unreviewed = np.isin(plan.rows.revisions[rows], reviewed_revisions(version.task), invert=True)
    return Frozen(version.pk, plan, rows, salts, digests, unreviewed)


def places_store(task: Task, plan: Plan) -> None:
    """Keep the group and the place of pairs that were split for the first time."""
    fresh = ((row, plan.split.placement(row)) for row in np.flatnonzero(plan.split.fresh).tolist())
    rows_copy(
        Place,
        (
            PlaceRow(int(plan.rows.pairs[row]), task.pk, at.group, at.position, at.pinned or "")
            for row, at in fresh
            if at
        ),
    )


def left_out_store(version: DatasetVersion, plan: Plan) -> None:
    items = items_by_text(version.task, {row.leak.fingerprint for row in plan.left_out if row.leak})
    rows = (
        VersionLeftOut(
            version=version,
            pair_id=row.pair_id,
            revision_id=row.revision_id,
            reason=row.reason,
            detail=row.sentence[:300],
            item=items.get(row.leak.fingerprint) if row.leak else None,
        )
        for row in plan.left_out
    )
    while part := list(islice(rows, BATCH)):
        VersionLeftOut.objects.bulk_create(part)


def suite_store(version: DatasetVersion, part: Part, role: SuiteRole, frozen: Frozen) -> None:
    ordinals = np.flatnonzero(frozen.plan.parts[frozen.rows] == PARTS.index(part))
    if not len(ordinals):
        return
    suite = Suite.objects.create(
        project=version.task.project,
        task=version.task,
        version=version,
        name=f"{version} {part.label}",
        role=role,
        size=len(ordinals),
        sha256=json_sha256(list(map(frozen.digest, ordinals.tolist()))),
    )
    revisions = frozen.plan.rows.revisions[frozen.rows[ordinals]]
    items = zip(revisions.tolist(), map(bytes.decode, fingerprints_of(revisions)), strict=True)
    rows_copy(SuiteItem, (ItemRow(suite.pk, place, *item) for place, item in enumerate(items)))


def reviewed_revisions(task: Task) -> Whole:
    """Those that a second person has approved: not by import, nor by their own author."""
    reviews = Review.objects.filter(revision__pair__task=task, basis=ReviewBasis.SECOND_PERSON, decision="approve")
    (found,) = numbers_read(reviews, "revision_id")
    return found


def count_rows(frozen: Frozen) -> dict[str, Any]:
    """The numbers that the version's page shows."""
    plan, rows = frozen.plan, frozen.plan.rows
    tokens = rows.tokens[frozen.rows]
    parts = plan.kept_parts()
    counted, known = Counter(parts), tokens[tokens != UNCOUNTED]
    named = {column: Counter(rows.named(column, frozen.rows)) for column in rows.names}
    return {
        "pairs": len(parts),
        "parts": {part: counted[part] for part in Part.values},
        "groups": plan.groups(),
        "origin": dict(named["origin"].most_common()),
        "topic": dict(named["topic"].most_common(100)),
        "language": dict(named["language"].most_common()),
        "unreviewed": int(frozen.unreviewed.sum()),
        "left_out": len(plan.left_out),
        "strata": strata_of(rows.strata(frozen.rows), parts),
        "tokens": int(known.sum()) if len(known) == len(tokens) else None,
        "longest": int(known.max()) if len(known) else None,
    }
