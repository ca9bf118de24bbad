"""What a freeze would make of the approved pairs: read by the preview and carried out by services/building.py."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from django.db.models.functions import Length
from numpy.typing import NDArray

from curation.choices import LeftOut, Origin
from curation.models import Likeness, Revision, Suite, Task
from curation.selectors.columns import Whole, numbers_read
from curation.selectors.leaks import LeakRow, leaks_in
from curation.selectors.splitting import NONE, PARTS, Splitting, pairs_split
from curation.selectors.versions import approved_pairs

CHUNK = 5_000
UNCOUNTED = -1
TEST = PARTS.index("test")


class Names:
    """A column of few different names, as numbers."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}
        self.codes = array("i")

    def add(self, name: str) -> None:
        self.codes.append(self.known.setdefault(name, len(self.known)))


@dataclass(frozen=True)
class ApprovedRows:
    """Approved revisions ordered by pair with what a version's numbers are made of, column by column: there may be a
    million. Texts and their fingerprints are read when they are needed. `characters` are those of the response.

    `passages` are those that pairs rest on; a file's name or a law that many answers cite ties no pairs together.
    """

    pairs: Whole
    revisions: Whole
    tokens: NDArray[np.int32]  # UNCOUNTED where they are not known
    characters: NDArray[np.int32]
    names: dict[str, tuple[list[str], NDArray[np.int32]]]  # of origin, topic and language
    passages: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pairs)

    def named(self, column: str, rows: Whole) -> list[str]:
        known, codes = self.names[column]
        return [known[code] for code in codes[rows].tolist()]

    def strata(self, rows: Whole) -> Iterator[tuple[str, str, int, str]]:
        """As `strata_of` takes them."""
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            topics, languages, origins = (self.named(column, part) for column in ("topic", "language", "origin"))
            yield from zip(topics, languages, self.characters[part].tolist(), origins, strict=True)


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
    """All rows ordered by pair, the split, the parts of those that take part, in the order of the rows and as places in
    PARTS (NONE: in no part), and who does not."""

    rows: ApprovedRows
    split: Splitting
    parts: NDArray[np.int8]
    leaks: Sequence[LeakRow]
    left_out: Sequence[LeftOutRow]

    @property
    def kept(self) -> Whole:
        """The rows that take part."""
        return np.flatnonzero(self.parts != NONE)

    def kept_parts(self) -> list[str]:
        return [PARTS[part] for part in self.parts[self.kept].tolist()]

    def groups(self) -> int:
        """How many take part."""
        names = self.split.groups[self.kept]
        names.sort()
        return int((names[1:] != names[:-1]).sum()) + (len(names) > 0)


def approved_rows(task: Task) -> ApprovedRows:
    """Ordered by pair, in one look. One that came after the comparison waits for the next version."""
    newest = Suite.objects.filter(project=task.project_id).order_by("-pk").values_list("pk", flat=True).first() or 0
    # Two plain questions: joined, the planner takes minutes while its statistics are older than a big import.
    (known,) = numbers_read(Likeness.objects.filter(task=task, compared=True, suites_upto__gte=newest), "revision_id")
    known.sort()
    names = {column: Names() for column in ("origin", "topic", "language")}
    pairs, revisions, tokens, characters = array("q"), array("q"), array("i"), array("i")
    passages = {}
    columns = ("source", "tokens", *names)
    rows = approved_pairs(task).order_by("pk").annotate(characters=Length("approved__response"))
    rows = rows.values_list("pk", "approved_id", "characters", *(f"approved__{name}" for name in columns))
    for pair, revision, length, source, count, *named in rows.iterator(chunk_size=CHUNK):
        place = int(np.searchsorted(known, revision))
        if place == len(known) or known[place] != revision:
            continue
        pairs.append(pair)
        revisions.append(revision)
        characters.append(length)
        tokens.append(UNCOUNTED if count is None else count)
        for column, name in zip(names.values(), named, strict=True):
            column.add(name)
        if source and named[0] == Origin.DOCUMENT:
            passages[pair] = source
    return ApprovedRows(
        np.frombuffer(pairs, dtype=np.int64),
        np.frombuffer(revisions, dtype=np.int64),
        np.frombuffer(tokens, dtype=np.int32),
        np.frombuffer(characters, dtype=np.int32),
        {column: (list(found.known), np.frombuffer(found.codes, dtype=np.int32)) for column, found in names.items()},
        passages,
    )


def fingerprints_of(revisions: Whole) -> NDArray[np.bytes_]:
    """Those of their texts, in the same order."""
    found = np.zeros(len(revisions), dtype="S64")
    for start in range(0, len(revisions), CHUNK):
        part = revisions[start : start + CHUNK].tolist()
        known = dict(Revision.objects.filter(pk__in=part).order_by().values_list("pk", "fingerprint"))
        found[start : start + CHUNK] = [known[revision] for revision in part]
    return found


def version_plan(task: Task, train_share: float) -> Plan:
    """Split the approved pairs over the stored likenesses, then take out what gives a test item away."""
    rows = approved_rows(task)
    split = pairs_split(task, rows.pairs, rows.revisions, rows.passages, train_share=train_share)
    leaks = leaks_in(
        task, rows.pairs, rows.revisions, split.parts, fingerprints_of(rows.revisions[split.parts == TEST])
    )
    left_out = [
        LeftOutRow(
            int(row.id), int(rows.revisions[np.searchsorted(rows.pairs, int(row.id))]), LeftOut.BRIDGE, row.sentence
        )
        for row in split.left_out
    ]
    surest = {leak.pair_id: leak for leak in reversed(leaks)}
    left_out += [
        LeftOutRow(pair, leak.revision_id, LeftOut.LEAK, leak.sentence, leak) for pair, leak in sorted(surest.items())
    ]
    parts = split.parts.copy()
    parts[np.isin(rows.pairs, np.array(list(surest), dtype=np.int64))] = NONE
    return Plan(rows, split, parts, leaks, left_out)
