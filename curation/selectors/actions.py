"""What a person did last, to look back at and to take back."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.models import Event, Project, User
from curation.models import Pair
from curation.services.undo import actions_undoable

LABELS = {
    "pair.submitted": _("submitted"),
    "pair.revised": _("corrected"),
    "pair.approved": _("approved"),
    "pair.approved_by_one": _("approved, one more is needed"),
    "pair.returned": _("returned"),
    "pair.escalated": _("passed on to an owner"),
    "pair.skipped": _("skipped"),
    "pair.trashed": _("moved to the trash"),
    "pair.restored": _("restored"),
}


@dataclass(frozen=True)
class ActionRow:
    event: Event
    label: Any
    pair: Pair


def actions_last(user: User, project: Project) -> list[ActionRow]:
    """The last 20 that may still be taken back, newest first."""
    events = actions_undoable(user, project)
    pairs = Pair.objects.filter(project=project, pk__in=[int(event.object_id) for event in events])
    known = {str(pair.pk): pair for pair in pairs.select_related("current", "task")}
    return [
        ActionRow(event, LABELS[event.action], known[event.object_id]) for event in events if event.object_id in known
    ]
