"""What may be asked of a list of pairs: one form for the page, the API, saved views and actions over a whole filter."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext_lazy as _

from core.choices import ThreadState
from core.denied import ApplicationError
from core.models import User
from curation.choices import Origin, PairState, Part
from curation.models import Task
from curation.selectors.editions import edition_asked
from curation.selectors.pairs import authors_of, known_versions
from ml.checks import known_checks

ANY = ("", _("Any"))
ANYBODY = ("", _("Anybody"))
ME = ("me", _("Me"))
FIRST = ("q", "state", "finding")  # shown at once; the others unfold
POSITION = {"task", "before", "after"}


@dataclass(frozen=True)
class Chip:
    """A filter that is on, in words, with the address of the list without it."""

    label: Any
    value: str
    without: str


class PairFilter(forms.Form):
    """The toolbar above the list. Values are as in the address, so that a link can be shared."""

    q = forms.CharField(
        label=_("Search"), required=False, max_length=200, widget=forms.SearchInput(attrs={"data-key": "/"})
    )
    state = forms.ChoiceField(label=_("State"), required=False, choices=[ANY, *PairState.choices])
    finding = forms.ChoiceField(label=_("Finding"), required=False)
    topic = forms.CharField(label=_("Topic"), required=False, max_length=120)
    tag = forms.CharField(label=_("Tag"), required=False, max_length=40)
    language = forms.CharField(label=_("Language"), required=False, max_length=12)
    origin = forms.ChoiceField(
        label=_("Origin"), required=False, choices=[ANY, ("real", _("From people or documents")), *Origin.choices]
    )
    author = forms.ChoiceField(label=_("Author"), required=False)
    reviewer = forms.ChoiceField(label=_("Reviewer"), required=False)
    assigned = forms.ChoiceField(label=_("Assigned to"), required=False)
    since = forms.DateField(label=_("Written from"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("Written until"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    shortest = forms.IntegerField(label=_("Tokens from"), required=False, min_value=0, max_value=10_000_000)
    longest = forms.IntegerField(label=_("Tokens up to"), required=False, min_value=0, max_value=10_000_000)
    version = forms.ChoiceField(label=_("Version"), required=False)
    part = forms.ChoiceField(label=_("Part"), required=False, choices=[ANY, *Part.choices])
    edition = forms.ChoiceField(
        label=_("Guidelines"), required=False, choices=[ANY, ("older", _("Not looked at since they changed"))]
    )
    passage = forms.IntegerField(label=_("Passage"), required=False, min_value=1, max_value=2**62)
    thread = forms.ChoiceField(
        label=_("Thread"), required=False, choices=[ANY, ("any", _("Has one")), *ThreadState.choices]
    )
    batch = forms.IntegerField(label=_("Import"), required=False, min_value=1, max_value=2**62)
    counted = forms.CharField(label=_("Counted by the health page"), required=False, max_length=80)
    metadata = forms.CharField(label=_("Imported column"), required=False, max_length=200)

    def __init__(self, data: Mapping[str, Any], *, task: Task, user: User) -> None:
        super().__init__({name: data.get(name, "") for name in self.base_fields})
        self.task, self.user = task, user
        checks = [(check.id, _(check.name)) for check in known_checks()]
        people = [(str(pk), name) for pk, name in authors_of(task.project)]
        choices = {
            "finding": [
                ANY, ("any", _("Has a finding")), ("none", _("Has none")), ("unchecked", _("Not checked yet")), *checks
            ],
            "version": [ANY, ("none", _("Approved and in none")), *known_versions(task)],
            **{name: [ANYBODY, ME, *people] for name in ("author", "reviewer", "assigned")},
        }  # fmt: skip
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]
        self.fields["metadata"].widget.attrs["placeholder"] = _("column=value")

    def clean_q(self) -> str:
        return re.sub(r"\s+", " ", self.cleaned_data["q"])

    def asked(self) -> dict[str, str]:
        """The filters that are on and make sense, as in an address. Call after `is_valid`."""
        return {name: str(self.data[name]) for name, value in self.cleaned_data.items() if value not in (None, "")}

    def query(self) -> dict[str, Any]:
        """The same as `pairs_filtered` takes them: numbers as numbers, “me” as the person who asks."""
        found = {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}
        for name in ("author", "reviewer", "assigned"):
            if name in found:
                found[name] = self.user.pk if found[name] == "me" else int(found[name])
        if found.pop("edition", ""):
            found["below_edition"] = edition_asked(self.task.pk)
        return found

    def chips(self) -> list[Chip]:
        asked = self.asked()
        return [Chip(self.fields[name].label, self.said(name), self.address({**asked, name: ""})) for name in asked]

    def said(self, name: str) -> str:
        """What is asked of one filter, in words."""
        value = str(self.data[name])
        offered = getattr(self.fields[name], "choices", None)
        return str(dict(offered).get(value, value)) if offered else value

    def address(self, asked: Mapping[str, str]) -> str:
        return "?" + urlencode({"task": self.task.slug, **{name: value for name, value in asked.items() if value}})

    @property
    def first(self) -> list[forms.BoundField]:
        return [self[name] for name in FIRST]

    @property
    def more(self) -> list[forms.BoundField]:
        return [field for field in self if field.name not in FIRST]

    @property
    def unfolded(self) -> bool:
        """What is on stands in the chips; only what was not understood has to be seen in its field."""
        return bool(self.errors)


def filter_read(data: Mapping[str, Any], *, task: Task, user: User) -> PairFilter:
    """The filter for whoever acts on what it finds: one that makes no sense is refused, never passed over."""
    form = PairFilter(data, task=task, user=user)
    unknown = sorted(set(data) - set(form.fields) - POSITION)
    if unknown:
        raise ApplicationError(_("There is no filter “%(name)s”.") % {"name": unknown[0][:40]}, field="filter")
    if not form.is_valid():
        name, sentences = next(iter(form.errors.items()))
        raise ApplicationError(f"{name}: {' '.join(map(str, sentences))}", field=name)
    return form
