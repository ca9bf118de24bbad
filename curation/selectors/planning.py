"""What a freeze would make of the approved pairs: read by the preview and carried out by services/building.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models.functions import Length

from curation.choices import LeftOut, Part
from curation.models import Likeness, Suite, Task
from curation.selectors.leaks import LeakRow, leaks_in
from curation.selectors.splitting import SplitRow, Splitting, split_rows
from curation.selectors.versions import approved_pairs

CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class ApprovedRow(SplitRow):
    """An approved revision with what a version's numbers are made of; its texts are read when they are needed."""

    fingerprint: str
    topic: str
    language: str
    tokens: int | None
    characters: int  # of the response


@dataclass(frozen=True, slots=True)
class LeftOutRow:
    """An approved pair that goes into no part, and why. `leak` for one that gives a test item away."""

    pair_id: int
    revision_id: int
    reason: LeftOut
    sentence: str
    leak: LeakRow | None = None


@dataclass(frozen=True)
class Plan:
    """All rows ordered by pair, the split, the parts of those that take part, and who does not."""

    rows: Sequence[ApprovedRow]
    split: Splitting
    parts: Mapping[int, str]
    leaks: Sequence[LeakRow]
    left_out: Sequence[LeftOutRow]

    @property
    def kept(self) -> list[ApprovedRow]:
        return [row for row in self.rows if row.pair_id in self.parts]


def approved_rows(task: Task) -> list[ApprovedRow]:
    """Ordered by pair, in one look. One that came after the comparison waits for the next version."""
    newest = Suite.objects.filter(project=task.project_id).order_by("-pk").values_list("pk", flat=True).first() or 0
    # Two plain questions: joined, the planner takes minutes while its statistics are older than a big import.
    compared = Likeness.objects.filter(task=task, compared=True, suites_upto__gte=newest)
    known = set(compared.values_list("revision_id", flat=True).iterator(chunk_size=CHUNK))
    names = ("source", "origin", "fingerprint", "topic", "language", "tokens")
    rows = approved_pairs(task).order_by("pk")
    rows = rows.values_list("pk", "approved_id", *(f"approved__{name}" for name in names))
    rows = rows.annotate(characters=Length("approved__response"))
    return [ApprovedRow(*row) for row in rows.iterator(chunk_size=CHUNK) if row[1] in known]


def version_plan(task: Task, train_share: float) -> Plan:
    """Split the approved pairs over the stored likenesses, then take out what gives a test item away."""
    rows = approved_rows(task)
    split = split_rows(task, rows, train_share=train_share)
    revision_of = {row.pair_id: row.revision_id for row in rows}
    tested = {row.fingerprint for row in rows if split.parts.get(row.pair_id) == Part.TEST}
    leaks = leaks_in(task, {row.revision_id: row.pair_id for row in rows}, split.parts, tested)
    left_out = [
        LeftOutRow(int(row.id), revision_of[int(row.id)], LeftOut.BRIDGE, row.sentence) for row in split.left_out
    ]
    surest = {leak.pair_id: leak for leak in reversed(leaks)}
    left_out += [
        LeftOutRow(pair, leak.revision_id, LeftOut.LEAK, leak.sentence, leak) for pair, leak in sorted(surest.items())
    ]
    parts = {pair: part for pair, part in split.parts.items() if pair not in surest}
    return Plan(rows, split, parts, leaks, left_out)
