"""Spending a test item: it may teach from now on, and measures nothing any more."""

from django.db import transaction
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.models import User
from core.services.events import event_record
from curation.choices import Part
from curation.models import Pair, Place, Spent
from curation.selectors.spending import standing_of


@transaction.atomic
def test_item_spend(*, actor: User, pair: Pair, reason: str) -> list[Spent]:
    """The pair's whole group goes to train in the next version. Its items leave every later comparison, and a fresh
    one is asked for. Spent twice is spent once. Raises ApplicationError for a pair that is no test item.
    """
    if not reason.strip():
        raise ApplicationError(_("Say why this item is worth more as a lesson."), field="reason")
    place = Place.objects.select_for_update().filter(pair=pair).first()
    if place is not None and (spent := list(Spent.objects.filter(because=pair))):
        return spent
    if place is None or standing_of(pair) != Part.TEST:
        raise ApplicationError(_("Only a pair that stands in the test part of the newest version can be spent."))
    group = Place.objects.select_for_update().filter(task=place.task_id, group=place.group)
    pairs = sorted(group.values_list("pair_id", flat=True))
    group.update(pinned=Part.TRAIN)
    spent = Spent.objects.bulk_create(
        [
            Spent(pair_id=each, task_id=place.task_id, because=pair, reason=reason.strip()[:300], spent_by=actor)
            for each in pairs
        ]
    )
    event_record(actor=actor, action="pair.spent", project=pair.project, subject=pair, pairs=pairs)
    return spent
