"""What to erase, and the typed confirmation."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.models import User
from curation.choices import ErasureScope


class ErasureChoice(forms.Form):
    scope = forms.ChoiceField(label=_("What is to go"), choices=ErasureScope.choices, widget=forms.RadioSelect)
    pair = forms.IntegerField(label=_("Number of the pair"), min_value=1, max_value=2**62, required=False)
    person = forms.TypedChoiceField(label=_("Person"), required=False, coerce=int, empty_value=None)
    words = forms.CharField(
        label=_("Words"),
        max_length=200,
        required=False,
        help_text=_(
            "A name, a number, an address: every pair in whose texts they stand goes, and whatever else repeats them. "
            "They are forgotten themselves. What owners wrote into a task, such as its prompt and guidelines, stays: "
            "edit it there."
        ),
    )

    def __init__(self, *args: Any, people: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ErasureScope.values:
            self.fields[name].widget.attrs["data-when"] = f"scope {name}"
        names = [(str(user.pk), user.name or user.email) for user in people]
        self.fields["person"].choices = [("", _("Choose")), *names]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        scope = values.get("scope")
        if scope and not values.get(scope) and scope not in self.errors:
            self.add_error(scope, _("Say which."))
        return values


class ErasureConfirm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"), max_length=300, help_text=_("Such as the number of the request. No names: this is kept.")
    )
    confirmation = forms.CharField(label=_("Type the short name of this project"), max_length=80)
    confirmation.widget.attrs["autocomplete"] = "off"
