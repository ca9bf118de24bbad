"""What an action over a filter does to a batch of locked pairs, and how it is undone.

Each step tells of every pair whether it was changed (and what it was before), was so already, or why it was refused.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, Func, Value
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from core.choices import WorkKind
from core.services.work import work_close
from curation.choices import BulkKind, PairState
from curation.models import BulkAction, Pair
from curation.selectors.checking import Surroundings
from curation.services.indexing import locked_check
from curation.services.pairs import pair_restore, pair_trash, review_ask, revision_of
from curation.services.topics import topics_set
from curation.subjects import PAIR

MOST_TAGS = 30


@dataclass(frozen=True)
class Result:
    pair: int
    reason: str = ""  # why it was refused
    same: bool = False  # it was so already
    before: dict[str, Any] = field(default_factory=dict)


Step = Callable[[BulkAction, list[Pair]], list[Result]]
Undo = Callable[[BulkAction, list[tuple[Pair, dict[str, Any]]]], list[Result]]


def tag(action: BulkAction, pairs: list[Pair]) -> list[Result]:
    full = _("This pair has %(most)d tags already.") % {"most": MOST_TAGS}
    found = [
        Result(pair.pk, same=True) if action.value in pair.tags
        else Result(pair.pk, full if len(pair.tags) >= MOST_TAGS else "")
        for pair in pairs
    ]  # fmt: skip
    tags_change("array_append", action.value, found)
    return found


def untag(action: BulkAction, pairs: list[Pair]) -> list[Result]:
    found = [Result(pair.pk, same=action.value not in pair.tags) for pair in pairs]
    tags_change("array_remove", action.value, found)
    return found


def tags_change(function: str, value: str, results: list[Result]) -> None:
    changed = [found.pair for found in results if not found.same and not found.reason]
    tags = Func(F("tags"), Value(value), function=function)
    Pair.objects.filter(pk__in=changed).update(tags=tags, updated_at=Now())


def topic(action: BulkAction, pairs: list[Pair]) -> list[Result]:
    note = _("Topic set for all pairs of a filter (action %(number)d)") % {"number": action.pk}
    return topics(pairs, [action.value] * len(pairs), note)


def topics(pairs: list[Pair], wanted: list[str], note: str) -> list[Result]:
    found = [
        Result(
            pair.pk, in_trash() if pair.state == PairState.TRASHED else "", pair.topic == topic, {"topic": pair.topic}
        )
        for pair, topic in zip(pairs, wanted, strict=True)
    ]
    changed = {found.pair for found in found if not found.same and not found.reason}
    topics_set([(pair, topic) for pair, topic in zip(pairs, wanted, strict=True) if pair.pk in changed], note)
    return found


def topic_back(action: BulkAction, rows: list[tuple[Pair, dict[str, Any]]]) -> list[Result]:
    still = [(pair, before) for pair, before in rows if pair.topic == action.value]
    moved = [Result(pair.pk, changed_since()) for pair, _before in rows if pair.topic != action.value]
    note = _("Topic set back (action %(number)d)") % {"number": action.pk}
    return moved + topics([pair for pair, _ in still], [before["topic"] for _, before in still], note)


def assign(action: BulkAction, pairs: list[Pair]) -> list[Result]:
    person = int(action.value) if action.value else None
    found = [
        Result(
            pair.pk, in_trash() if pair.state == PairState.TRASHED else "", pair.assignee_id == person,
            {"assignee": pair.assignee_id},
        )
        for pair in pairs
    ]  # fmt: skip
    changed = [found.pair for found in found if not found.same and not found.reason]
    Pair.objects.filter(pk__in=changed).update(assignee=person, updated_at=Now())
    return found


def assign_back(action: BulkAction, rows: list[tuple[Pair, dict[str, Any]]]) -> list[Result]:
    person = int(action.value) if action.value else None
    found = []
    for pair, before in rows:
        if pair.assignee_id == person:
            Pair.objects.filter(pk=pair.pk).update(assignee=before["assignee"], updated_at=Now())
        found.append(Result(pair.pk, "" if pair.assignee_id == person else changed_since()))
    return found


def recheck(action: BulkAction, pairs: list[Pair]) -> list[Result]:
    before = {pair.pk: pair.found for pair in pairs}
    locked_check(pairs, Surroundings(action.task))
    after = dict(Pair.objects.filter(pk__in=before).values_list("pk", "found"))
    return [Result(pk, same=after[pk] == found, before={"found": found}) for pk, found in before.items()]


def send_to_review(action: BulkAction, pairs: list[Pair]) -> list[Result]:
    """Ask for a review of the newest revision. An approval holds until the reviewer says otherwise."""
    found = []
    for pair in pairs:
        if pair.state == PairState.TRASHED:
            found.append(Result(pair.pk, in_trash()))
        elif pair.state == PairState.SUBMITTED:
            found.append(Result(pair.pk, same=True))
        else:
            found.append(Result(pair.pk, before={"state": pair.state, "revision": pair.current_id}))
            state_set(pair, PairState.SUBMITTED)
    return found


def review_back(action: BulkAction, rows: list[tuple[Pair, dict[str, Any]]]) -> list[Result]:
    found = []
    for pair, before in rows:
        waits = pair.state == PairState.SUBMITTED and pair.current_id == before["revision"]
        found.append(Result(pair.pk, "" if waits else changed_since()))
        if waits:
            state_set(pair, before["state"])
    return found


def trash(action: BulkAction, pairs: list[Pair]) -> list[Result]:
    found = []
    for pair in pairs:
        here = pair.state == PairState.TRASHED
        found.append(Result(pair.pk, same=here, before={"state": pair.state}))
        if not here:
            pair_trash(actor=action.created_by, pair=pair)
    return found


def trash_back(action: BulkAction, rows: list[tuple[Pair, dict[str, Any]]]) -> list[Result]:
    """Back to what it was: a returned pair is returned again, where restoring it would ask for a review."""
    found = []
    for pair, before in rows:
        here = pair.state == PairState.TRASHED
        found.append(Result(pair.pk, "" if here else changed_since()))
        if here:
            restored = pair_restore(actor=action.created_by, pair=pair)
            if restored.state != before["state"]:
                state_set(pair, before["state"])
    return found


def restore(action: BulkAction, pairs: list[Pair]) -> list[Result]:
    found = []
    for pair in pairs:
        here = pair.state == PairState.TRASHED
        found.append(Result(pair.pk, "" if here else _("This pair is not in the trash.")))
        if here:
            pair_restore(actor=action.created_by, pair=pair)
    return found


def restore_back(action: BulkAction, rows: list[tuple[Pair, dict[str, Any]]]) -> list[Result]:
    return trash(action, [pair for pair, _before in rows])


def state_set(pair: Pair, state: str) -> None:
    """Put a locked pair into a state, with the review that belongs to it or without."""
    Pair.objects.filter(pk=pair.pk).update(state=state, updated_at=Now())
    if state == PairState.SUBMITTED:
        review_ask(pair, pair.project, writer=revision_of(pair).author)
    else:
        work_close(kind=WorkKind.REVIEW, subject_type=PAIR, subject_id=pair.pk)


def in_trash() -> str:
    return _("This pair is in the trash; restore it first.")


def changed_since() -> str:
    return _("Somebody changed this pair since; it stays as it is.")


STEPS: dict[BulkKind, Step] = {
    BulkKind.TAG: tag,
    BulkKind.UNTAG: untag,
    BulkKind.TOPIC: topic,
    BulkKind.ASSIGN: assign,
    BulkKind.RECHECK: recheck,
    BulkKind.REVIEW: send_to_review,
    BulkKind.TRASH: trash,
    BulkKind.RESTORE: restore,
}
UNDO: dict[BulkKind, Undo] = {
    BulkKind.TAG: lambda action, rows: untag(action, [pair for pair, _before in rows]),
    BulkKind.UNTAG: lambda action, rows: tag(action, [pair for pair, _before in rows]),
    BulkKind.TOPIC: topic_back,
    BulkKind.ASSIGN: assign_back,
    BulkKind.REVIEW: review_back,
    BulkKind.TRASH: trash_back,
    BulkKind.RESTORE: restore_back,
}
