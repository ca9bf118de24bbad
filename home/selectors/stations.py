"""The loop of a project: its stations from every app, and what its people could best do now."""

from core import registries
from core.access import Access
from core.models import Project
from core.registries import NextAction, Station

MOST_ACTIONS = 4


def stations_of(project: Project) -> list[Station]:
    return sorted((station for find in registries.stations for station in find(project)), key=lambda one: one.order)


def next_station(stations: list[Station]) -> str:
    """The key of the first station that has nothing yet; "" when the loop is closed once, or while something comes."""
    if any(station.going for station in stations):
        return ""
    return next((station.key for station in stations if not station.done), "")


def next_actions(access: Access) -> list[NextAction]:
    """What this person could do now, best first, at most four."""
    found = [action for find in registries.next_actions for action in find(access)]
    return sorted(found, key=lambda action: action.rank)[:MOST_ACTIONS]
