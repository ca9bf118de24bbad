"""Actions over a whole filter: asked for here, done by a job in batches that are complete in themselves, undone as one.

1. The filter is walked by rising id, so that a pair that leaves it by the action is neither missed nor met twice.
2. Each batch locks its pairs, changes them, writes what it did to each and moves the mark, in one transaction.
3. A job that starts again goes on behind the mark. One that is stopped leaves what it did, which can be undone.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from core.choices import NoticeKind
from core.denied import ApplicationError
from core.jobs import JobContext
from core.models import Membership, User
from core.numbers import whole_number
from core.services.events import event_record
from core.services.inbox import notice_tell
from core.services.jobs import job_create
from curation.choices import BulkKind
from curation.models import BulkAction, BulkRow, Pair, Task
from curation.pair_filter import filter_read
from curation.selectors.pair_filters import pairs_filtered
from curation.services.bulk_steps import STEPS, UNDO, Result
from curation.services.linking import found_align

BATCH = 500
LONGEST_TAG = 40


@transaction.atomic
def bulk_start(
    *, actor: User, task: Task, kind: BulkKind, value: str = "", query: Mapping[str, str], key: str
) -> BulkAction:
    """Queue an action over all pairs that the filter finds now. The same key again returns the first one's action.

    Raises ApplicationError for a filter that makes no sense or a value that the action cannot use.
    """
    asked = filter_read(query, task=task, user=actor).asked()
    value = value_read(kind, value.strip(), task)
    newest = Pair.objects.filter(task=task).aggregate(newest=Max("pk"))["newest"] or 0
    return action_queue(actor, task, key, kind=kind, value=value, query=asked, newest=newest)


@transaction.atomic
def bulk_undo(*, actor: User, action: BulkAction) -> BulkAction:
    """Queue the undoing of an action: every pair that is still as it left it goes back. Asked twice, it is one."""
    action = BulkAction.objects.select_for_update(of=("self",)).select_related("task__project", "job").get(pk=action.pk)
    if undone := BulkAction.objects.filter(undoes=action).first():
        return undone
    if not action.can_be_undone:
        raise ApplicationError(_("There is nothing to undo here, or the action is still under way."))
    newest = action.rows.aggregate(newest=Max("pair"))["newest"] or 0
    return action_queue(
        actor, action.task, f"undo-{action.pk}", kind=action.kind, value=action.value, undoes=action, newest=newest
    )


def action_queue(actor: User, task: Task, key: str, **fields: Any) -> BulkAction:
    action, made = BulkAction.objects.get_or_create(created_by=actor, key=key[:64], defaults={"task": task, **fields})
    if made:
        action.job = job_create(
            actor=actor,
            kind="bulk",
            project=task.project,
            subject=_("Undo: %(action)s") % {"action": action} if action.undoes_id else str(action),
            subject_url=f"/p/{task.project.slug}/bulk/{action.pk}/",
            arguments={"action": action.pk},
            once_key=f"bulk-{action.pk}",
        )
        action.save(update_fields=["job"])
        event_record(
            actor=actor, action="bulk.asked", project=task.project, subject=action, summary=str(action),
            kind=action.kind, undoes=action.undoes_id,
        )  # fmt: skip
    return action


def value_read(kind: BulkKind, value: str, task: Task) -> str:
    """What the action puts on the pairs, checked; other actions take none."""
    if "\x00" in value:
        raise ApplicationError(_("The value holds a NUL character, which no text can hold."), field="value")
    if kind in (BulkKind.TAG, BulkKind.UNTAG):
        if not value or len(value) > LONGEST_TAG:
            raise ApplicationError(_("Give a tag of 1 to %(most)d letters.") % {"most": LONGEST_TAG}, field="value")
        return value
    if kind == BulkKind.TOPIC:
        if len(value) > 120:
            raise ApplicationError(_("A topic has at most 120 letters."), field="value")
        return value
    if kind == BulkKind.ASSIGN:
        members = Membership.objects.filter(project=task.project_id, user__is_active=True)
        if value and not members.filter(user=whole_number(value)).exists():
            raise ApplicationError(_("Choose a member of this project, or nobody."), field="value")
        return value
    return ""


def bulk_run(action: BulkAction, context: JobContext, guard: Callable[[], None]) -> dict[str, Any]:
    """What the job does. `guard` makes sure, inside each transaction, that the job is still ours."""
    if not action.total:
        action.total = waiting(action).count()
        action.save(update_fields=["total"])
    while bulk_batch(action, context, guard):
        message = _("%(changed)d changed, %(refused)d refused") % {"changed": action.changed, "refused": action.refused}
        context.progress(action.done, max(action.total, action.done), message)
    if action.kind == BulkKind.RECHECK:
        found_align(action.task)  # what pairs share with others is found by a job of its own and stays
    if action.kind == BulkKind.ASSIGN and action.value and action.changed and not action.undoes_id:
        assigned_tell(action)
    return {"changed": action.changed, "unchanged": action.unchanged, "refused": action.refused}


def assigned_tell(action: BulkAction) -> None:
    task = action.task
    url = f"{reverse('curation:pairs', args=[task.project.slug])}?task={task.slug}&assigned=me"
    notice_tell(
        users=[int(action.value)], project=task.project, kind=NoticeKind.ASSIGNED, actor=action.created_by,
        subject=("task", task.pk), url=url, text=task.name, count=action.changed,
    )  # fmt: skip


def waiting(action: BulkAction) -> "QuerySet[Pair]":
    """The pairs that are still to be done."""
    if action.undoes_id:
        changed = BulkRow.objects.filter(action=action.undoes_id, reason="").values("pair")
        found = Pair.objects.filter(pk__in=changed)
    else:
        asked = filter_read(action.query, task=action.task, user=action.created_by)
        found = pairs_filtered(action.task, asked.query())
    return found.filter(pk__gt=action.last, pk__lte=action.newest)


def bulk_batch(action: BulkAction, context: JobContext, guard: Callable[[], None]) -> bool:
    """Do the next pairs. False when none is left."""
    context.checkpoint()
    with transaction.atomic():
        guard()
        ids = list(waiting(action).order_by("pk").values_list("pk", flat=True)[:BATCH])
        if not ids:
            return False
        list(Pair.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk"))
        # Read after the locks were had, by a statement that sees what others committed before that.
        pairs = list(
            Pair.objects.filter(pk__in=ids).select_related("current__author", "project", "task").order_by("pk")
        )
        for pair in pairs:
            pair.project, pair.task = action.task.project, action.task
        results = step(action, pairs)
        BulkRow.objects.bulk_create(
            BulkRow(action=action, pair_id=found.pair, reason=found.reason[:300], before=found.before)
            for found in results
            if not found.same
        )
        action.refused += sum(bool(found.reason) for found in results)
        action.unchanged += sum(found.same for found in results)
        action.changed += sum(not found.reason and not found.same for found in results)
        action.last = ids[-1]
        action.save(update_fields=["refused", "unchanged", "changed", "last"])
    return True


def step(action: BulkAction, pairs: list[Pair]) -> list[Result]:
    if not action.undoes_id:
        return STEPS[BulkKind(action.kind)](action, pairs)
    ids = [pair.pk for pair in pairs]
    before = dict(BulkRow.objects.filter(action=action.undoes_id, pair__in=ids).values_list("pair", "before"))
    return UNDO[BulkKind(action.kind)](action, [(pair, before[pair.pk]) for pair in pairs])
