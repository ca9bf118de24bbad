import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from core.choices import LinkKind, Role
from core.denied import ApplicationError
from core.models import Membership, OneTimeLink, Project, User
from core.services.events import event_record
from core.services.people import membership_set, sign_ins_end, user_create

RESET_DAYS = 2


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def link_create(
    *,
    actor: User | None,
    kind: LinkKind,
    email: str = "",
    project: Project | None = None,
    role: str = "",
    makes_admin: bool = False,
    user: User | None = None,
    note: str = "",
    days: int = 7,
) -> str:
    """Make a one-time link and return its URL path. The secret in it is shown once and stored only as a hash."""
    secret = secrets.token_urlsafe(32)
    link = OneTimeLink.objects.create(
        kind=kind,
        secret_hash=hash_of(secret),
        email=email.strip().lower(),
        project=project,
        role=role,
        makes_admin=makes_admin,
        user=user,
        note=note,
        created_by=actor,
        expires_at=timezone.now() + timedelta(days=days),
    )
    event_record(actor=actor, action=f"link.{kind}", project=project, subject=link, role=role, makes_admin=makes_admin)
    return reverse("link", args=[secret])


@transaction.atomic
def link_withdraw(*, actor: User, link_id: int, project: Project | None = None) -> None:
    """Make an unused invitation worthless. With a `project`, only one of that project."""
    found = OneTimeLink.objects.filter(pk=link_id, kind=LinkKind.INVITE, used_at=None)
    link = (found if project is None else found.filter(project=project)).select_for_update(of=("self",)).first()
    if link is None:
        raise ApplicationError(_("This link was used or withdrawn already."))
    event_record(actor=actor, action="link.withdrawn", project=link.project, subject=link)
    link.delete()


def first_admin_link() -> str | None:
    """The way in for the first admin: a fresh one-time URL path while there is no admin, else None."""
    if User.objects.filter(is_superuser=True, is_active=True).exists():
        return None
    OneTimeLink.objects.filter(kind=LinkKind.FIRST_ADMIN, used_at=None).delete()
    return link_create(actor=None, kind=LinkKind.FIRST_ADMIN, makes_admin=True, days=2)


def link_open(secret: str, *, lock: bool = False) -> OneTimeLink:
    """The unused, unexpired link behind the secret. Raises ApplicationError with the cure otherwise."""
    rows = OneTimeLink.objects.select_for_update(of=("self",)) if lock else OneTimeLink.objects
    link = rows.filter(secret_hash=hash_of(secret)).select_related("project", "user").first()
    if link is None:
        raise ApplicationError(_("This link is not known here. Ask for a new one."))
    if link.used_at:
        raise ApplicationError(_("This link was used already. Sign in, or ask for a new one."))
    if link.expires_at < timezone.now():
        raise ApplicationError(_("This link has expired. Ask for a new one."))
    return link


@transaction.atomic
def link_accept_new(*, secret: str, email: str, name: str, password: str) -> User:
    """Make the invited person's account and membership, and use the link up, all or nothing."""
    link = link_open(secret, lock=True)
    if link.kind == LinkKind.RESET:
        raise ApplicationError(_("This link resets a password; it makes no account."))
    user = user_create(
        actor=link.created_by, email=link.email or email, name=name, password=password, is_admin=link.makes_admin
    )
    use_link(link, user)
    return user


@transaction.atomic
def link_accept_member(*, secret: str, user: User) -> OneTimeLink:
    """A person who has an account already takes up an invitation to a project."""
    link = link_open(secret, lock=True)
    if link.kind != LinkKind.INVITE or (link.email and link.email != user.email):
        raise ApplicationError(_("This invitation is for somebody else."))
    if link.project is None:
        raise ApplicationError(_("You have an account already; this invitation makes a new one."))
    if Membership.objects.filter(project=link.project, user=user).exists():
        raise ApplicationError(_("You are a member of %(project)s already.") % {"project": link.project})
    use_link(link, user)
    return link


@transaction.atomic
def link_accept_reset(*, secret: str, password: str) -> User:
    """Set a new password by a reset link and end every session and token of that person."""
    link = link_open(secret, lock=True)
    if link.kind != LinkKind.RESET or link.user is None:
        raise ApplicationError(_("This link does not reset a password."))
    if not link.user.is_active:
        raise ApplicationError(_("This account is deactivated. Ask an admin to reactivate it."))
    validate_password(password, link.user)
    link.user.set_password(password)
    link.user.save(update_fields=["password"])
    sign_ins_end(link.user)
    use_link(link, link.user)
    return link.user


def use_link(link: OneTimeLink, user: User) -> None:
    OneTimeLink.objects.filter(pk=link.pk).update(used_at=Now(), used_by=user)
    if link.project is not None and link.role:
        membership_set(actor=link.created_by or user, project=link.project, user=user, role=Role(link.role))
    event_record(actor=user, action="link.used", project=link.project, subject=link)
