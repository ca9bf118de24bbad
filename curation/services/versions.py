"""Freezing a dataset version: asked for here, built by a job, verified by computing its hash again."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from core import registries
from core.denied import ApplicationError, Refused
from core.models import Job, User
from core.services.events import event_record
from core.services.jobs import job_create
from curation.choices import LeftOut, PairState, Part, ReviewBasis, SuiteRole, VersionState
from curation.models import DatasetVersion, Pair, Review, Revision, Suite, SuiteItem, Task, VersionLeftOut, VersionPair
from curation.services.checking import texts_of
from curation.services.columns import columns_set, rows_copy
from curation.services.splitting import SplitRow, Splitting, split_pairs
from curation.services.tokens import count_tokens, task_tokenizer
from ml.hashing import canonical_json, json_sha256, salted_digest, text_sha256

BATCH = 5_000
Tell = Callable[[int, int, str], None]
Row = TypeVar("Row")
COLUMNS = ("system", "instruction", "input", "response", "turns", "language")


@transaction.atomic
def version_freeze(
    *, actor: User | None, task: Task, note: str = "", train_share: float | None = None
) -> DatasetVersion:
    """Queue the freeze of all approved pairs of a task as its next version. A freeze under way is returned instead.

    Raises ApplicationError when there is nothing to freeze, Refused when a higher app says no.
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
    number = (task.versions.aggregate(newest=Max("number"))["newest"] or 0) + 1
    version = DatasetVersion.objects.create(
        task=task,
        number=number,
        note=note.strip()[:300],
        train_share=train_share or task.train_share,
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


def approved_pairs(task: Task) -> Any:
    """What a freeze takes: pairs with an approved revision, also those with a newer one on its way."""
    return Pair.objects.filter(task=task, approved__isnull=False).exclude(state=PairState.TRASHED)


def approved_rows(task: Task) -> list[tuple[SplitRow, Revision]]:
    pairs = approved_pairs(task).select_related("approved").order_by("pk")
    return [(split_row(pair, pair.approved), pair.approved) for pair in pairs.iterator(chunk_size=2000)]


def split_row(pair: Pair, revision: Revision) -> SplitRow:
    return SplitRow(
        pair.pk, revision.instruction, revision.input, revision.response, revision.source, revision.origin,
        pair.group, pair.position,
    )  # fmt: skip


def version_build(version: DatasetVersion, tell: Tell, guard: Callable[[], None]) -> DatasetVersion:
    """What the freeze job does.

    1. Read the approved revisions, in one look, ordered by pair.
    2. Group and split them; places drawn by earlier freezes stay.
    3. Digest each row with a fresh salt; hash the ordered digests.
    4. In one transaction, after `guard` has checked that the job is still ours: rows, left-out list, places, suites.
    A version that is ready already is left alone.
    """
    if version.state == VersionState.READY:
        return version
    rows = approved_rows(version.task)
    total = len(rows)
    tell(0, total, _("Counting tokens"))
    count_missing_tokens(version.task, [revision for _, revision in rows])
    tell(0, total, _("Looking for pairs that must stay together"))
    split = split_pairs([row for row, _ in rows], salt=version.task.salt, train_share=version.train_share)
    unreviewed = unreviewed_revisions([revision.pk for _, revision in rows])
    frozen: list[VersionPair] = []
    for row, revision in rows:
        if row.pair_id in split.places:
            frozen.append(version_row(version, row, revision, split, len(frozen), revision.pk in unreviewed))
        if len(frozen) % BATCH == 0:
            tell(len(frozen), total, _("Taking the fingerprint of each pair"))
    revisions = {revision.pk: revision for _, revision in rows}
    with transaction.atomic():
        guard()
        rows_copy(VersionPair, frozen)
        places_store(rows, split)
        VersionLeftOut.objects.bulk_create(
            [
                VersionLeftOut(version=version, pair_id=pair_id, reason=LeftOut.BRIDGE, detail=detail[:300])
                for pair_id, detail in split.left_out
            ],
            batch_size=BATCH,
        )
        for part, role in ((Part.TEST, SuiteRole.TEST), (Part.DEVELOP, SuiteRole.DEVELOP)):
            suite_store(version, part, role, [(row, revisions[row.revision_id]) for row in frozen if row.part == part])
        version.sha256 = rows_sha256((row.ordinal, row.part, row.digest) for row in frozen)
        version.counts = count_rows([(row, revisions[row.revision_id]) for row in frozen], len(split.left_out))
        version.state = VersionState.READY
        version.save(update_fields=["sha256", "counts", "state"])
        event_record(
            actor=version.created_by, action="version.frozen", project=version.task.project, subject=version,
            sha256=version.sha256, rows=len(frozen),
        )  # fmt: skip
    return version


def count_missing_tokens(task: Task, revisions: list[Revision]) -> None:
    """For texts that came in before a tokenizer was there."""
    tokenizer = task_tokenizer(task)
    missing = [revision for revision in revisions if revision.tokens is None]
    if tokenizer is None:
        return
    for revision in missing:
        revision.tokens = count_tokens(texts_of(revision), task, tokenizer)
    for part in batched(missing):
        columns_set(Revision, [row.pk for row in part], tokens=[row.tokens for row in part])


def version_row(
    version: DatasetVersion, row: SplitRow, revision: Revision, split: Splitting, ordinal: int, unreviewed: bool
) -> VersionPair:
    place = split.places[row.pair_id]
    salt = secrets.token_hex(16)
    return VersionPair(
        version=version,
        revision=revision,
        ordinal=ordinal,
        part=place.part,
        group=place.group,
        salt=salt,
        digest=row_digest(revision_texts(revision, version.system_prompt), salt),
        unreviewed=unreviewed,
    )


def revision_texts(revision: Revision, system_prompt: str) -> dict[str, Any]:
    return {**revision.texts(), "system": revision.system or system_prompt}


def row_digest(texts: dict[str, Any], salt: str) -> str:
    return salted_digest(canonical_json(texts), salt)


def rows_sha256(rows: Iterator[tuple[int, str, str]]) -> str:
    """The hash of a version: over place, part and salted digest of each row. Texts and salts are not needed for it."""
    return text_sha256("".join(f"{ordinal} {part} {digest}\n" for ordinal, part, digest in rows))


def places_store(rows: list[tuple[SplitRow, Revision]], split: Splitting) -> None:
    """Keep the group and the place of pairs that were split for the first time."""
    fresh = [row.pair_id for row, _ in rows if row.pair_id in split.places and row.position is None]
    for part in batched(fresh):
        places = [split.places[pair_id] for pair_id in part]
        groups, positions = [place.group for place in places], [place.position for place in places]
        columns_set(Pair, part, group=groups, position=positions)


def batched(rows: list[Row]) -> Iterator[list[Row]]:
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def suite_store(version: DatasetVersion, part: Part, role: SuiteRole, rows: list[tuple[VersionPair, Revision]]) -> None:
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
        SuiteItem(suite=suite, ordinal=ordinal, revision=revision, fingerprint=revision.fingerprint)
        for ordinal, (_, revision) in enumerate(rows)
    ]
    rows_copy(SuiteItem, items)


