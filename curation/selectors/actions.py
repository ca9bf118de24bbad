"""What a person did last, to look back at and to take back."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from core import registries
from core.models import Event, Project, User

MOST = 20
UNDONE = "action.undone"


@dataclass(frozen=True)
class ActionRow:
    event: Event
    label: Any
    text: str  # of what it was about
    url: str


def actions_last(user: User, project: Project) -> list[ActionRow]:
    """The last 20 that may still be taken back, newest first."""
    events = actions_undoable(user, project)
    by_about = defaultdict(list)
    for event in events:
        by_about[registries.undoable[event.action].about].append(event)
    known = {pk: said for about, some in by_about.items() for pk, said in about(project, some).items()}
    return [
        ActionRow(event, registries.undoable[event.action].label, *known[event.pk])
        for event in events
        if event.pk in known
    ]


def actions_undoable(actor: User, project: Project) -> list[Event]:
    """The person's last actions that can still be tried to take back, newest first."""
    known = [*registries.undoable, UNDONE]
    found = list(Event.objects.filter(actor=actor, project=project, action__in=known).order_by("-pk")[: 4 * MOST])
    gone = {number for event in found if event.action == UNDONE for number in event.data["events"]}
    return [event for event in found if event.action != UNDONE and event.pk not in gone][:MOST]
