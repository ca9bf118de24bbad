"""One-time links: the first admin's way in, invitations, new passwords. Open to everybody; the secret is the key."""

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from core.access import person
from core.choices import LinkKind
from core.denied import ApplicationError
from core.forms import NewAccount, NewPassword
from core.models import OneTimeLink, User
from core.services.invitations import link_accept_member, link_accept_new, link_accept_reset, link_open
from core.views.telling import refusal_on


@sensitive_post_parameters("password")
@never_cache
def link(request: HttpRequest, secret: str) -> HttpResponse:
    """Show what the link offers, and take it up on POST. A dead link says why and what to do."""
    try:
        found = link_open(secret)
    except ApplicationError as error:
        return render(request, "core/link_dead.html", {"reason": str(error)}, status=410)
    if found.kind == LinkKind.RESET:
        return reset(request, secret, found)
    if found.kind == LinkKind.INVITE and request.user.is_authenticated:
        return join(request, secret, found)
    return new_account(request, secret, found)


def new_account(request: HttpRequest, secret: str, found: OneTimeLink) -> HttpResponse:
    form = NewAccount(request.POST or None, email=found.email)
    if request.method == "POST" and form.is_valid():
        with refusal_on(form):
            user = link_accept_new(secret=secret, **form.cleaned_data)
        if not form.errors:
            messages.success(request, _("Welcome, %(name)s.") % {"name": user.name})
            return enter(request, user, f"/p/{found.project.slug}/" if found.project else "/")
    return show(request, "core/link_new.html", found, form)


def reset(request: HttpRequest, secret: str, found: OneTimeLink) -> HttpResponse:
    form = NewPassword(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusal_on(form):
            user = link_accept_reset(secret=secret, **form.cleaned_data)
        if not form.errors:
            messages.success(request, _("Your new password is set; every other session of yours has ended."))
            return enter(request, user)
    return show(request, "core/link_reset.html", found, form)


def join(request: HttpRequest, secret: str, found: OneTimeLink) -> HttpResponse:
    form = Form(request.POST if request.method == "POST" else None)
    if form.is_valid():
        with refusal_on(form):
            link_accept_member(secret=secret, user=person(request))
        if not form.errors and found.project:
            messages.success(request, _("You are now a member of %(project)s.") % {"project": found.project})
            return redirect(f"/p/{found.project.slug}/")
    return show(request, "core/link_join.html", found, form)


def show(request: HttpRequest, template: str, found: OneTimeLink, form: Form) -> HttpResponse:
    status = 400 if form.is_bound and form.errors else 200
    return render(request, template, {"link": found, "form": form}, status=status)


def enter(request: HttpRequest, user: User, place: str = "/") -> HttpResponse:
    """Sign in the way the sign-in page does, so that a second factor is asked for and the session is listed."""
    record_authentication(request, user, method="password", email=user.email)
    return perform_login(request, user, redirect_url=place)
