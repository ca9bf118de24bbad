"""Passages as work: which wait for a writer, who is at one, what was written from them."""

import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet
from django.utils import timezone

from core.choices import AssignmentState, WorkKind, WorkState
from core.models import Assignment, Project, User, WorkItem
from core.numbers import whole_number
from core.selectors.work import LEASE, TAKEN
from curation.models import Draft, Pair, Passage, Task
from curation.subjects import PASSAGE, review_batch

MOST_WAITING = 20
PASSAGE_KEY = re.compile(r"passage-(\d{1,18})-[A-Za-z0-9_-]+")
HELD_KEY = re.compile(r"passage-\d{1,18}-work(\d{1,18})")


@dataclass(frozen=True)
class PassageRow:
    """A passage in a list: the pairs written from it, whether a writer is asked for, and who is writing now."""

    passage: Passage
    pairs: int
    asked: bool
    writers: list[str]


@dataclass(frozen=True)
class WaitingPassage:
    """A passage that a writer is asked for. `writer` is who has it in hand, if that is somebody else."""

    task: Task
    passage: Passage
    writer: str


def passage_of(project: Project, passage: Any) -> Passage | None:
    """The passage with its document, if it lies in this project; anything that is no id gives None."""
    number = whole_number(passage)
    return passages_in(project).filter(pk=number).first() if number is not None else None


def passages_in(project: Project) -> QuerySet[Passage]:
    return Passage.objects.filter(document__project=project).select_related("document").defer("document__text")


def passage_of_key(project: Project, key: str) -> Passage | None:
    """The passage before the writer's eyes: a draft's key names it, so that it is there again after a reload."""
    found = PASSAGE_KEY.fullmatch(key)
    return passage_of(project, found.group(1)) if found else None


def key_of_hold(held: Assignment) -> str:
    """Under which the editor keeps what is typed for a passage that somebody has in hand."""
    return f"passage-{held.item.subject_id}-work{held.pk}"


def hold_of_key(user: User, key: str) -> Assignment | None:
    """The person's hold that a draft's key names, as long as it is open."""
    found = HELD_KEY.fullmatch(key)
    if found is None:
        return None
    open_holds = Assignment.objects.filter(user=user, state=AssignmentState.CLAIMED, item__state=WorkState.OPEN)
    return open_holds.filter(pk=int(found.group(1)), item__kind=WorkKind.PASSAGE).first()


def passage_held(held: Assignment) -> tuple[Task, Passage] | None:
    """What a hold on a passage asks for; None when it is other work."""
    if held.item.kind != WorkKind.PASSAGE or held.item.subject_type != PASSAGE:
        return None
    tasks = Task.objects.select_related("project", "tokenizer").filter(project=held.item.project_id)
    task = next((task for task in tasks if review_batch(task.pk) == held.item.batch), None)
    passage = passage_of(task.project, held.item.subject_id) if task else None
    return (task, passage) if task and passage else None


def passages_asked(project: Project, task: Task | None = None) -> QuerySet[WorkItem]:
    """The open requests for pairs from passages, of one task or of all."""
    items = WorkItem.objects.filter(project=project, kind=WorkKind.PASSAGE, subject_type=PASSAGE, state=WorkState.OPEN)
    return items.filter(batch=review_batch(task.pk)) if task else items


def passages_waiting(project: Project, user: User | None = None) -> list[WaitingPassage]:
    """Passages that a writer is asked for, oldest request first; 20 at most, with the task that asks."""
    items = list(passages_asked(project).order_by("batch", "order", "pk")[:MOST_WAITING])
    tasks = {review_batch(each.pk): each for each in Task.objects.filter(project=project)}
    rows = passages_in(project).in_bulk([item.subject_id for item in items])
    held = Assignment.objects.filter(TAKEN, item__in=items).select_related("user")
    writers = {hold.item_id: hold.user.name for hold in held if user is None or hold.user_id != user.pk}
    return [
        WaitingPassage(tasks[item.batch], rows[item.subject_id], writers.get(item.pk, ""))
        for item in items
        if item.batch in tasks and item.subject_id in rows
    ]


def writers_now(project: Project, passages: Collection[int], besides: User) -> dict[int, list[str]]:
    """By passage, who else has it in hand or has typed a pair from it within the length of a hold."""
    found: dict[int, set[str]] = defaultdict(set)
    holds = Assignment.objects.filter(
        state=AssignmentState.CLAIMED, lease_until__gte=timezone.now(), item__in=passages_asked(project),
        item__subject_id__in=passages,
    )  # fmt: skip
    for passage, name in holds.exclude(user=besides).values_list("item__subject_id", "user__name"):
        found[passage].add(name)
    drafts = Draft.objects.filter(
        task__project=project, key__startswith="passage-", updated_at__gte=timezone.now() - LEASE, version__gt=0
    )
    for key, name in drafts.exclude(user=besides).values_list("key", "user__name"):
        if (named := PASSAGE_KEY.fullmatch(key)) and int(named.group(1)) in passages:
            found[int(named.group(1))].add(name)
    return {passage: sorted(names) for passage, names in found.items()}


def passage_rows(passages: list[Passage], project: Project, task: Task | None, user: User) -> list[PassageRow]:
    """Each with its pairs, whether this task asks for more, and who writes; a few queries however many there are."""
    ids = [passage.pk for passage in passages]
    counted = Pair.objects.filter(passage__in=ids).exclude(state="trashed").values_list("passage")
    pairs = dict(counted.annotate(count=Count("pk")).order_by())
    open_items = passages_asked(project, task).filter(subject_id__in=ids)
    asked = set(open_items.values_list("subject_id", flat=True)) if task else set()
    writers = writers_now(project, ids, user)
    return [
        PassageRow(passage, pairs.get(passage.pk, 0), passage.pk in asked, writers.get(passage.pk, []))
        for passage in passages
    ]
