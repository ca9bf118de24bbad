from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.utils import timezone

from core.choices import LinkKind
from core.models import ApiToken, Membership, OneTimeLink, Project, User


def people_list() -> QuerySet[User]:
    """Everyone, active people first, with their projects and whether a second factor is asked of them."""
    memberships = Membership.objects.select_related("project").order_by("project__name")
    return (
        User.objects.annotate(has_second_factor=Exists(Authenticator.objects.filter(user=OuterRef("pk"))))
        .order_by("-is_active", "name", "email")
        .prefetch_related(Prefetch("memberships", queryset=memberships))
    )


def members_of(project: Project) -> QuerySet[Membership]:
    return Membership.objects.filter(project=project).select_related("user").order_by("user__name", "pk")


def invitations_open(project: Project | None = None) -> QuerySet[OneTimeLink]:
    """Invitations that can still be taken up: all of them, or a project's."""
    found = OneTimeLink.objects.filter(kind=LinkKind.INVITE, used_at=None, expires_at__gt=timezone.now())
    if project is not None:
        found = found.filter(project=project)
    return found.select_related("project", "created_by").order_by("-pk")


def tokens_of(user: User) -> QuerySet[ApiToken]:
    return ApiToken.objects.filter(user=user).select_related("project").order_by("-created")
