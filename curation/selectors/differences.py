"""How one dataset version differs from an earlier one of its task: which pairs, by whom, why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.diff import Part as DiffPart
from core.diff import word_diff
from core.models import Event, User
from curation.choices import Decision, Difference, PairState, Part, VersionState
from curation.models import DatasetVersion, Pair, Review, Revision, VersionLeftOut
from curation.selectors.pairs import FIELD_LABELS

SIZE = 50
READ_FIRST = (Difference.CHANGED, Difference.ADDED, Difference.REMOVED, Difference.MOVED)
COMPARED = {**FIELD_LABELS, "system": gettext_lazy("System prompt"), "topic": gettext_lazy("Topic")}
# One row a pair that differs. A pair whose text changed and that moved counts as changed. What stands in both as it was
# goes first, before pairs are looked up: nearly all of a large version.
ROWS = """
    WITH unequal AS (
        SELECT revision_id, old.part AS old_part, new.part AS new_part
        FROM (SELECT revision_id, part FROM curation_versionpair WHERE version_id = %(old)s) AS old
        FULL JOIN (SELECT revision_id, part FROM curation_versionpair WHERE version_id = %(new)s) AS new
        USING (revision_id) WHERE old.part IS DISTINCT FROM new.part
    ), pairs AS (
        SELECT revision.pair_id, max(old_part) AS old_part, max(new_part) AS new_part,
            max(revision.id) FILTER (WHERE old_part IS NOT NULL) AS before,
            max(revision.id) FILTER (WHERE new_part IS NOT NULL) AS after
        FROM unequal JOIN curation_revision revision ON revision.id = unequal.revision_id GROUP BY revision.pair_id
    ), differing AS (
        SELECT *, CASE WHEN before IS NULL THEN 'added' WHEN after IS NULL THEN 'removed'
            WHEN before <> after THEN 'changed' ELSE 'moved' END AS kind FROM pairs
    )
"""
COUNTS = f"{ROWS} SELECT kind, count(*) FROM differing GROUP BY kind"  # noqa: S608  no values in it
PAGE = f"""{ROWS}
    SELECT pair_id, before, after, old_part, new_part, kind FROM differing
    WHERE pair_id > %(start)s AND (%(kind)s = '' OR kind = %(kind)s) ORDER BY pair_id LIMIT %(size)s
