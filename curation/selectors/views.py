from django.db.models import Q, QuerySet

from core.models import User
from curation.models import SavedView, Task


def views_of(task: Task, user: User) -> QuerySet[SavedView]:
    """One's own saved views and those that others share."""
    return SavedView.objects.filter(Q(user=user) | Q(shared=True), task=task).select_related("user")
