"""The work-item engine: one person, one slot, one lease; every write fenced by the lease's token.

A lease that ran out is not swept up: it just stops counting, and whoever claims the slot next releases it. So a claim
is four statements, whatever else waits, and somebody who comes back late still finds what nobody took.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from core.choices import AssignmentState, WorkKind, WorkState
from core.denied import ApplicationError
from core.models import Assignment, Project, User, WorkItem
from core.selectors.work import LEASE, TAKEN, claimable
from core.services.events import event_record

NOT_AGAIN = (AssignmentState.SUBMITTED, AssignmentState.SKIPPED)  # these are not offered to the same person again
MOST_AHEAD = 10
SKIPPED = "work.skipped"


@contextmanager
def unhurried_transaction() -> Iterator[None]:
    """A transaction that answers before it is on the disk, for holds on work: one that a power cut within the next half
    second undoes is taken again. Inside another transaction it is simply part of that one."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit TO off")
        yield


def work_open(
    *,
    project: Project,
    kind: WorkKind,
    subject_type: str,
    subject_id: int,
    batch: str = "",
    needed: int = 1,
    order: int = 0,
    excluded_user: User | None = None,
    also_excluded: Sequence[int] = (),
    note: str = "",
) -> WorkItem:
    """Open a work item, or return the open one of this subject: asking twice makes no second piece of work."""
    item, _created = WorkItem.objects.get_or_create(
        kind=kind,
        subject_type=subject_type,
        subject_id=subject_id,
        batch=batch,
        state=WorkState.OPEN,
        defaults={
            "project": project,
            "needed": needed,
            "order": order,
            "excluded_user": excluded_user,
            "also_excluded": list(also_excluded) or None,
            "note": note,
        },
    )
    return item


def work_close(*, kind: WorkKind, subject_type: str, subject_id: int) -> int:
    """Close open items whose subject needs no work any more. Returns how many."""
    return WorkItem.objects.filter(
        kind=kind, subject_type=subject_type, subject_id=subject_id, state=WorkState.OPEN
    ).update(state=WorkState.CLOSED)


@unhurried_transaction()
def work_claim_next(
    *, user: User, project: Project, kind: WorkKind, batch: str = "", besides: Collection[int] = ()
) -> Assignment | None:
    """The next item of this kind for this person, leased to them, or None when there truly is none.

    1. What the person already holds comes first, even if its lease ran out meanwhile and nobody took it.
    2. The first open item with a free slot that the person neither wrote nor had before is claimed. Items that
       somebody else is claiming at this moment are passed over; only if nothing else is left are they waited for.
    `besides` names items that the person has claimed ahead already.
    """
    holds = held(user, project, kind, batch)
    mine = (holds.exclude(item__in=besides) if besides else holds).order_by("claimed_at", "pk").first()
    if mine is not None:
        return work_renew(assignment=mine)
    for skip_locked in (True, False):
        full = list(besides)
        # One row at a time: a query for several would lock them all and send everybody else away empty.
        while (
            item := claimable(user, project, kind, batch, full)
            .select_for_update(skip_locked=skip_locked, of=("self",))
            .first()
        ):
            assignment = claim(item, user)
            if assignment is not None:
                return assignment
            full.append(item.pk)
    return None


def work_claim_ahead(*, user: User, project: Project, kind: WorkKind, batch: str = "", count: int) -> list[Assignment]:
    """Up to `count` items leased to this person, those already held first, in the order in which they come.

    For pages that load the next items before they are wanted. Fewer come back when fewer are left.
    """
    found: list[Assignment] = []
    while len(found) < min(count, MOST_AHEAD):
        besides = [assignment.item_id for assignment in found]
        assignment = work_claim_next(user=user, project=project, kind=kind, batch=batch, besides=besides)
        if assignment is None:
            break
        found.append(assignment)
    return found


@unhurried_transaction()
def work_claim(*, user: User, item: WorkItem) -> Assignment | None:
    """Claim one certain item, for people who came to it by its link. None when every slot is held by others."""
    item = WorkItem.objects.select_for_update().get(pk=item.pk)
    if item.state != WorkState.OPEN or item.excluded_user_id == user.pk or user.pk in (item.also_excluded or ()):
        return None
    mine = Assignment.objects.filter(item=item, user=user, state=AssignmentState.CLAIMED).first()
    return work_renew(assignment=mine) if mine else claim(item, user)


def claim(item: WorkItem, user: User) -> Assignment | None:
    """A free slot of an item that we have locked; a hold whose lease ran out makes room."""
    rows = list(Assignment.objects.filter(item=item).annotate(taken=Q(TAKEN)))
    busy = {row.slot for row in rows if row.taken}
    free = next((slot for slot in range(item.needed) if slot not in busy), None)
    if free is None:
        return None
    for row in rows:
        if row.slot == free and row.state == AssignmentState.CLAIMED and row.user_id != user.pk:
            Assignment.objects.filter(pk=row.pk).update(state=AssignmentState.RELEASED, ended_at=Now())
    until = timezone.now() + LEASE
    mine = next((row for row in rows if row.user_id == user.pk), None)
    if mine is None:
        return Assignment.objects.create(item=item, user=user, slot=free, lease_until=until)
    mine.slot, mine.state, mine.token, mine.lease_until = free, AssignmentState.CLAIMED, mine.token + 1, until
    mine.claimed_at, mine.ended_at = timezone.now(), None
    mine.save(update_fields=["slot", "state", "token", "lease_until", "claimed_at", "ended_at"])
    mine.item = item
    return mine


