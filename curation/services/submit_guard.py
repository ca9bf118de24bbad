"""Whether a text may be submitted with what the checks found in it: the owner decides for each check."""

from django.utils.translation import gettext as _

from core.denied import ApplicationError
from curation.choices import AtSubmit
from curation.selectors.checking import Checked, Surroundings


def submit_refuse(checked: Checked, around: Surroundings, despite: str) -> str:
    """Raises ApplicationError for a finding that this project refuses, or that it wants a reason for and has none.

    Returns what the revision's note says of findings that are submitted with a reason, "" without any.
    """
    for field, judged in checked.judged.items():
        for found in judged.findings:
            if around.at_submit.get(found.check) == AtSubmit.BLOCK:
                text = _(
                    "This project takes no text with the finding “%(check)s”. Mend it, or say why it is no mistake."
                )
                raise ApplicationError(text % {"check": name_of(found.check, around)}, field=field)
    asked = [check for check in checked.ids if around.at_submit.get(check) == AtSubmit.ASK]
    names = ", ".join(name_of(check, around) for check in asked)
    if asked and not despite.strip():
        text = _("Mend this first, or say below why it is right as it stands: %(checks)s.")
        raise ApplicationError(text % {"checks": names}, field="despite")
    return _("Despite “%(checks)s”: %(reason)s") % {"checks": names, "reason": despite.strip()} if asked else ""


def name_of(check_id: str, around: Surroundings) -> str:
    return next((_(check.name) for check in around.checks if check.id == check_id), check_id)
