"""Forms of the core's pages. They parse; what may be done is decided by the services."""

from typing import Any

from allauth.account.forms import ChangePasswordForm
from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from core.choices import MailWish, Role
from core.languages import LanguageField
from core.models import Project

LINK_DAYS = 7
NEW_PASSWORD = forms.PasswordInput(attrs={"autocomplete": "new-password"})


def password_rules() -> str:
    return " ".join(password_validators_help_texts())


class NewAccount(forms.Form):
    """Takes up an invitation that makes an account. `email` is fixed when the invitation names one."""

    email = forms.EmailField(
        label=_("Email"),
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
        help_text=_("You sign in with it. Nothing is sent to it."),
    )
    name = forms.CharField(label=_("Name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        label=_("Password"), widget=NEW_PASSWORD, strip=False, help_text=lazy(password_rules, str)()
    )

    def __init__(self, *args: Any, email: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if email:
            self.fields["email"].initial = email
            self.fields["email"].disabled = True


class NewPassword(forms.Form):
    password = forms.CharField(
        label=_("New password"), widget=NEW_PASSWORD, strip=False, help_text=lazy(password_rules, str)()
    )


class InvitePerson(forms.Form):
    email = forms.EmailField(
        label=_("Email"),
        required=False,
        help_text=_("Optional. When given, the link makes an account of this address only."),
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=120,
        help_text=_("Optional, such as “for Edda”: you know the invitation again by it while it is open."),
    )
    makes_admin = forms.BooleanField(
        label=_("Make this person an admin"),
        required=False,
        help_text=_("Admins see every project, start trainings and manage people."),
    )


class RemoveSecondFactor(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
        help_text=_("Such as “Phone lost, asked for at my desk”. The audit log keeps it, and the person reads it."),
    )
    sure = forms.BooleanField(
        label=_("I have made sure that this person asks for it"),
        help_text=_("By voice or face to face: whoever has their password would ask for the same by mail."),
    )


class InviteMember(forms.Form):
    email = forms.EmailField(
        label=_("Email"),
        required=False,
        help_text=_("Optional. When given, the link works for this address only."),
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.EXPERT)
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=120,
        help_text=_("Optional, such as “for Edda”: you know the invitation again by it while it is open."),
    )


class MemberRole(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class NewProject(forms.ModelForm):
    language = LanguageField(
        label=_("Main language"),
        max_length=60,
        initial=Project._meta.get_field("language").default,
        help_text=_(
            "Choose it by its name, or write a code such as pt-BR. A language with a dictionary has its misspellings "
            "found."
        ),
    )

    class Meta:
        model = Project
        fields: tuple[str, ...] = ("name", "description", "language")
        widgets = {"description": forms.Textarea(attrs={"rows": 3, "dir": "auto"})}
        help_texts = {
            "name": _("One project is one domain, with its own people, guidelines and data."),
        }


class ProjectSettings(NewProject):
    class Meta(NewProject.Meta):
        fields = ("name", "description", "language", "attribution", "reviewers", "solo")
        widgets = {
            **NewProject.Meta.widgets,
            "attribution": forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
        }
        labels = {
            "reviewers": _("Who approves a pair"),
            "solo": _("Solo: one person may approve their own pairs"),
        }
        help_texts = {
            **NewProject.Meta.help_texts,
            "attribution": _("Where the data comes from and under which licence. Shown with every export."),
            "reviewers": _("Besides its author. With two people, a pair counts only when both have approved it."),
            "solo": _(
                "Without it, a second person must approve every pair. With it, pairs that only their author approved "
                "count as approved, and are shown everywhere as not reviewed by a second person. Switching it off "
                "later leaves those as they are."
            ),
        }


class Profile(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    single_keys = forms.BooleanField(
        label=_("Single-key shortcuts"),
        required=False,
        help_text=_("Keys such as j and k act at once, without Ctrl. Switch this off if you dictate."),
    )
    mails = forms.ChoiceField(
        label=_("News of trainings by mail"),
        choices=MailWish.choices,
        help_text=_("They stand in your inbox whatever you choose. Without a mail server nobody is mailed."),
    )


class NewToken(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("What will use it, such as “nightly export”."))
    project = forms.ModelChoiceField(
        Project.objects.none(), label=_("Project"), required=False, empty_label=_("All my projects")
    )
    may_write = forms.BooleanField(label=_("May write, not only read"), required=False)
    days = forms.IntegerField(label=_("Valid for"), min_value=1, max_value=365, initial=90)
    days.unit = _("days")  # type: ignore[attr-defined]

    def __init__(self, *args: Any, projects: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["project"].queryset = projects  # type: ignore[attr-defined]


class ChangePassword(ChangePasswordForm):
    """The sign-in library's form under labels such as all others here have."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = {
            "oldpassword": _("Current password"),
            "password1": _("New password"),
            "password2": _("New password again"),
        }
        for name, label in labels.items():
            self.fields[name].label = label
            self.fields[name].widget.attrs.pop("placeholder", None)
