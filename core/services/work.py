"""The work-item engine: one person, one slot, one lease; every write fenced by the lease's token."""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from core.choices import AssignmentState, WorkKind, WorkState
from core.denied import ApplicationError
from core.models import Assignment, Project, User, WorkItem

LEASE = timedelta(minutes=15)


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
    3. The first open item with a free slot that the person neither wrote nor had before is claimed (SKIP LOCKED).
    """
    mine = held(user, project, kind, batch).order_by("claimed_at").first()
    if mine is not None:
        return work_renew(assignment=mine)
    release_expired(project)
    candidates = (
        WorkItem.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(project=project, kind=kind, state=WorkState.OPEN, **({"batch": batch} if batch else {}))
        .exclude(excluded_user=user)
        .exclude(assignments__user=user, assignments__state__in=(AssignmentState.SUBMITTED, AssignmentState.SKIPPED))
        .order_by("batch", "order", "pk")
    )
    for item in candidates[:20]:
        assignment = claim(item, user)
        if assignment is not None:
            return assignment
    return None


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
    taken = set(
        item.assignments.filter(state__in=(AssignmentState.CLAIMED, AssignmentState.SUBMITTED)).values_list(
            "slot", flat=True
        )
    )
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
    """Take a submission back: the item opens again and is held by the same person."""
    item = WorkItem.objects.select_for_update().get(pk=assignment.item_id)
    count = Assignment.objects.filter(
        pk=assignment.pk, state__in=(AssignmentState.SUBMITTED, AssignmentState.SKIPPED)
    ).update(state=AssignmentState.CLAIMED, token=F("token") + 1, lease_until=Now() + LEASE, ended_at=None)
    if not count:
        raise ApplicationError(_("There is nothing to undo here."))
    item.state = WorkState.OPEN
    item.save(update_fields=["state"])
    assignment.refresh_from_db()
    return assignment
