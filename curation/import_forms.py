"""Forms of an import: the file, then its columns."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from curation.import_mapping import FIELDS, Mapping
from curation.import_reading import FORMATS
from curation.models import Import

LABELS = {
    "instruction": _("Instruction"), "input": _("Input"), "response": _("Response"),
    "rejected": _("Worse response"), "system": _("System prompt"), "topic": _("Topic"),
    "language": _("Language"), "source": _("Source"),
}  # fmt: skip


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        error_messages={"required": _("Choose a file first.")},
        allow_empty_file=True,
        max_length=200,
        help_text=_(
            "JSONL, JSON, CSV, TSV, Excel (XLSX), Parquet, Arrow, or the folder of a saved dataset as ZIP. Between "
            "tabs (TSV) a quotation mark that pairs with none means itself. Nothing is stored before you have seen the "
            "first rows."
        ),
        widget=forms.FileInput(attrs={"accept": ",".join(FORMATS)}),
    )


class MappingForm(forms.Form):
    """One choice of column for each field of a pair; the columns are those of the file."""

    table = forms.ChoiceField(
        label=_("Sheet or split"), required=False, help_text=_("Another one has other columns: show its rows first.")
    )
    conversation = forms.ChoiceField(
        label=_("Conversation"),
        required=False,
        help_text=_("A column with a list of turns. Its last question and answer become the pair."),
    )
    turns = forms.ChoiceField(
        label=_("Earlier turns"),
        required=False,
        help_text=_("A column with what was said before the instruction, where that stands in a column of its own."),
    )
    metadata = forms.MultipleChoiceField(
        label=_("Keep beside the pair"), required=False, widget=forms.CheckboxSelectMultiple
    )
    source = forms.CharField(
        label=_("Where the rows come from"), max_length=300, required=False,
        help_text=_("Stands with every row that names no source of its own."),
    )  # fmt: skip
    approve = forms.BooleanField(
        label=_("Approve these rows"),
        required=False,
        help_text=_(
            "They count as approved at once, of origin imported, with your name on the approval, and are shown as "
            "not reviewed by a second person. Without it, each row waits for a review."
        ),
    )

    def __init__(
        self, *args: Any, columns: list[str], may_approve: bool, tables: list[tuple[str, Any]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["table"].choices = tables  # type: ignore[attr-defined]
        if len(tables) < 2:
            del self.fields["table"]
        choices = [("", _("(none)")), *((name, name) for name in columns)]
        for name in ("conversation", "turns"):
            self.fields[name].choices = choices  # type: ignore[attr-defined]
        self.fields["metadata"].choices = choices[1:]  # type: ignore[attr-defined]
        for name in FIELDS:
            self.fields[f"column_{name}"] = forms.ChoiceField(label=LABELS[name], choices=choices, required=False)
        if not may_approve:
            del self.fields["approve"]

    def mapping(self) -> Mapping:
        columns = {name: self.cleaned_data[f"column_{name}"] for name in FIELDS}
        asked = self.cleaned_data
        return Mapping("columns", columns, asked["conversation"], asked["metadata"], asked["turns"])

    def add_error(self, field: str | None, error: Any) -> None:
        """The services speak of a pair's fields; the page has a column for each."""
        super().add_error(f"column_{field}" if f"column_{field}" in self.fields else field, error)

    @staticmethod
    def initial_of(batch: Import) -> dict[str, Any]:
        mapping = Mapping.from_json(batch.mapping)
        columns = {f"column_{name}": mapping.columns.get(name, "") for name in FIELDS}
        return {
            **columns, "conversation": mapping.conversation, "turns": mapping.turns, "metadata": mapping.metadata,
            "source": batch.source, "approve": batch.approve, "table": batch.table,
        }  # fmt: skip

    @property
    def column_fields(self) -> list[forms.BoundField]:
        return [self[f"column_{name}"] for name in FIELDS]

    @staticmethod
    def tables_of(batch: Import) -> list[tuple[str, Any]]:
        named = [(name, name) for name in batch.tables]
        return [*named, ("*", _("All of them"))] if batch.format == "datasets" and len(named) > 1 else named