def held(user: User, project: Project, kind: WorkKind, batch: str = "") -> QuerySet[Assignment]:
    found = Assignment.objects.filter(
        user=user, item__project=project, item__kind=kind, item__state=WorkState.OPEN, state=AssignmentState.CLAIMED
    ).select_related("item")
    return found.filter(item__batch=batch) if batch else found


def work_renew(*, assignment: Assignment) -> Assignment:
    """Keep the hold while the person is at it. A lease of which most is left is left alone: pages ask often."""
    fresh = assignment.lease_until - timezone.now() > LEASE / 2
    if assignment.state != AssignmentState.CLAIMED or fresh:
        return assignment
    Assignment.objects.filter(pk=assignment.pk, token=assignment.token, state=AssignmentState.CLAIMED).update(
        lease_until=Now() + LEASE
    )
    assignment.refresh_from_db(fields=["state", "token", "lease_until"])
    return assignment


def work_renew_all(*, user: User, project: Project, kind: WorkKind) -> int:
    """The heartbeat of an open page: everything that the person holds of this kind, what was claimed ahead too.

    Returns how many holds live on; 0 tells the page that others took them.
    """
    return Assignment.objects.filter(
        user=user, item__project=project, item__kind=kind, state=AssignmentState.CLAIMED
    ).update(lease_until=Now() + LEASE)


def work_release(*, user: User, assignments: Collection[int]) -> int:
    """Give back what was claimed ahead and not begun: others are offered it at once, and this person again later."""
    return Assignment.objects.filter(pk__in=assignments, user=user, state=AssignmentState.CLAIMED).update(
        state=AssignmentState.RELEASED, ended_at=Now()
    )


@transaction.atomic
def work_submit(*, assignment: Assignment) -> WorkItem:
    """Record that this person did the item; the item is done when `needed` people did. Fenced by the token.

    An item that was closed meanwhile stays closed; that the person did it is recorded all the same.
    Raises ApplicationError when the slot went to somebody else after the lease ran out.
    """
    item = WorkItem.objects.select_for_update().get(pk=assignment.item_id)
    if not submitted(assignment):
        raise ApplicationError(_("Somebody else took this item over after your hold on it ran out. Your text is kept."))
    if item.state != WorkState.OPEN:
        return item
    if item.needed == 1 or item.assignments.filter(state=AssignmentState.SUBMITTED).count() >= item.needed:
        item.state = WorkState.DONE
        item.save(update_fields=["state"])
    return item


def submitted(assignment: Assignment) -> bool:
    mine = Assignment.objects.filter(pk=assignment.pk, token=assignment.token)
    done = {"state": AssignmentState.SUBMITTED, "ended_at": Now()}
    if mine.filter(state=AssignmentState.CLAIMED).update(**done):
        return True
    try:
        with transaction.atomic():  # a released slot may be somebody else's by now: the database knows
            return bool(mine.filter(state=AssignmentState.RELEASED).update(**done))
    except IntegrityError:
        return False


@transaction.atomic
def work_skip(*, assignment: Assignment, reason: str = "") -> None:
    """Pass on an item; it is offered to others and not to this person again. Skipped twice, it is skipped once."""
    mine = Assignment.objects.filter(pk=assignment.pk, token=assignment.token, state=AssignmentState.CLAIMED)
    reason = reason.replace("\x00", "").strip()[:300]
    if mine.update(state=AssignmentState.SKIPPED, reason=reason, ended_at=Now()):
        item = assignment.item
        event_record(
            actor=assignment.user, action=SKIPPED, project=item.project, subject=item, assignment=assignment.pk,
            kind=item.kind,
        )  # fmt: skip


@transaction.atomic
def work_undo(*, assignment: Assignment) -> Assignment:
    """Take a submission or a skip back: the item opens again and is held by the same person.

    Raises ApplicationError when the slot went to somebody else, or newer work on the subject is open.
    """
    item = WorkItem.objects.select_for_update().get(pk=assignment.item_id)
    mine = Assignment.objects.filter(pk=assignment.pk, state__in=NOT_AGAIN)
    try:
        with transaction.atomic():
            count = mine.update(
                state=AssignmentState.CLAIMED, token=F("token") + 1, lease_until=Now() + LEASE, ended_at=None
            )
            WorkItem.objects.filter(pk=item.pk).update(state=WorkState.OPEN)
    except IntegrityError as error:
        raise ApplicationError(_("Somebody else works on this by now; it cannot be taken back.")) from error
    if not count:
        raise ApplicationError(_("There is nothing to undo here."))
    assignment.refresh_from_db()
    return assignment
