"""The hours in which work may run that people asked to be done at night."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone


def is_night(moment: datetime | None = None) -> bool:
    """Whether `moment` (now) lies between the two hours of NIGHT_HOURS, in the installation's time zone."""
    start, end = settings.NIGHT_HOURS
    hour = timezone.localtime(moment).hour
    return start <= hour < end if start < end else hour >= start or hour < end


def next_night(moment: datetime) -> datetime:
    """`moment` itself if it is night, else the next hour at which a night begins."""
    if is_night(moment):
        return moment
    start, _end = settings.NIGHT_HOURS
    local = timezone.localtime(moment)
    begins = local.replace(hour=start, minute=0, second=0, microsecond=0)
    return begins if begins > local else begins + timedelta(days=1)
