"""What ties pairs of a task together, as it was kept, without what people dismissed."""

from django.db.models import F, Q

from curation.models import Pair, PairLink, Revision
from curation.selectors.findings import dismissals_of


def links_standing(project_id: int, links: list[PairLink]) -> list[PairLink]:
    """Those that nobody dismissed. Two queries."""
    ends = {link.one_revision for link in links} | {link.other_revision for link in links}
    prints = dict(Revision.objects.filter(pk__in=ends).values_list("pk", "fingerprint"))
    dismissed = dismissals_of(project_id, set(prints.values()))
    standing = []
    for link in links:
        here, there = prints.get(link.one_revision, ""), prints.get(link.other_revision, "")
        if not {(here, link.check_id, there), (there, link.check_id, here)} & dismissed:
            standing.append(link)
    return standing


def links_of(pair: Pair) -> list[PairLink]:
    """The links of a pair that still hold: both pairs say what was compared, and nobody dismissed it."""
    rows = PairLink.objects.filter(Q(one=pair) | Q(other=pair)).select_related("one", "other")
    holding = rows.filter(one_revision=F("one__current"), other_revision=F("other__current"))
    return links_standing(pair.task.project_id, list(holding.order_by("-similarity", "pk")[:50]))
