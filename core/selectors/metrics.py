from django.db.models import Count
from django.utils import timezone
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from core.choices import JOB_OPEN
from core.models import Heartbeat, Job


def queue_metrics() -> bytes:
    """Open jobs and signs of life, read from the rows: every web process tells the same."""
    registry = CollectorRegistry()
    jobs = Gauge("apprentice_jobs", "Open jobs by queue and state", ["queue", "state"], registry=registry)
    for row in Job.objects.filter(state__in=JOB_OPEN).values("queue", "state").annotate(count=Count("pk")):
        jobs.labels(row["queue"], row["state"]).set(row["count"])
    age = Gauge(
        "apprentice_heartbeat_age_seconds", "Seconds since a worker or beat was heard", ["name"], registry=registry
    )
    now = timezone.now()
    for beat in Heartbeat.objects.all():
        age.labels(beat.name).set((now - beat.seen_at).total_seconds())
    return generate_latest(registry)
