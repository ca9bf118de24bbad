"""Which work items a person may take, and which slots of them are taken."""

from datetime import timedelta

from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from core.choices import AssignmentState, WorkKind, WorkState
from core.models import Project, User, WorkItem

LEASE = timedelta(minutes=15)
# A slot is taken by work that was done, and by a hold whose lease still runs.
TAKEN = Q(state=AssignmentState.SUBMITTED) | Q(state=AssignmentState.CLAIMED, lease_until__gte=Now())
# The two questions that are asked with every piece of work, as SQL: to put them together again and again took Django
# longer than PostgreSQL needs to answer them. Who wrote an item, or had it before, is not offered it.
OPEN_TO = """
    excluded_user_id IS DISTINCT FROM %s AND (also_excluded IS NULL OR %s <> ALL (also_excluded)) AND NOT EXISTS (
        SELECT FROM core_assignment mine
        WHERE mine.item_id = core_workitem.id AND mine.user_id = %s AND mine.state IN ('submitted', 'skipped'))"""
HAS_ROOM = """
    needed > (SELECT count(*) FROM core_assignment taken
              WHERE taken.item_id = core_workitem.id AND (taken.state = 'submitted'
                  OR taken.state = 'claimed' AND taken.lease_until >= statement_timestamp()))"""


def work_open_to(user: User, project: Project, kind: WorkKind, batch: str = "") -> QuerySet[WorkItem]:
    """Open items that this person may take, now or when somebody else's hold on them ends, as they are offered.

    Also a bounded count keeps the order: it leads PostgreSQL to the index of open items, not past all that is done.
    """
    found = WorkItem.objects.filter(project=project, kind=kind, state=WorkState.OPEN)
    if batch:
        found = found.filter(batch=batch)
    open_to = RawSQL(OPEN_TO, [user.pk] * 3, BooleanField())  # noqa: S611  a constant
    return found.filter(open_to).order_by("batch", "order", "pk")


def claimable(user: User, project: Project, kind: WorkKind, batch: str, full: list[int]) -> QuerySet[WorkItem]:
    """Open items with a free slot for this person, in the order in which they are offered."""
    room = RawSQL(HAS_ROOM, [], BooleanField())  # noqa: S611  a constant
    found = work_open_to(user, project, kind, batch).filter(room)
    return found.exclude(pk__in=full) if full else found
