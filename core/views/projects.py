"""Making a project, its settings and its members."""

from copy import copy

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from core.access import Access, project_access, projects_for, require_admin
from core.choices import LinkKind, Need, Role
from core.forms import LINK_DAYS, InviteMember, MemberRole, NewProject, ProjectSettings
from core.models import User
from core.selectors.people import invitations_open, members_of
from core.services.invitations import link_create, link_withdraw
from core.services.people import membership_remove, membership_set
from core.services.projects import project_create, project_remove_demo, project_update
from core.views.telling import refusal_on, refusal_told


def new(request: HttpRequest) -> HttpResponse:
    """An admin makes a project and becomes its owner."""
    actor = require_admin(request)
    form = NewProject(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusal_on(form):
            project = project_create(actor=actor, **form.cleaned_data)
        if not form.errors:
            messages.success(request, _("The project is made. Invite the people who will work in it."))
            return redirect("project-settings", project.slug)
    return render(request, "core/project_new.html", {"form": form}, status=400 if form.errors else 200)


def settings(request: HttpRequest, project: str) -> HttpResponse:
    """What the project is and who works in it, for its owners."""
    access = project_access(request, project, Need.OWN)
    # A copy: the form writes what was typed into its instance, and the service must see what was before.
    form = ProjectSettings(request.POST or None, instance=copy(access.project))
    if request.method == "POST" and form.is_valid():
        with refusal_on(form):
            project_update(actor=access.user, project=access.project, **form.cleaned_data)
        if not form.errors:
            messages.success(request, _("The settings are saved."))
            return redirect("project-settings", project)
    return page(request, access, form, status=400 if form.errors else 200)


def page(
    request: HttpRequest, access: Access, form: ProjectSettings, status: int = 200, **extra: object
) -> HttpResponse:
    context = {
        "form": form,
        "members": members_of(access.project),
        "invitations": invitations_open(access.project),
        "invite_form": InviteMember(prefix="invite"),
        "roles": Role.choices,
        "days": LINK_DAYS,
        **extra,
    }
    return render(request, "core/project_settings.html", context, status=status)


@require_POST
@never_cache
def member_invite(request: HttpRequest, project: str) -> HttpResponse:
    """A one-time link into this project. Shown in this answer alone."""
    access = project_access(request, project, Need.OWN)
    form = InviteMember(request.POST, prefix="invite")
    settings_form = ProjectSettings(instance=copy(access.project))
    if not form.is_valid():
        return page(request, access, settings_form, status=400, invite_form=form)
    path = link_create(
        actor=access.user, kind=LinkKind.INVITE, project=access.project, days=LINK_DAYS, **form.cleaned_data
    )
    link, role = request.build_absolute_uri(path), Role(form.cleaned_data["role"]).label
    return page(request, access, settings_form, link=link, link_role=role, link_for=form.cleaned_data["email"])


@require_POST
def invitation_withdraw(request: HttpRequest, project: str, invitation: int) -> HttpResponse:
    access = project_access(request, project, Need.OWN)
    with refusal_told(request, _("The link is withdrawn; it opens nothing any more.")):
        link_withdraw(actor=access.user, link_id=invitation, project=access.project)
    return redirect("project-settings", project)


@require_POST
def member_role(request: HttpRequest, project: str, user: int) -> HttpResponse:
    access = project_access(request, project, Need.OWN)
    person = get_object_or_404(User, pk=user, memberships__project=access.project)
    form = MemberRole(request.POST)
    if not form.is_valid():
        messages.error(request, _("This is not a role; choose one of the list."))
        return redirect("project-settings", project)
    role = Role(form.cleaned_data["role"])
    with refusal_told(request, _("%(name)s is %(role)s now.") % {"name": person, "role": role.label}):
        membership_set(actor=access.user, project=access.project, user=person, role=role)
    return redirect("project-settings", project)


@require_POST
def member_remove(request: HttpRequest, project: str, user: int) -> HttpResponse:
    access = project_access(request, project, Need.OWN)
    person = get_object_or_404(User, pk=user, memberships__project=access.project)
    with refusal_told(request, _("%(name)s is no member any more; their work stays.") % {"name": person}):
        membership_remove(actor=access.user, project=access.project, user=person)
    still_there = projects_for(request).filter(pk=access.project.pk).exists()
    return redirect("project-settings", project) if still_there else redirect("/")


@require_POST
def demo_remove(request: HttpRequest, project: str) -> HttpResponse:
    access = project_access(request, project, Need.OWN)
    with refusal_told(request, _("The demo project is removed.")):
        project_remove_demo(actor=access.user, project=access.project)
        return redirect("/")
    return redirect("project-settings", project)
