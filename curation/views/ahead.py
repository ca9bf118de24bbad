"""Work that a page loads before it is wanted."""

from django.urls import reverse

from core.access import Access
from core.choices import WorkKind
from core.models import Assignment
from core.services.work import work_claim_ahead, work_open_to

AHEAD = 5


def items_ahead(access: Access, held: Assignment, page: str) -> list[dict[str, str]]:
    """Up to five more items of the same batch, claimed, with the address of each on that page.

    Where few are left only half of them are claimed: nobody should stand before an empty queue because of work that
    others have not looked at.
    """
    kind, batch = WorkKind(held.item.kind), held.item.batch
    left = work_open_to(access.user, access.project, kind, batch)[: 2 * AHEAD + 1].count()
    count = 1 + min(AHEAD, max(0, left - 1) // 2)
    claimed = work_claim_ahead(user=access.user, project=access.project, kind=kind, batch=batch, count=count)
    return [
        {"id": str(other.pk), "url": reverse(page, args=[access.project.slug, other.pk])}
        for other in claimed
        if other.pk != held.pk
    ][:AHEAD]
