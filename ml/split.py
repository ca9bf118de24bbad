"""Which part a pair goes to: train, develop or test, for good, and never two pairs that say the same in two parts.

Pairs that share a prompt, a source passage, or nearly all their words form a group. A group has a position in [0, 1),
stored at first assignment and kept for ever; the part follows from the position and the ratio:

    0 ── develop ── train_share·develop_share ────────── train ────────── train_share ── test ── 1

so that a changed ratio moves only the pairs between the old and the new boundary, and a larger test part keeps all of
the smaller one. Positions of groups that arrive together are spread evenly in the order of their salted hashes: the
hashes alone would miss the ratio by 1.8 points (one standard deviation) at 503 pairs.

Pairs of which one stands inside the other, or that say the same in other words, join a group too, as long as it stays
small: in material that is put together from the same pieces such chains lead from everything to everything. Those that
must not join are told apart by leaving out the one of train, in a first split as in every later one.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ml.containment import GramIndex, Grams
from ml.hashing import salted_digest
from ml.near_duplicates import THRESHOLD, near_duplicates
from ml.words import count_words, words

Part = Literal["train", "develop", "test"]
NAMES = np.dtype("S32")  # of groups: half of a salted digest
DEVELOP_SHARE = 0.1  # of the share for training
Reason = Literal["prompt", "response", "source", "near prompt", "near response", "contained", "meaning"]
_SAID: dict[Reason, str] = {
    "prompt": "the same question",
    "response": "the same answer",
    "source": "the same passage",
    "near prompt": "nearly the same question",
    "near response": "nearly the same answer",
    "contained": "one stands inside the other",
    "meaning": "the same in other words",
}
# What joins pairs to groups of this size only: a share of all pairs, and so many pairs at least.
_LOOSE: frozenset[Reason] = frozenset({"contained", "meaning"})
_GROUP_SHARE, _GROUP_PAIRS = 0.02, 20

# Near duplicates among shorter answers ("Yes.", a category) are no leak.
ANSWER_WORDS = 20
# An instruction with more different inputs than this is a template: "Summarise the text."
TEMPLATE_INPUTS = 2
# Who stays when two groups of different parts turn out to say the same: comparisons hang on the test part.
_PRECEDENCE: dict[Part, int] = {"test": 0, "develop": 1, "train": 2}
_CHUNK = 20_000  # names that are read as numbers at once


@dataclass(frozen=True, slots=True)
class PairText:
    """What decides the group of a pair. `source` names the passage that it was written from, if any."""

    id: str
    instruction: str
    input: str = ""
    response: str = ""
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a pair stands, to be stored and given back: its group and the position of the group in [0, 1).

    `pinned` overrides the position: "train" for a test group that was spent.
    """

    group: str
    position: float
    pinned: Part | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """Pairs (their ids) that must share a part, and why. The stronger of two that join groups goes first."""

    reason: Reason
    members: tuple[str, ...]
    strength: float = 1.0


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A pair that no part may have: it resembles pairs of two parts, or of another part than the one it `stands_in`.

    `neighbours` names one such pair for each part; `reasons` says by what.
    """

    id: str
    reasons: tuple[Reason, ...]
    neighbours: tuple[tuple[Part, str], ...]
    stands_in: Part | None = None

    @property
    def sentence(self) -> str:
        """For the person who must act."""
        where = " and ".join(f"{other} in {part}" for part, other in self.neighbours)
        place = f" although it stands in {self.stands_in}" if self.stands_in else ""
        what = ", ".join(_SAID[reason] for reason in self.reasons)
        return f"Left out, because it resembles {where}{place} ({what}): change it, or take the other out."


@dataclass(frozen=True, slots=True)
class Split:
    """`placements` of every pair that has one (store them); `parts` of the pairs that take part; who is left out."""

    placements: dict[str, Placement]
    parts: dict[str, Part]
    left_out: tuple[LeftOut, ...]

    def counts(self) -> dict[Part, int]:
        """Pairs in each part."""
        counts: dict[Part, int] = {"train": 0, "develop": 0, "test": 0}
        for part in self.parts.values():
            counts[part] += 1
        return counts


def part_of(placement: Placement, *, train_share: float = 0.8, develop_share: float = DEVELOP_SHARE) -> Part:
    """The part of a position at a ratio. `train_share` includes develop, which gets `develop_share` of it.

    Raises ValueError unless 0 < train_share ≤ 1 and 0 ≤ develop_share < 1.
    """
    if not (0 < train_share <= 1 and 0 <= develop_share < 1):
        raise ValueError(
            f"The train share must lie above 0 and up to 1, the develop share from 0 to below 1: "
            f"{train_share} and {develop_share} do not."
        )
    if placement.pinned:
        return placement.pinned
    if placement.position < train_share * develop_share:
        return "develop"
    return "train" if placement.position < train_share else "test"


def find_links(pairs: Sequence[PairText], *, threshold: float = THRESHOLD) -> list[Link]:
    """What must stay together: the same source, equal or nearly equal prompts or long answers, and those of which one
    stands inside another.

    Case, punctuation and blanks do not count. Prompts are compared without an instruction that many inputs share, and
    near duplicates without the words that more than a tenth of all texts have: a template is no likeness.
    """
    prompts = _members((prompt, pair) for pair, prompt in _prompts(pairs).items())
    answers = _members((pair.response, pair.id) for pair in pairs if count_words(pair.response) >= ANSWER_WORDS)
    sources = _members((pair.source, pair.id) for pair in pairs if pair.source)
    return [
        *_same("prompt", prompts),
        *_same("response", answers),
        *_same("source", sources),
        *_near("near prompt", prompts, threshold),
        *_near("near response", answers, threshold),
        *_contained([*prompts.items(), *answers.items()]),
    ]


def assign(
    pairs: Sequence[PairText],
    *,
    salt: str,
    train_share: float = 0.8,
    develop_share: float = DEVELOP_SHARE,
    existing: Mapping[str, Placement] | None = None,
    links: Iterable[Link] | None = None,
    lone: Lone | None = None,
) -> Split:
    """A part for every pair; the same answer for the same pairs in any order.

    1. Pairs with a placement in `existing` keep it. 2. Where two of them in different parts turn out to be linked (a
    text was changed), the one of train or develop is left out of this version; nobody moves. 3. A new pair joins
    the group that it is linked with; one that is linked with two parts is left out and listed, with no placement.
    4. The rest forms groups of its own, whose positions are spread evenly in the order of their salted hashes. Where
    two of them that were too large to join say the same in two parts, the pair of train or develop is left out; it
    keeps its place, so that the next version leaves out the same.

    `links` are found here unless they were stored; links with unknown members are taken as far as they are known.
    `lone` are pairs besides these that no link names: they take part in the spreading and get their `positions`.
    Raises ValueError for an id that occurs twice, an empty salt, a wrong ratio, or one group at two positions.
    """
    lone = lone or Lone((), salt)
    board = _Board(pairs, find_links(pairs) if links is None else links, train_share, develop_share, lone)
    known = {pair: place for pair, place in (existing or {}).items() if pair in board.links_of}
    _refuse_torn_groups(known)
    board.keep(known)
    board.extend()
    board.open_groups(salt)
    return Split(
        placements={**known, **board.opened, **board.placed},
        parts={pair: board.part(place) for pair, place in board.placed.items()},
        left_out=tuple(board.left_out[pair] for pair in sorted(board.left_out)),
    )


class Lone:
    """New pairs that no link names, each a group of its own, in the room of a few numbers a pair: in a large task they
    are nearly all. `names` and, once they were assigned, `positions` are in the order of the ids. `placed` is how many
    others without a link have a placement already.
    """

    def __init__(self, ids: Iterable[str], salt: str, placed: int = 0) -> None:
        self.names = np.fromiter((salted_digest(pair, salt)[: NAMES.itemsize] for pair in ids), dtype=NAMES)
        self.positions = np.zeros(len(self.names))
        self.all_pairs = len(self.names) + placed
        self._order = np.argsort(self.names, kind="stable")

    def __len__(self) -> int:
        return len(self.names)

    def before(self, name: str) -> int:
        """How many stand before a group of this name."""
        return int(np.searchsorted(self.names, name.encode(), sorter=self._order))

    def spread(self, groups: Sequence[tuple[str, int]]) -> None:
        """Find the positions beside these groups: their names, sorted, and how many pairs each has."""
        sizes = np.cumsum([0, *(size for _name, size in groups)])
        known = np.array([name for name, _size in groups], dtype=NAMES)
        total = len(self) + int(sizes[-1])
        for start in range(0, len(self), _CHUNK):
            part = self._order[start : start + _CHUNK]
            names = self.names[part]
            inside = np.array([int(name[16:], 16) for name in names], dtype=np.uint64).astype(np.float64) / 2**64
            before = np.arange(start, start + len(part)) + sizes[np.searchsorted(known, names)]
            self.positions[part] = np.minimum((before + inside) / total, 1 - 2**-53)


class _Board:
    """The pairs on their way to a part. `placed` holds those that take part in this version."""

    def __init__(
        self, pairs: Sequence[PairText], links: Iterable[Link], train_share: float, develop_share: float, lone: Lone
    ) -> None:
        self._lone = lone
        self._ratio = {"train_share": train_share, "develop_share": develop_share}
        self.placed: dict[str, Placement] = {}
        self.opened: dict[str, Placement] = {}
        self.left_out: dict[str, LeftOut] = {}
        self.links_of: dict[str, list[int]] = {pair.id: [] for pair in pairs}
        if len(self.links_of) < len(pairs):
            raise ValueError("Two pairs have the same id; every pair needs its own.")
        self._links: list[Link] = []
        for link in links:
            members = tuple(sorted(member for member in set(link.members) if member in self.links_of))
            if len(members) > 1:
                for member in members:
                    self.links_of[member].append(len(self._links))
                self._links.append(Link(link.reason, members, link.strength))
        # For each link, the parts that its placed members are in, each with the first of them.
        self._parts_of: list[dict[Part, str]] = [{} for _ in self._links]

    def part(self, place: Placement) -> Part:
        return part_of(place, **self._ratio)

    def keep(self, known: Mapping[str, Placement]) -> None:
        """Place the pairs that have a placement, test before develop before train."""
        for pair in sorted(known, key=lambda pair: (_PRECEDENCE[self.part(known[pair])], pair)):
            self._place(pair, known[pair], stands_in=self.part(known[pair]))

    def extend(self) -> None:
        """Let every new pair that is linked with placed ones join them, smallest id first, and go on from there."""
        waiting = [pair for pair in self.links_of if self._is_open(pair) and self._neighbour_parts(pair)]
        heapq.heapify(waiting)
        while waiting:
            pair = heapq.heappop(waiting)
            if self._is_open(pair):
                example = min(self._neighbour_parts(pair).values())
                if self._place(pair, self.placed[example]):
                    for other in self._linked(pair):
                        heapq.heappush(waiting, other)

    def open_groups(self, salt: str) -> None:
        """Place what is left in new groups. A group is named after the smallest salted digest of its members."""
        digest = {pair: salted_digest(pair, salt) for pair in self.links_of if self._is_open(pair)}
        groups = sorted((min(digest[member] for member in members)[:32], members) for members in self._groups(digest))
        before, total = 0, len(digest) + len(self._lone)
        for name, members in groups:
            inside = int(name[16:32], 16) / 2**64  # where in its stretch the group sits
            position = (before + self._lone.before(name) + inside * len(members)) / total
            before += len(members)
            self.opened |= dict.fromkeys(members, Placement(name, min(position, 1 - 2**-53)))
        self._lone.spread([(name, len(members)) for name, members in groups])
        self.keep(self.opened)

    def _groups(self, open_pairs: Collection[str]) -> Iterable[list[str]]:
        """What firm links connect, joined by loose ones as far as that keeps groups small, the strongest first."""
        groups: dict[int, list[str]] = {}
        group_of: dict[str, int] = {}
        for pair in open_pairs:
            if pair not in group_of:
                number = len(groups)
                groups[number] = self._connected(pair, open_pairs)
                group_of |= dict.fromkeys(groups[number], number)
        most = max(_GROUP_PAIRS, int(_GROUP_SHARE * (len(self.links_of) + self._lone.all_pairs)))
        loose = (link for link in self._links if link.reason in _LOOSE)
        for link in sorted(loose, key=lambda link: (-link.strength, link.members)):
            joined = sorted({group_of[member] for member in link.members if member in group_of})
            if len(joined) > 1 and sum(len(groups[number]) for number in joined) <= most:
                for number in joined[1:]:
                    members = groups.pop(number)
                    groups[joined[0]].extend(members)
                    group_of |= dict.fromkeys(members, joined[0])
        return groups.values()

    def _place(self, pair: str, place: Placement, *, stands_in: Part | None = None) -> bool:
        """Place a pair, or leave it out if it is linked with a placed pair of another part."""
        part = self.part(place)
        neighbours = self._neighbour_parts(pair)
        if neighbours.keys() - {part}:
            reasons = dict.fromkeys(self._links[link].reason for link in self.links_of[pair] if self._parts_of[link])
            self.left_out[pair] = LeftOut(pair, tuple(reasons), tuple(sorted(neighbours.items())), stands_in)
            return False
        self.placed[pair] = place
        for link in self.links_of[pair]:
            self._parts_of[link].setdefault(part, pair)
        return True

    def _is_open(self, pair: str) -> bool:
        return pair not in self.placed and pair not in self.left_out

    def _neighbour_parts(self, pair: str) -> dict[Part, str]:
        """The parts of the placed pairs that this one is linked with, each with one of them."""
        parts: dict[Part, str] = {}
        for link in self.links_of[pair]:
            for part, example in self._parts_of[link].items():
                parts[part] = min(example, parts.get(part, example))
        return parts

    def _linked(self, pair: str) -> Iterable[str]:
        return (other for link in self.links_of[pair] for other in self._links[link].members if self._is_open(other))

    def _connected(self, start: str, among: Collection[str]) -> list[str]:
        """All pairs that firm links lead to from `start`, within `among`."""
        seen, frontier, followed = {start}, [start], set()
        while frontier:
            for link in self.links_of[frontier.pop()]:
                if link not in followed and self._links[link].reason not in _LOOSE:
                    followed.add(link)
                    fresh = {member for member in self._links[link].members if member in among} - seen
                    seen |= fresh
                    frontier.extend(fresh)
        return sorted(seen)


def _prompts(pairs: Sequence[PairText]) -> dict[str, str]:
    """Instruction and input of each pair; the input alone where the instruction is a template for many inputs."""
    inputs: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        if pair.input.strip():
            inputs[comparable(pair.instruction)].add(comparable(pair.input))
    return {
        pair.id: pair.input
        if pair.input.strip() and len(inputs[comparable(pair.instruction)]) > TEMPLATE_INPUTS
        else whole_prompt(pair.instruction, pair.input)
        for pair in pairs
    }


def whole_prompt(instruction: str, given: str) -> str:
    """What is compared as the prompt unless the instruction is a template: then the input alone."""
    return f"{instruction}\n{given}"


def comparable(text: str) -> str:
    """Equal for texts that differ only in case, punctuation and blanks; blank for a blank text."""
    return " ".join(words(text)) or text.strip()


def _members(texts: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """The ids with each text but for case and punctuation; blank texts belong to nobody. Sorted by text."""
    members: dict[str, list[str]] = defaultdict(list)
    for text, pair in texts:
        members[comparable(text)].append(pair)
    return {key: tuple(sorted(members[key])) for key in sorted(members) if key}


def _same(reason: Reason, members: Mapping[str, tuple[str, ...]]) -> list[Link]:
    return [Link(reason, pairs) for pairs in members.values() if len(pairs) > 1]


def _near(reason: Reason, members: Mapping[str, tuple[str, ...]], threshold: float) -> list[Link]:
    texts = list(members)
    near = near_duplicates(texts, threshold=threshold)
    return [Link(reason, members[texts[one]] + members[texts[other]]) for one, other in near]


def _refuse_torn_groups(known: Mapping[str, Placement]) -> None:
    places: dict[str, Placement] = {}
    for pair, place in known.items():
        if places.setdefault(place.group, place) != place:
            raise ValueError(f"The group {place.group} stands at two positions (pair {pair}); a group has one place.")


def _contained(members: Sequence[tuple[str, tuple[str, ...]]]) -> list[Link]:
    grams = Grams.of([text for text, _pairs in members])
    grams = grams.without(grams.common())
    found = []
    for outer, inner, share in GramIndex(grams).inside(grams):
        pairs = tuple(sorted({*members[inner][1], *members[outer][1]}))
        if inner != outer and len(pairs) > 1:
            found.append(Link("contained", pairs, share))
    return found
