"""The form of a new corpus: files, and how they are cleaned."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from curation.document_forms import ManyFilesField, ManyFilesInput
from ml.checks.language import NAMES
from ml.corpus.shapes import ENDINGS, CorpusSettings

DEFAULTS = CorpusSettings()
CLEANING = ("language", "similar", "least", "share", "column")


class CorpusForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"dir": "auto"}))
    documents = forms.BooleanField(
        label=_("The documents of this project"),
        required=False,
        help_text=_("Every document that was brought in, as its text stands now."),
    )
    sources = ManyFilesField(
        label=_("Files"),
        required=False,
        allow_empty_file=True,
        max_length=200,
        help_text=_(
            "Text, Markdown, JSONL, Parquet, PDF, Word, HTML, saved web pages, web archives (WARC), or a ZIP of "
            "documents; several at once."
        ),
        widget=ManyFilesInput(attrs={"accept": ",".join([*ENDINGS, ".gz"])}),
    )
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=[("", _("Any")), *sorted(NAMES.items(), key=lambda item: item[1])],
        help_text=_("Texts that are surely in another language are left out."),
    )
    source = forms.CharField(
        label=_("Where it comes from"), max_length=300, required=False, widget=forms.TextInput(attrs={"dir": "auto"})
    )
    licence = forms.CharField(
        label=_("Licence"),
        max_length=120,
        required=False,
        help_text=_("What may be done with the texts; it goes into the card of every model that learns from them."),
    )
    similar = forms.FloatField(
        label=_("Nearly the same from"),
        min_value=0,
        max_value=1,
        initial=DEFAULTS.similar,
        help_text=_(
            "Two texts that share this much of their words, or short ones of their letter sequences, count as one; "
            "0 drops only copies."
        ),
    )
    least = forms.IntegerField(
        label=_("Shortest text"),
        min_value=0,
        max_value=100_000,
        initial=DEFAULTS.least,
        help_text=_("Shorter ones are left out."),
    )
    share = forms.FloatField(
        label=_("Held out"),
        min_value=0.01,
        max_value=0.5,
        initial=DEFAULTS.share,
        help_text=_("The share of the text that no model learns; it is what models are measured on."),
    )
    column = forms.CharField(
        label=_("Field with the text"),
        max_length=100,
        initial=DEFAULTS.column,
        help_text=_("In JSONL and Parquet files; others do not have it."),
    )

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not found.get("sources") and not found.get("documents") and "sources" not in self.errors:
            self.add_error("sources", _("Bring a file, or take the documents of this project."))
        return found

    def details(self) -> list[forms.BoundField]:
        return [self[name] for name in CLEANING if name != "language"]

    def changed_details(self) -> bool:
        return any(self[name].errors for name in CLEANING)

    def cleaning(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in CLEANING}


for _field, _unit in (("least", _("characters")), ("share", _("of 1")), ("similar", _("of 1"))):
    CorpusForm.base_fields[_field].unit = _unit  # type: ignore[attr-defined]
