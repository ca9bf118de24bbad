"""The one door to projects. Views and API come through here, or through an app's own access.py on top of it."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from core.choices import ROLE_GRANTS, Need, Role, grants_of
from core.denied import Denied, Refused
from core.models import ApiToken, Comment, Job, Membership, Project, User

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
MOST_LISTED = 50  # projects in the list that every page has


@dataclass(frozen=True)
class Access:
    project: Project
    user: User
    role: str  # a Role, or "admin"

    def allows(self, need: str) -> bool:
        return need in grants_of(self.role)

    def check(self, need: str) -> bool | Denied:
        """True, or a falsy refusal with its reason, for pages that grey out what they cannot offer."""
        if self.allows(need):
            return True
        roles = ", ".join(str(Role(role).label) for role, grants in ROLE_GRANTS.items() if need in grants)
        return Denied(
            _("To %(what)s you need one of these roles: %(roles)s.") % {"what": Need(need).label, "roles": roles}
        )


def person(request: Any) -> User:
    """Who is signed in. Pages outside a project that everybody has, such as the profile, need nothing more."""
    if not request.user.is_authenticated:
        raise Http404
    return request.user


def api_token(request: Any) -> ApiToken | None:
    auth = getattr(request, "auth", None)
    return auth if isinstance(auth, ApiToken) else None


def projects_for(request: Any) -> QuerySet[Project]:
    """Every project the request may see; a token's scope narrows it."""
    user = request.user
    found = Project.objects.all() if user.is_admin else Project.objects.filter(memberships__user=user)
    token = api_token(request)
    return found.filter(pk=token.project_id) if token and token.project_id else found


def memberships_of(request: Any) -> list[Membership]:
    """What this person belongs to, up to fifty by name: one statement a request, for its project and for the frame."""
    if not hasattr(request, "memberships"):
        rows = Membership.objects.filter(user=request.user).select_related("project").order_by("project__name")
        request.memberships = list(rows[:MOST_LISTED])
    return request.memberships


def projects_listed(request: Any) -> list[Project]:
    """The projects to choose from in the frame of a page."""
    if request.user.is_admin:
        return list(projects_for(request)[:MOST_LISTED])
    return [member.project for member in memberships_of(request)]


def project_access(request: Any, slug: str, need: str = Need.VIEW) -> Access:
    """The project behind `slug` for this request.

    1. A stranger, another project's token or an unknown slug gets 404: existence is not told.
    2. A member without the role, or a read-only token that writes, gets 403 with the reason.
    3. The request keeps what was found, for the frame around the page.
    """
    access = found_access(request, slug)
    refuse_read_only_token(request)
    allowed = access.check(need)
    if isinstance(allowed, Denied):
        raise Refused(allowed)
    request.access = access
    return access


def found_access(request: Any, slug: str) -> Access:
    """The project with the person's role in it, by one statement."""
    user, token = request.user, api_token(request)
    if user.is_admin:
        project, role = Project.objects.filter(slug=slug).first(), "admin"
    else:
        listed = memberships_of(request)
        member = next((one for one in listed if one.project.slug == slug), None)
        if member is None and len(listed) == MOST_LISTED:
            member = Membership.objects.filter(user=user, project__slug=slug).select_related("project").first()
        project, role = (member.project, member.role) if member else (None, "")
    if project is None or (token and token.project_id not in (None, project.pk)):
        raise Http404
    return Access(project, user, role)


@dataclass(frozen=True)
class JobAccess:
    job: Job
    access: Access | None  # None: work of the whole installation, which only an admin sees
    may_control: bool | Denied  # stop, hold, start again
    may_order: bool  # move in a queue that all projects share


def job_access(request: Any, job_id: int) -> JobAccess:
    """A job as the request may see it: a member of its project, or an admin; anyone else gets 404."""
    job = Job.objects.select_related("project", "requested_by").filter(pk=job_id).first()
    if job is None:
        raise Http404
    if job.project is None:
        require_admin(request)
        return JobAccess(job, None, True, True)
    access = project_access(request, job.project.slug)
    mine = job.requested_by_id == access.user.pk
    return JobAccess(job, access, mine or access.check(Need.OWN), access.role == "admin")


def comment_access(request: Any, slug: str, comment: int) -> tuple[Access, Comment]:
    """A comment, for who may take it back: its author, or an owner of the project. Other members get 403."""
    access = project_access(request, slug)
    rows = Comment.objects.select_related("thread__project").filter(thread__project=access.project)
    found = get_object_or_404(rows, pk=comment)
    allowed = found.author_id == access.user.pk or access.check(Need.OWN)
    if isinstance(allowed, Denied):
        raise Refused(allowed)
    return access, found


def comment_by_id(request: Any, comment: int) -> tuple[Access, Comment]:
    found = get_object_or_404(Comment.objects.select_related("thread__project"), pk=comment)
    return comment_access(request, found.thread.project.slug, comment)


def job_control(request: Any, job_id: int) -> JobAccess:
    """The same, for who may stop it: an owner of its project, or the person who asked for it. 403 otherwise."""
    found = job_access(request, job_id)
    if isinstance(found.may_control, Denied):
        raise Refused(found.may_control)
    return found


def refuse_read_only_token(request: Any) -> None:
    token = api_token(request)
    if token and not token.may_write and request.method not in SAFE_METHODS:
        raise Refused(Denied(_("This token may only read."), _("Make one that may write in your profile.")))


def require_admin(request: Any) -> User:
    """The admin behind the request; anyone else gets 404, a token bound to one project too."""
    token = api_token(request)
    if not request.user.is_authenticated or not request.user.is_admin or (token and token.project_id):
        raise Http404
    refuse_read_only_token(request)
    return request.user
