from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics

from core.access import project_access, require_admin
from core.api.shapes import EventOut
from core.choices import Need
from core.models import Event
from core.selectors.events import events_filtered, events_of

PARAMETERS = [
    OpenApiParameter("project", str, description="Slug, for its owners; without it the whole log, for admins."),
    OpenApiParameter("action", str, description="The action's beginning, such as “job.”."),
    OpenApiParameter("who", str, description="Part of a name or address."),
    OpenApiParameter("object", str, description="An object's type, or type and id: “job 12”."),
]


@extend_schema(tags=["events"], parameters=PARAMETERS)
class Events(generics.ListAPIView[Event]):
    """The audit log, newest first. Nobody can change or delete a line; an erasure empties what it says of a text."""

    serializer_class = EventOut
    queryset = Event.objects.none()

    def get_queryset(self) -> QuerySet[Event]:
        query = self.request.query_params.dict()
        if slug := query.get("project", ""):
            project = project_access(self.request, slug, Need.OWN).project
            return events_filtered(events_of(project).select_related("project"), query)
        require_admin(self.request)
        return events_filtered(events_of(None), query)
