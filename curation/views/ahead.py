"""Where a page goes on: the next piece of work, and those that it loads before they are wanted."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from core.access import Access
from core.choices import WorkKind
from core.models import Assignment
from core.selectors.work import work_open_to
from core.services.work import work_claim_ahead, work_claim_next

AHEAD = 5


def to_next_work(request: HttpRequest, access: Access, kind: WorkKind, batch: str = "", done: str = "") -> HttpResponse:
    """The next piece of asked-for writing of this kind; `done` names the draft that was settled."""
    held = next_held(request, access, kind, batch)
    query = f"?done={done}" if done else ""
    if held is None:
        messages.info(request, in_other_hands(access, kind) or _("Nothing of this kind waits for you now."))
        return redirect(reverse("curation:write", args=[access.project.slug]) + query)
    return redirect(reverse("curation:work", args=[access.project.slug, held.pk]) + query)


def in_other_hands(access: Access, kind: WorkKind) -> str:
    """Why nothing is offered although something waits, or ""."""
    waits = work_open_to(access.user, access.project, kind).exists()
    said = _("What waits is in other people’s hands at this moment. What they leave comes back here.")
    return said if waits else ""


def next_held(request: HttpRequest, access: Access, kind: WorkKind, batch: str) -> Assignment | None:
    """The next item of this batch; when none is left there, of any other, and the person is told."""
    held = work_claim_next(user=access.user, project=access.project, kind=kind, batch=batch[:60])
    if held is None and batch:
        held = work_claim_next(user=access.user, project=access.project, kind=kind)
        if held is not None:
            messages.info(request, _("Nothing more of this task waits for you; here is what waits of another."))
    return held


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
