from django.db.models import Count, Q, QuerySet

from core.choices import DeliveryState
from core.models import Webhook


def webhooks_with_counts() -> QuerySet[Webhook]:
    """Newest first, each with how many deliveries were taken, wait and were given up."""
    states = {state.value: Count("deliveries", filter=Q(deliveries__state=state)) for state in DeliveryState}
    rows = Webhook.objects.select_related("project", "created_by")
    return rows.annotate(**states).order_by("-pk")
