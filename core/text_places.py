"""Where words that an owner wants erased may stand in what core keeps."""

from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, Now

from core.choices import DeliveryState
from core.models import Assignment, Comment, Delivery, Event, Job, JobLog, Notice, OneTimeLink, Project, WorkItem
from core.registries import TextPlace


def deliveries(project: Project) -> QuerySet[Delivery]:
    return Delivery.objects.filter(Q(webhook__project=project) | Q(body__contains=f'"project":"{project.slug}"'))


WAITING = When(state=DeliveryState.WAITING, then=Value(DeliveryState.GIVEN_UP))
PLACES = [
    TextPlace(
        lambda project: Comment.objects.filter(thread__project=project),
        ("body",),
        {"body": "", "removed_at": Coalesce("removed_at", Now())},
    ),
    TextPlace(lambda project: Notice.objects.filter(project=project), ("text",), {"text": ""}),
    TextPlace(lambda project: OneTimeLink.objects.filter(project=project), ("note",), {"note": ""}),
    TextPlace(lambda project: WorkItem.objects.filter(project=project), ("note",), {"note": ""}),
    TextPlace(lambda project: Assignment.objects.filter(item__project=project), ("reason",), {"reason": ""}),
    TextPlace(
        lambda project: Job.objects.filter(project=project),
        ("subject", "message", "error"),
        {"subject": "", "message": "", "error": ""},
    ),
    TextPlace(lambda project: JobLog.objects.filter(job__project=project), ("message",), {"message": ""}),
    TextPlace(deliveries, ("body",), {"body": "{}", "state": Case(WAITING, default=F("state"))}),
    TextPlace(
        lambda project: Event.objects.filter(project=project),
        ("summary", "data"),
        {"summary": "", "data": {"erased": True}},
    ),
]
