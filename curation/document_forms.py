"""Forms of documents: files, then passages."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from core.numbers import whole_number, whole_numbers
from curation.models import Document, Task
from ml.documents import ENDINGS


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """A list of uploaded files, empty ones among them: the reading tells of each what is wrong with it."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = data if isinstance(data, list | tuple) else [data] if data else []
        if not files and self.required:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return [super(ManyFilesField, self).clean(file, initial) for file in files]


class DocumentUploadForm(forms.Form):
    documents = ManyFilesField(
        label=_("Files"),
        allow_empty_file=True,
        max_length=200,
        help_text=_(
            "Markdown, text, HTML, saved web pages, PDF, Word, web archives (WARC), or a ZIP of these; several "
            "at once. The main text is taken; menus, footers and running heads are not."
        ),
        widget=ManyFilesInput(attrs={"accept": ",".join([*ENDINGS, ".gz"])}),
    )
    license = forms.CharField(
        label=_("Licence"),
        max_length=300,
        required=False,
        help_text=_("Under which terms you may use them. Stands with every document that does not name its own."),
    )


class AskForm(forms.Form):
    """Which passages of a document become work, in which task."""

    task = forms.ModelChoiceField(label=_("Task"), queryset=Task.objects.none(), to_field_name="slug")
    passage = forms.MultipleChoiceField(required=False)
    all = forms.BooleanField(required=False)

    def __init__(self, *args: Any, tasks: list[Task], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].queryset = Task.objects.filter(pk__in=[task.pk for task in tasks])  # type: ignore[attr-defined]
        self.fields["task"].empty_label = None  # type: ignore[attr-defined]
        named = self.data.get("task") if self.is_bound else self.initial.get("task")
        self.chosen = next((task for task in tasks if task.slug == named), tasks[0] if tasks else None)
        if self.chosen and not self.is_bound:
            self.initial["task"] = self.chosen.slug
        self.fields["passage"].valid_value = lambda value: whole_number(value) is not None  # type: ignore[attr-defined]

    def passages(self, document: Document) -> list[int]:
        """The chosen passages of this document; with `all`, every one."""
        found = document.passages.order_by("ordinal")
        if not self.cleaned_data["all"]:
            found = found.filter(pk__in=whole_numbers(self.cleaned_data["passage"]))
        return list(found.values_list("pk", flat=True))
