"""Taking back what a person just did. History stays true: the deed and its taking back are both recorded.

What can be taken back, and how, stands in `registries.undoable`: curation's own is in services/takebacks.py.
"""

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core import registries
from core.denied import ApplicationError
from core.models import Event, Project, User
from core.registries import TakenBack
from core.services.events import event_record
from curation.models import Pair
from curation.selectors.actions import UNDONE, actions_undoable


@transaction.atomic
def action_undo(*, actor: User, project: Project, event: Event) -> TakenBack:
    """Take back one of the person's last actions.

    Raises ApplicationError when it is none of these, was taken back already, or others have built on it since.
    """
    if event not in actions_undoable(actor, project):
        raise ApplicationError(_("This is none of your last 20 actions, or it was taken back already."))
    newest = Event.objects.filter(project=project).order_by("-pk").values_list("pk", flat=True).first() or 0
    taken = registries.undoable[event.action].undo(actor, project, event)
    # What taking back itself wrote into the log is no action of its own: it would be offered to be taken back.
    own = Event.objects.filter(project=project, actor=actor, pk__gt=newest).values_list("pk", flat=True)
    subject = Pair(pk=taken.pair) if taken.pair else project
    undone_record(actor=actor, project=project, subject=subject, action=event.action, events=[event.pk, *own])
    return taken


def undone_record(*, actor: User, project: Project, subject: Any, action: str, events: Collection[int]) -> None:
    """Say in the log that an action was taken back; none of these events is offered to be taken back any more."""
    event_record(actor=actor, action=UNDONE, project=project, subject=subject, undone=action, events=list(events))
