from django.utils.translation import gettext as _
from rest_framework.request import Request

from core.denied import ApplicationError
from core.numbers import whole_number


def number_asked(request: Request, name: str) -> int:
    """The number that the address gives as `?name=`. Raises ApplicationError when it gives none."""
    number = whole_number(request.query_params.get(name))
    if number is None:
        raise ApplicationError(_("Give ?%(name)s= as a number.") % {"name": name}, field=name)
    return number
