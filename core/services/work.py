"""The work-item engine: one person, one slot, one lease; every write fenced by the lease's token."""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext as _

from core.choices import AssignmentState, WorkKind, WorkState
from core.denied import ApplicationError
from core.models import Assignment, Project, User, WorkItem

LEASE = timedelta(minutes=15)
HOLDING = (AssignmentState.CLAIMED, AssignmentState.SUBMITTED)  # these occupy a slot
NOT_AGAIN = (AssignmentState.SUBMITTED, AssignmentState.SKIPPED)  # these are not offered to the same person again


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
            "note": note,
        },
    )
    return item


def work_close(*, kind: WorkKind, subject_type: str, subject_id: int) -> int:
    """Close open items whose subject needs no work any more. Returns how many."""
    return WorkItem.objects.filter(
        kind=kind, subject_type=subject_type, subject_id=subject_id, state=WorkState.OPEN
    ).update(state=WorkState.CLOSED)


@transaction.atomic
def work_claim_next(*, user: User, project: Project, kind: WorkKind, batch: str = "") -> Assignment | None:
    """The next item of this kind for this person, leased to them, or None when there truly is none.

    1. What the person already holds comes first, even if its lease ran out meanwhile and nobody took it.
    2. Leases that ran out are released.
    3. The first open item with a free slot that the person neither wrote nor had before is claimed. Items that
       somebody else is claiming at this moment are passed over; only if nothing else is left are they waited for.
    """
    mine = held(user, project, kind, batch).order_by("claimed_at").first()
    if mine is not None:
        return work_renew(assignment=mine)
    release_expired(project)
    for skip_locked in (True, False):
        full: list[int] = []
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


def claimable(user: User, project: Project, kind: WorkKind, batch: str, full: list[int]) -> QuerySet[WorkItem]:
    """Open items with a free slot for this person, in the order in which they are offered."""
    own = Assignment.objects.filter(item=OuterRef("pk"), user=user, state__in=NOT_AGAIN)
    taken = (
        Assignment.objects.filter(item=OuterRef("pk"), state__in=HOLDING)
        .order_by()
        .values("item")
        .annotate(count=Count("pk"))
        .values("count")
    )
    found = WorkItem.objects.filter(project=project, kind=kind, state=WorkState.OPEN).exclude(pk__in=full)
    if batch:
        found = found.filter(batch=batch)
    return (
        found.filter(Q(excluded_user=None) | ~Q(excluded_user=user))
        .filter(~Exists(own))
        .alias(taken=Coalesce(Subquery(taken), 0))
        .filter(taken__lt=F("needed"))
        .order_by("batch", "order", "pk")
    )


@transaction.atomic
def work_claim(*, user: User, item: WorkItem) -> Assignment | None:
    """Claim one certain item, for people who came to it by its link. None when every slot is held by others."""
    item = WorkItem.objects.select_for_update().get(pk=item.pk)
    if item.state != WorkState.OPEN or item.excluded_user_id == user.pk:
        return None
    release_expired(item.project)
    mine = Assignment.objects.filter(item=item, user=user, state=AssignmentState.CLAIMED).first()
    return work_renew(assignment=mine) if mine else claim(item, user)


def claim(item: WorkItem, user: User) -> Assignment | None:
    taken = set(item.assignments.filter(state__in=HOLDING).values_list("slot", flat=True))
    free = next((slot for slot in range(item.needed) if slot not in taken), None)
    if free is None:
        return None
    assignment, created = Assignment.objects.get_or_create(
        item=item, user=user, defaults={"slot": free, "lease_until": Now() + LEASE}
    )
    if not created:
        Assignment.objects.filter(pk=assignment.pk).update(
            slot=free, state=AssignmentState.CLAIMED, token=F("token") + 1, lease_until=Now() + LEASE, ended_at=None
        )
    assignment.refresh_from_db()
    return assignment


def held(user: User, project: Project, kind: WorkKind, batch: str = "") -> QuerySet[Assignment]:
    found = Assignment.objects.filter(
        user=user, item__project=project, item__kind=kind, item__state=WorkState.OPEN, state=AssignmentState.CLAIMED
    ).select_related("item")
    return found.filter(item__batch=batch) if batch else found


def release_expired(project: Project) -> int:
    return Assignment.objects.filter(
        item__project=project, state=AssignmentState.CLAIMED, lease_until__lt=Now()
    ).update(state=AssignmentState.RELEASED, ended_at=Now())


def work_renew(*, assignment: Assignment) -> Assignment:
    """Keep the hold while the person is at it."""
    Assignment.objects.filter(pk=assignment.pk, token=assignment.token, state=AssignmentState.CLAIMED).update(
        lease_until=Now() + LEASE
    )
    assignment.refresh_from_db()
    return assignment


@transaction.atomic
def work_submit(*, assignment: Assignment) -> WorkItem:
    """Record that this person did the item; the item is done when `needed` people did. Fenced by the token.

    Raises ApplicationError when the slot went to somebody else after the lease ran out.
    """
    item = WorkItem.objects.select_for_update().get(pk=assignment.item_id)
    mine = Assignment.objects.filter(pk=assignment.pk, token=assignment.token)
    try:
        with transaction.atomic():
            count = mine.filter(Q(state=AssignmentState.CLAIMED) | Q(state=AssignmentState.RELEASED)).update(
                state=AssignmentState.SUBMITTED, ended_at=Now()
            )
    except IntegrityError:
        count = 0
    if not count:
        raise ApplicationError(_("Somebody else took this item over after your hold on it ran out. Your text is kept."))
    if item.assignments.filter(state=AssignmentState.SUBMITTED).count() >= item.needed:
        item.state = WorkState.DONE
        item.save(update_fields=["state"])
    return item


def work_skip(*, assignment: Assignment, reason: str = "") -> None:
    """Pass on an item; it is offered to others and not to this person again."""
    Assignment.objects.filter(pk=assignment.pk, token=assignment.token, state=AssignmentState.CLAIMED).update(
        state=AssignmentState.SKIPPED, reason=reason[:300], ended_at=Now()
    )


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
