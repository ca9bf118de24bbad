from django import forms
from django.utils.translation import gettext_lazy as _

from core.models import Project
from core.services.webhooks import EVENTS

LABELS = {
    "job.done": _("A job is done"),
    "job.failed": _("A job failed"),
    "job.cancelled": _("A job was cancelled"),
    "version.frozen": _("A dataset version is frozen"),
}


class WebhookForm(forms.Form):
    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        widget=forms.URLInput(attrs={"placeholder": "https://host:443/path", "dir": "ltr"}),
        help_text=_("The operator must allow its host and port in DOOR_ALLOW; until then each delivery says so."),
    )
    events = forms.MultipleChoiceField(
        label=_("Tell it when"), choices=[(name, LABELS[name]) for name in EVENTS], widget=forms.CheckboxSelectMultiple
    )
    project = forms.ModelChoiceField(
        label=_("Project"), queryset=Project.objects.order_by("name"), required=False, empty_label=_("All of them")
    )
