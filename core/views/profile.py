"""A person's own page: name, keys, API tokens. Password, second factor and sessions are allauth's pages."""

from django.contrib import messages
from django.forms import model_to_dict
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from core.access import person, projects_for
from core.forms import NewToken, Profile
from core.models import ApiToken
from core.selectors.people import tokens_of
from core.services.people import profile_update, token_create, token_revoke

PARTS = ("name", "single_keys", "mails")


def profile(request: HttpRequest) -> HttpResponse:
    user = person(request)
    form = Profile(request.POST or None, initial=model_to_dict(user, PARTS))
    if request.method == "POST" and form.is_valid():
        profile_update(actor=user, **form.cleaned_data)
        messages.success(request, _("Your profile is saved."))
        return redirect("profile")
    return page(request, form=form, status=400 if form.errors else 200)


def page(
    request: HttpRequest,
    *,
    form: Profile | None = None,
    token_form: NewToken | None = None,
    status: int = 200,
    plain: str = "",
) -> HttpResponse:
    user = person(request)
    context = {
        "form": form or Profile(initial=model_to_dict(user, PARTS)),
        "token_form": token_form or NewToken(prefix="token", projects=projects_for(request)),
        "tokens": tokens_of(user),
        "plain": plain,
    }
    return render(request, "core/profile.html", context, status=status)


@require_POST
@never_cache
def token_new(request: HttpRequest) -> HttpResponse:
    """Make a token and show its text in this answer alone: only its hash is kept."""
    form = NewToken(request.POST, prefix="token", projects=projects_for(request))
    if not form.is_valid():
        return page(request, token_form=form, status=400)
    _token, plain = token_create(actor=person(request), **form.cleaned_data)
    return page(request, plain=plain)


@require_POST
def token_end(request: HttpRequest, key: str) -> HttpResponse:
    token = get_object_or_404(ApiToken, user=person(request), token_key=key)
    token_revoke(actor=person(request), token=token)
    messages.success(request, _("The token is revoked; what used it gets 401 from now on."))
    return redirect("profile")
