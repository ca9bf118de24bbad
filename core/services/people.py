from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from core.choices import Role
from core.denied import ApplicationError
from core.models import ApiToken, Membership, Notice, OneTimeLink, Project, User
from core.services.events import event_record


@transaction.atomic
def user_create(*, actor: User | None, email: str, name: str, password: str, is_admin: bool = False) -> User:
    """Make a person. Raises ApplicationError when the address is taken, ValidationError for a weak password."""
    email = User.objects.normalize_email(email).lower()
    if User.objects.filter(email=email).exists():
        raise ApplicationError(
            _("%(email)s already has an account; sign in with it.") % {"email": email}, field="email"
        )
    user = User(email=email, name=name, is_superuser=is_admin)
    validate_password(password, user)
    user.set_password(password)
    user.full_clean()
    user.save()
    event_record(actor=actor or user, action="user.created", subject=user, is_admin=is_admin)
    return user


@transaction.atomic
def user_deactivate(*, actor: User, user: User) -> None:
    """Shut a person out at once: sessions, tokens and open links end in this transaction, their work stays theirs."""
    if user.pk == actor.pk:
        raise ApplicationError(_("You cannot deactivate yourself; ask another admin."))
    User.objects.filter(pk=user.pk).update(is_active=False)
    sign_ins_end(user)
    # A link they made for themselves beforehand must not be the way back in.
    OneTimeLink.objects.filter(Q(user=user) | Q(created_by=user), used_at=None).delete()
    user.refresh_from_db()
    event_record(actor=actor, action="user.deactivated", subject=user)


def sign_ins_end(user: User) -> None:
    """Every browser and every program of that person has to show again who they are."""
    for session in UserSession.objects.filter(user=user):
        session.end()
    ApiToken.objects.filter(user=user).delete()


@transaction.atomic
def user_reactivate(*, actor: User, user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=True)
    user.refresh_from_db()
    event_record(actor=actor, action="user.reactivated", subject=user)


@transaction.atomic
def user_set_admin(*, actor: User, user: User, is_admin: bool) -> None:
    if user.pk == actor.pk and not is_admin:
        raise ApplicationError(_("You cannot take the admin role from yourself; ask another admin."))
    User.objects.filter(pk=user.pk).update(is_superuser=is_admin)
    if not is_admin:
        OneTimeLink.objects.filter(created_by=user, used_at=None).delete()
    user.refresh_from_db()
    event_record(actor=actor, action="user.admin_changed", subject=user, is_admin=is_admin)


@transaction.atomic
def membership_set(*, actor: User, project: Project, user: User, role: Role) -> Membership:
    """Give a person a role in a project, replacing the one they had. The last owner stays owner."""
    refuse_ownerless(project, user, keeps_owner=role == Role.OWNER)
    if role != Role.OWNER:
        end_links_of(project, user)
    membership, _created = Membership.objects.update_or_create(project=project, user=user, defaults={"role": role})
    event_record(actor=actor, action="membership.set", project=project, subject=membership, user=user.pk, role=role)
    return membership


@transaction.atomic
def membership_remove(*, actor: User, project: Project, user: User) -> None:
    refuse_ownerless(project, user, keeps_owner=False)
    end_links_of(project, user)
    Membership.objects.filter(project=project, user=user).delete()
    Notice.objects.filter(project=project, user=user).delete()
    event_record(actor=actor, action="membership.removed", project=project, subject=user)


def end_links_of(project: Project, user: User) -> None:
    """Who no longer owns the project leaves no open invitation to it behind."""
    OneTimeLink.objects.filter(project=project, created_by=user, used_at=None).delete()


def refuse_ownerless(project: Project, user: User, *, keeps_owner: bool) -> None:
    owners = Membership.objects.select_for_update().filter(project=project, role=Role.OWNER)
    if not keeps_owner and [owner.user_id for owner in owners] == [user.pk]:
        raise ApplicationError(_("A project needs an owner; make somebody else owner first."))


@transaction.atomic
def token_create(
    *, actor: User, name: str, project: Project | None, may_write: bool, days: int
) -> tuple[ApiToken, str]:
    """A new API token. Its plain text is returned once and kept nowhere; only its hash is stored."""
    token, plain = ApiToken.objects.create(
        user=actor, expiry=timedelta(days=days), name=name, project=project, may_write=may_write
    )
    key = token.token_key
    event_record(actor=actor, action="token.created", project=project, key=key, may_write=may_write, days=days)
    return token, plain


@transaction.atomic
def token_revoke(*, actor: User, token: ApiToken) -> None:
    event_record(actor=actor, action="token.revoked", project=token.project, key=token.token_key, summary=token.name)
    token.delete()


@transaction.atomic
def profile_update(*, actor: User, name: str, single_keys: bool, mails: str) -> None:
    User.objects.filter(pk=actor.pk).update(name=name, single_keys=single_keys, mails=mails)
    actor.refresh_from_db()
    event_record(actor=actor, action="user.profile_changed", subject=actor)
