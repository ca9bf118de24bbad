"""A second factor whose phone and recovery codes are lost. Its owner switches it off by allauth's pages; these are the
two other ways: an admin's, for somebody else, and the operator's on the machine itself, for whom no admin can help."""

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from core.choices import LinkKind, NoticeKind
from core.denied import ApplicationError
from core.models import User
from core.services.events import event_record
from core.services.inbox import account_tell
from core.services.invitations import RESET_DAYS, link_create
from core.services.people import sign_ins_end


def second_factor_check(*, actor: User | None, user: User) -> None:
    """Raise ApplicationError where this door is closed: for oneself, and where there is nothing to remove."""
    if actor is not None and actor.pk == user.pk:
        raise ApplicationError(
            _("Your own you switch off under “Password and sign-in”, with a code; here another admin removes it.")
        )
    if not Authenticator.objects.filter(user=user).exists():
        raise ApplicationError(_("%(name)s has no second factor; a password link is enough.") % {"name": user})


@transaction.atomic
def second_factor_remove(*, actor: User | None, user: User, reason: str) -> None:
    """Let a person in by the password alone from now on.

    1. the app and the recovery codes are forgotten. 2. their sessions and tokens end: whoever asked for this may not be
    who they said. 3. they are told who did it and why. `actor` is None for the operator of the machine.
    """
    second_factor_check(actor=actor, user=user)
    if not reason.strip():
        raise ApplicationError(_("Say why, in a few words: it is kept, and told to %(name)s.") % {"name": user})
    Authenticator.objects.filter(user=user).delete()
    sign_ins_end(user)
    account_tell(user=user, kind=NoticeKind.FACTOR, actor=actor, url=reverse("mfa_index"), text=reason)
    event_record(actor=actor, action="user.second_factor_removed", subject=user, summary=reason)


@transaction.atomic
def person_rescue(*, email: str) -> tuple[User, str, bool]:
    """The operator's way back in for a person: a one-time link for a new password, and no second factor any more.

    Returns whose it is, the link's path, and whether a second factor was removed. Raises ApplicationError with the cure
    for an unknown address or a deactivated person.
    """
    user = User.objects.filter(email=User.objects.normalize_email(email).lower()).first()
    if user is None:
        admins = User.objects.filter(is_superuser=True, is_active=True).order_by("email")
        known = ", ".join(admins.values_list("email", flat=True)) or _("none, so the next start prints a link for one")
        raise ApplicationError(
            _("Nobody here has the address %(email)s. Admins: %(known)s.") % {"email": email, "known": known}
        )
    if not user.is_active:
        raise ApplicationError(
            _("%(email)s is deactivated. An admin reactivates people; while there is none, the start prints a link.")
            % {"email": user.email}
        )
    had = Authenticator.objects.filter(user=user).exists()
    if had:
        second_factor_remove(actor=None, user=user, reason=_("Asked for on the machine that Apprentice runs on"))
    return user, link_create(actor=None, kind=LinkKind.RESET, user=user, days=RESET_DAYS), had
