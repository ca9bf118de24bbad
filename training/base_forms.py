"""The forms by which a model to start from comes in: a folder of the store, an archive or package, the hub."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from ml.store import ARCHIVES


class NamedForm(forms.Form):
    """What every way asks."""

    name = forms.CharField(label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"dir": "auto"}))


class SourcedForm(NamedForm):
    source = forms.CharField(
        label=_("Where it comes from"),
        max_length=200,
        required=False,
        help_text=_("An address or a package, for those who ask later."),
    )
    licence = forms.CharField(
        label=_("Licence"),
        max_length=80,
        required=False,
        help_text=_("What may be done with the model, such as Apache-2.0. Left empty, what its card names."),
    )


class FolderForm(SourcedForm):
    """A folder that lies in the model store."""

    folder = forms.ChoiceField(
        label=_("Folder"),
        help_text=_("Folders with a model in them that lie in the model store and are not registered yet."),
    )
    field_order = ("folder", "name", "source", "licence")

    def __init__(self, *args: Any, folders: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["folder"].choices = [(folder, folder) for folder in folders]  # type: ignore[attr-defined]


class ArchiveForm(SourcedForm):
    """An archive, or a Python package that holds a model; nothing in it is installed or run."""

    archive = forms.FileField(
        label=_("Archive or package"),
        max_length=200,
        help_text=_(
            "A .zip, .tar.gz or Python package (.whl) with config.json, safetensors weights and tokenizer.json."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ",".join((*ARCHIVES, ".gz", ".xz", ".bz2"))}),
    )
    field_order = ("archive", "name", "source", "licence")


class HubForm(NamedForm):
    """A model of the hub, fetched through the door."""

    repository = forms.CharField(
        label=_("Model of the hub"), max_length=200, help_text=_("As the hub names it: owner/name.")
    )
    revision = forms.CharField(
        label=_("Revision"),
        max_length=100,
        initial="main",
        help_text=_("A branch, a tag or, to get the same again later, a commit."),
    )
    field_order = ("repository", "revision", "name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["repository"].widget.attrs["placeholder"] = "owner/name"
        self.hub = settings.HUB
