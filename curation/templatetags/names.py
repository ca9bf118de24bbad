from django import template
from django.utils.translation import gettext as _

from core.languages import name_of
from ml.checks.registry import known_checks

register = template.Library()


@register.filter
def check_name(check_id: str) -> str:
    """How a check is called wherever people meet it; the id of one that no longer exists."""
    return next((_(check.name) for check in known_checks() if check.id == check_id), check_id)


@register.filter
def language_name(code: str) -> str:
    """ "sv" gives "Swedish"; a code without a known name stays as it is."""
    return name_of(code)
