"""The admin's page of people. Everyone else gets 404: who works here is not told."""

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from core.access import require_admin
from core.choices import LinkKind
from core.forms import LINK_DAYS, InvitePerson, RemoveSecondFactor
from core.models import User
from core.selectors.people import invitations_open, people_list
from core.services.invitations import RESET_DAYS, link_create, link_withdraw
from core.services.people import user_deactivate, user_reactivate, user_set_admin
from core.services.second_factor import second_factor_check, second_factor_remove
from core.views.telling import refusal_on, refusal_told


@require_GET
def people(request: HttpRequest) -> HttpResponse:
    """Who works here, with their projects, and a form that makes an invitation link."""
    require_admin(request)
    return page(request, InvitePerson())


def page(request: HttpRequest, form: InvitePerson, status: int = 200, **extra: object) -> HttpResponse:
    context = {"people": people_list(), "invitations": invitations_open(), "form": form, "days": LINK_DAYS, **extra}
    return render(request, "core/people.html", context, status=status)


@require_POST
@never_cache
def invite(request: HttpRequest) -> HttpResponse:
    """Make an invitation link. It is shown in this answer alone: nothing here keeps its secret."""
    actor = require_admin(request)
    form = InvitePerson(request.POST)
    if not form.is_valid():
        return page(request, form, status=400)
    path = link_create(actor=actor, kind=LinkKind.INVITE, days=LINK_DAYS, **form.cleaned_data)
    return page(request, InvitePerson(), link=request.build_absolute_uri(path), link_for=form.cleaned_data["email"])


@require_POST
@never_cache
def reset_link(request: HttpRequest, user: int) -> HttpResponse:
    """A one-time link with which this person sets a new password, to be handed over by the admin."""
    actor = require_admin(request)
    person = get_object_or_404(User, pk=user, is_active=True)
    path = link_create(actor=actor, kind=LinkKind.RESET, user=person, days=RESET_DAYS)
    return page(request, InvitePerson(), link=request.build_absolute_uri(path), link_for=str(person), is_reset=True)


@never_cache
def second_factor(request: HttpRequest, user: int) -> HttpResponse:
    """Remove the second factor of somebody who lost phone and codes; the admin shows first who they are themselves."""
    actor, person = require_admin(request), get_object_or_404(User, pk=user, is_active=True)
    with refusal_told(request):
        second_factor_check(actor=actor, user=person)
        return second_factor_page(request, actor, person)
    return redirect("people")


@reauthentication_required
def second_factor_page(request: HttpRequest, actor: User, person: User) -> HttpResponse:
    form = RemoveSecondFactor(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusal_on(form):
            second_factor_remove(actor=actor, user=person, reason=form.cleaned_data["reason"])
        if not form.errors:
            done = _("%(name)s signs in by password alone now and is told so. Forgotten too? Make a password link.")
            messages.success(request, done % {"name": person})
            return redirect("people")
    status = 400 if form.errors else 200
    return render(request, "core/person_second_factor.html", {"person": person, "form": form}, status=status)


@require_POST
def withdraw(request: HttpRequest, invitation: int) -> HttpResponse:
    actor = require_admin(request)
    with refusal_told(request, _("The link is withdrawn; it opens nothing any more.")):
        link_withdraw(actor=actor, link_id=invitation)
    return redirect("people")


@require_POST
def deactivate(request: HttpRequest, user: int) -> HttpResponse:
    actor, person = require_admin(request), get_object_or_404(User, pk=user)
    done = _("%(name)s is deactivated. Every session and token of theirs has ended; their work stays.")
    with refusal_told(request, done % {"name": person}):
        user_deactivate(actor=actor, user=person)
    return redirect("people")


@require_POST
def reactivate(request: HttpRequest, user: int) -> HttpResponse:
    actor, person = require_admin(request), get_object_or_404(User, pk=user)
    with refusal_told(request, _("%(name)s may sign in again.") % {"name": person}):
        user_reactivate(actor=actor, user=person)
    return redirect("people")


@require_POST
def set_admin(request: HttpRequest, user: int) -> HttpResponse:
    actor, person = require_admin(request), get_object_or_404(User, pk=user)
    is_admin = request.POST.get("is_admin") == "yes"
    done = _("%(name)s is an admin now.") if is_admin else _("%(name)s is no admin any more.")
    with refusal_told(request, done % {"name": person}):
        user_set_admin(actor=actor, user=person, is_admin=is_admin)
    return redirect("people")
