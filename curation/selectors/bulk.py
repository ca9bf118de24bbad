"""Actions over a whole filter, to read."""

from typing import Any

from django.db.models import QuerySet

from core.models import User
from curation.models import BulkAction, BulkRow, Pair, Task
from curation.pair_filter import PairFilter

MOST_COUNTED = 10_000
SHOWN = 100


def count_bounded(pairs: "QuerySet[Pair]") -> tuple[int, bool]:
    """How many, and whether there are more than were counted: a page does not wait for a million rows."""
    count = pairs.only("pk").order_by()[: MOST_COUNTED + 1].count()
    return min(count, MOST_COUNTED), count > MOST_COUNTED


def actions_of(task: Task) -> "QuerySet[BulkAction]":
    return BulkAction.objects.filter(task=task).select_related("created_by", "job")[:10]


def bulk_page(action: BulkAction, user: User) -> dict[str, Any]:
    refused = BulkRow.objects.filter(action=action).exclude(reason="").order_by("pair")
    asked = PairFilter(action.query, task=action.task, user=action.created_by)
    asked.is_valid()
    return {
        "action": action,
        "task": action.task,
        "refusals": list(refused[:SHOWN]),
        "chips": asked.chips(),
        "undone": BulkAction.objects.filter(undoes=action).first(),
        "list_url": asked.address(action.query),
    }