"""  # noqa: S608  no values in it


@dataclass(frozen=True)
class PairDifference:
    """`who` changed, wrote or removed it and `why`, as far as that is known; `diff` by field, of texts that changed."""

    pair_id: int
    kind: Difference
    before: Revision | None
    after: Revision | None
    old_part: str
    new_part: str
    who: User | None
    at: Any
    why: str
    approved_by: User | None
    diff: Mapping[str, list[DiffPart]] = field(default_factory=dict)

    @property
    def revision(self) -> Revision | None:
        return self.after or self.before

    @property
    def parts(self) -> list[Any]:
        """The part before and the part now, in words; one where they are the same, or there is no other."""
        return [Part(part).label for part in dict.fromkeys((self.old_part, self.new_part)) if part]


@dataclass(frozen=True)
class VersionDifference:
    """`settings` that differ: name, before, after. `kind` is the one that `rows` are of, "" for all. `following` is the
    pair number to go on behind, or None."""

    older: DatasetVersion
    newer: DatasetVersion
    kind: str
    counts: dict[Difference, int]
    settings: list[tuple[Any, str, str]]
    rows: list[PairDifference]
    following: int | None

    @property
    def settings_diff(self) -> list[tuple[Any, list[DiffPart]]]:
        return [(name, word_diff(before, after)) for name, before, after in self.settings]


def older_version(version: DatasetVersion) -> DatasetVersion | None:
    """The ready version of the task before this one."""
    before = DatasetVersion.objects.filter(task=version.task_id, number__lt=version.number, state=VersionState.READY)
    return before.order_by("-number").first()


def version_difference(
    older: DatasetVersion, newer: DatasetVersion, *, kind: str | None = "", start: int = 0, size: int = SIZE
) -> VersionDifference:
    """A page of what differs, of one `kind`, or of all for ""; None means the first kind of which there is any."""
    values: dict[str, Any] = {"old": older.pk, "new": newer.pk, "start": start, "size": size + 1}
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, values)
        counted = dict(cursor.fetchall())
        if kind is None:
            kind = next((each.value for each in READ_FIRST if counted.get(each.value)), READ_FIRST[0].value)
        cursor.execute(PAGE, {**values, "kind": kind})
        found = cursor.fetchall()
    rows = pair_differences(newer, found[:size])
    following = found[size - 1][0] if len(found) > size else None
    counts = {each: counted.get(each.value, 0) for each in READ_FIRST}
    return VersionDifference(older, newer, kind, counts, settings_changed(older, newer), rows, following)


def settings_changed(older: DatasetVersion, newer: DatasetVersion) -> list[tuple[Any, str, str]]:
    """Name, before and after of what the freeze was told that differs."""
    pairs = [
        (_("Share for training"), f"{older.train_share:.0%}", f"{newer.train_share:.0%}"),
        (_("System prompt"), older.system_prompt, newer.system_prompt),
        (_("Prompt template"), older.template.get("prompt", ""), newer.template.get("prompt", "")),
    ]
    return [(name, before, after) for name, before, after in pairs if before != after]


def pair_differences(newer: DatasetVersion, found: Iterable[tuple[Any, ...]]) -> list[PairDifference]:
    """With texts and people: five queries for any number of rows."""
    found = list(found)
    ids = {revision for row in found for revision in row[1:3] if revision}
    revisions = {row.pk: row for row in Revision.objects.filter(pk__in=ids).select_related("author")}
    approvals = Review.objects.filter(revision__in=[row[2] for row in found if row[2]], decision=Decision.APPROVE)
    approved_by = {row.revision_id: row.reviewer for row in approvals.select_related("reviewer").order_by("pk")}
    gone = [row[0] for row in found if row[5] == Difference.REMOVED]
    reasons = removal_reasons(newer, gone)
    return [difference_of(row, revisions, approved_by, reasons) for row in found]


Reason = tuple[User | None, Any, str]


def removal_reasons(newer: DatasetVersion, pairs: list[int]) -> dict[int, Reason]:
    """Who took a pair out of the data, when and why: the trash, the freeze itself, an import that was taken back; else
    all that is known is that it was not approved."""
    ids = [str(pair) for pair in pairs]
    trashed = Event.objects.filter(object_type="pair", object_id__in=ids, action="pair.trashed")
    reasons: dict[int, Reason] = {
        int(event.object_id): (event.actor, event.at, _("Moved to the trash."))
        for event in trashed.select_related("actor").order_by("pk")
    }
    left_out = VersionLeftOut.objects.filter(version=newer, pair__in=pairs)
    for row in left_out:
        reasons[row.pair_id] = (newer.created_by, newer.created_at, f"{row.get_reason_display()}. {row.detail}")
    if unknown := [pair for pair in pairs if pair not in reasons]:
        reasons |= import_reasons(unknown)
    return {pair: reasons.get(pair, (None, None, _("It was no longer approved at the freeze."))) for pair in pairs}


def import_reasons(pairs: list[int]) -> dict[int, Reason]:
    """Of pairs that went with the import that had brought them."""
    brought = dict(Pair.objects.filter(pk__in=pairs, state=PairState.TRASHED).values_list("pk", "imported_by_id"))
    batches = [str(batch) for batch in set(brought.values()) if batch]
    undone = Event.objects.filter(object_type="import", object_id__in=batches, action="import.undo")
    by_batch = {int(event.object_id): event for event in undone.select_related("actor").order_by("pk")}
    return {
        pair: (by_batch[batch].actor, by_batch[batch].at, _("The import that brought it was taken back."))
        for pair, batch in brought.items()
        if batch in by_batch
    }


def difference_of(
    row: tuple[Any, ...],
    revisions: Mapping[int, Revision],
    approved_by: Mapping[int, User | None],
    reasons: Mapping[int, Reason],
) -> PairDifference:
    pair_id, before_id, after_id, old_part, new_part, name = row
    before, after, kind = revisions.get(before_id), revisions.get(after_id), Difference(name)
    who, at, why = reasons.get(pair_id, (None, None, ""))
    if kind in (Difference.ADDED, Difference.CHANGED) and after is not None:
        who, at, why = after.author, after.created_at, after.note
    if kind == Difference.ADDED and after is not None and not why:
        why = ". ".join(filter(None, (str(after.get_origin_display()), after.source)))
    if kind == Difference.MOVED:
        why = _("The share for training changed, or its group was spent.")
    return PairDifference(
        pair_id=pair_id,
        kind=kind,
        before=before,
        after=after,
        old_part=old_part or "",
        new_part=new_part or "",
        who=who,
        at=at,
        why=why,
        approved_by=approved_by.get(after_id) if kind in (Difference.ADDED, Difference.CHANGED) else None,
        diff=texts_diff(before, after) if kind == Difference.CHANGED and before and after else {},
    )


def texts_diff(before: Revision, after: Revision) -> dict[str, list[DiffPart]]:
    return {
        str(label): word_diff(getattr(before, name), getattr(after, name))
        for name, label in COMPARED.items()
        if getattr(before, name) != getattr(after, name)
    }
