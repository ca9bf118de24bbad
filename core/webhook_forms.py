from django import forms
from django.utils.translation import gettext_lazy as _

from core.choices import WebhookEvent
from core.models import Project


class MailServerForm(forms.Form):
    prefix = "mail"

    url = forms.CharField(
        label=_("Mail server"),
        max_length=200,
        widget=forms.TextInput(attrs={"placeholder": "smtps://mail.example.org:465", "dir": "ltr"}),
        help_text=_(
            "smtp://host:587 begins in the clear and is encrypted as soon as the server offers it. The operator must "
            "allow host and port in DOOR_ALLOW."
        ),
    )
    sender = forms.EmailField(label=_("Sender"), help_text=_("The address that the mails come from."))
    user = forms.CharField(
        label=_("User"), max_length=120, required=False, help_text=_("Empty, if the server asks for none.")
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=255,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Kept here and never shown again; sent only over an encrypted connection."),
    )
    project = forms.ModelChoiceField(
        label=_("Project"), queryset=Project.objects.order_by("name"), required=False, empty_label=_("All of them")
    )


class WebhookForm(forms.Form):
    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        widget=forms.URLInput(attrs={"placeholder": "https://host:443/path", "dir": "ltr"}),
        help_text=_("The operator must allow its host and port in DOOR_ALLOW; until then each delivery says so."),
    )
    events = forms.MultipleChoiceField(
        label=_("Tell it when"),
        choices=WebhookEvent.choices,
        initial=WebhookEvent.usual,
        widget=forms.CheckboxSelectMultiple,
    )
    project = forms.ModelChoiceField(
        label=_("Project"), queryset=Project.objects.order_by("name"), required=False, empty_label=_("All of them")
    )