def unreviewed_revisions(revision_ids: list[int]) -> set[int]:
    """Those that no second person has approved: approved by import or by their own author."""
    reviewed: set[int] = set()
    for start in range(0, len(revision_ids), 20_000):
        part = Review.objects.filter(
            revision__in=revision_ids[start : start + 20_000], basis=ReviewBasis.SECOND_PERSON, decision="approve"
        )
        reviewed.update(part.values_list("revision_id", flat=True))
    return set(revision_ids) - reviewed


def count_rows(rows: list[tuple[VersionPair, Revision]], left_out: int) -> dict[str, Any]:
    """The numbers that the version's page shows."""
    tokens = [revision.tokens for _, revision in rows]
    known = [count for count in tokens if count is not None]
    return {
        "pairs": len(rows),
        "parts": {part: sum(row.part == part for row, _ in rows) for part in Part.values},
        "groups": len({row.group for row, _ in rows}),
        "origin": dict(Counter(revision.origin for _, revision in rows).most_common()),
        "topic": dict(Counter(revision.topic for _, revision in rows).most_common(100)),
        "language": dict(Counter(revision.language for _, revision in rows).most_common()),
        "unreviewed": sum(row.unreviewed for row, _ in rows),
        "left_out": left_out,
        "tokens": sum(known) if len(known) == len(tokens) else None,
        "longest": max(known, default=None),
    }


def version_sha256(version: DatasetVersion) -> tuple[str, int]:
    """Compute a version's hash again from the texts and salts in the database; also how many rows differ."""
    changed = 0
    lines = []
    names = [f"revision__{name}" for name in COLUMNS]
    rows = VersionPair.objects.filter(version=version).order_by("ordinal")
    for ordinal, part, salt, digest, *texts in rows.values_list("ordinal", "part", "salt", "digest", *names).iterator(
        chunk_size=2000
    ):
        values = dict(zip(COLUMNS, texts, strict=True))
        values["system"] = values["system"] or version.system_prompt
        again = row_digest(values, salt)
        changed += again != digest
        lines.append((ordinal, part, again))
    return rows_sha256(iter(lines)), changed


def version_verify(*, actor: User, version: DatasetVersion) -> bool:
    """Whether the version is still exactly what was frozen. The answer is recorded."""
    sha256, changed = version_sha256(version)
    same = sha256 == version.sha256
    event_record(
        actor=actor, action="version.verified", project=version.task.project, subject=version, same=same,
        changed=changed,
    )  # fmt: skip
    return same


def version_failed(version_id: int, job: Job) -> None:
    """A freeze that ended without a version: it says why, and the next one may start."""
    DatasetVersion.objects.filter(pk=version_id, state=VersionState.BUILDING).update(
        state=VersionState.FAILED, error=job.error or job.message
    )
