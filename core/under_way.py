"""How pages far from a job say that it is under way."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.templatetags.parts import about


def under_way(count: int, seconds: float | None) -> str:
    """For a stop of the loop: how many, and how long the first still takes, where that is known."""
    text = ngettext("%(count)d under way", "%(count)d under way", count) % {"count": count}
    return f"{text}, {_('about %(time)s left') % {'time': about(seconds)}}" if seconds else text


def time_left(seconds: float | None) -> str:
    return _("About %(time)s left. You may leave; it goes on.") % {"time": about(seconds)} if seconds else ""
