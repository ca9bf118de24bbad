from collections.abc import Mapping

from django.db.models import Q, QuerySet

from core.models import Event, Project


def events_of(project: Project | None) -> QuerySet[Event]:
    """The audit log: of the whole installation, or of one project."""
    found = Event.objects.select_related("actor")
    return found.select_related("project") if project is None else found.filter(project=project)


def events_filtered(events: QuerySet[Event], query: Mapping[str, str]) -> QuerySet[Event]:
    """Narrow by `action` (its beginning, such as "job."), `who` (name or address), `object` (type, or type and id)."""
    if action := query.get("action", "").strip():
        events = events.filter(action__startswith=action)
    if who := query.get("who", "").strip():
        events = events.filter(Q(actor__name__icontains=who) | Q(actor__email__icontains=who))
    if kind := query.get("object", "").strip():
        name, _space, key = kind.partition(" ")
        events = events.filter(object_type=name.lower(), **({"object_id": key.strip()} if key.strip() else {}))
    return events
