"""The launch form, made from ml.recipe: its few first choices, and every setting of a recipe under the details."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.models import Project
from curation.choices import VersionState
from curation.models import DatasetVersion
from ml.recipe import RecipeField, recipe_fields
from training.choices import ModelState
from training.models import BaseModel, Run
from training.presets import CHOICES, preset_value, shown
from training.services.launch import NAME_LENGTH

METHODS = (
    ("lora", gettext_lazy("LoRA: a small adapter beside the model")),
    ("full", gettext_lazy("Full: all weights of the model")),
)
TRUTHS = (("true", gettext_lazy("Yes")), ("false", gettext_lazy("No")))
DETAILS = tuple(field for field in recipe_fields() if field.name != "method")


class LaunchForm(forms.Form):
    """What a run is to be. A detail left empty is what the preset says."""

    version = forms.ModelChoiceField(
        DatasetVersion.objects.none(),
        label=gettext_lazy("Which pairs"),
        help_text=gettext_lazy("A frozen dataset version. The model learns its train part, never its test part."),
    )
    base = forms.ModelChoiceField(
        BaseModel.objects.none(),
        label=gettext_lazy("Which model"),
        help_text=gettext_lazy("The model that is to learn."),
    )
    preset = forms.ChoiceField(
        label=gettext_lazy("How thorough"),
        choices=[(preset.key, preset.label) for preset in CHOICES],
        widget=forms.RadioSelect,
        initial="balanced",
    )
    method = forms.ChoiceField(
        label=gettext_lazy("Method"),
        choices=METHODS,
        widget=forms.RadioSelect,
        initial="lora",
        help_text=gettext_lazy("LoRA is faster and makes small files; full training changes more, with more memory."),
    )
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=NAME_LENGTH,
        required=False,
        help_text=gettext_lazy("How you will find the run again. Left empty, it is named after its pairs."),
        widget=forms.TextInput(attrs={"dir": "auto"}),
    )

    def __init__(self, *args: Any, project: Project, run: Run | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = DatasetVersion.objects.filter(task__project=project, state=VersionState.READY)
        self.fields["version"].queryset = versions.select_related("task").order_by("-pk")  # type: ignore[attr-defined]
        self.fields["base"].queryset = BaseModel.objects.filter(state=ModelState.READY)  # type: ignore[attr-defined]
        for setting in DETAILS:
            self.fields[setting.name] = detail_field(setting)
        if run is not None:
            self.initial = {**self.initial, **initial_of(run)}
        else:
            self.initial.setdefault("version", versions.order_by("-pk").first())
            self.initial.setdefault("base", BaseModel.objects.filter(state=ModelState.READY).order_by("pk").first())

    def choices_first(self) -> list[forms.BoundField]:
        return [self[name] for name in ("version", "base", "preset", "method", "name")]

    def details(self) -> list[forms.BoundField]:
        return [self[setting.name] for setting in DETAILS]

    def presets(self) -> list[dict[str, Any]]:
        """The presets as cards: key, label, text, whether chosen."""
        chosen = self["preset"].value()
        return [
            {"key": preset.key, "label": preset.label, "text": preset.text, "chosen": preset.key == chosen}
            for preset in CHOICES
        ]

    def changed_details(self) -> bool:
        """Whether the details should be open: something in them was set or is wrong."""
        return any(self[setting.name].value() not in (None, "") or self[setting.name].errors for setting in DETAILS)

    def changes(self) -> dict[str, Any]:
        """The details that a person has set, as ml.recipe takes them."""
        given = {setting.name: self.cleaned_data.get(setting.name) for setting in DETAILS}
        truths = {"true": True, "false": False}
        found = {name: value for name, value in given.items() if value not in (None, "")}
        kinds = {setting.name: setting.kind for setting in DETAILS}
        return {name: truths[value] if kinds[name] == "bool" else value for name, value in found.items()}


def detail_field(setting: RecipeField) -> forms.Field:
    """A form field for one setting. Its bounds are only told to the browser: ml.recipe decides."""
    common: dict[str, Any] = {"label": setting.label, "help_text": detail_help(setting), "required": False}
    field: Any
    if setting.choices or setting.kind == "bool":
        offered = setting.choices or TRUTHS
        field = forms.ChoiceField(choices=[("", _("As the preset says")), *offered], **common)
    elif setting.kind == "int":
        field = forms.IntegerField(widget=forms.NumberInput(attrs=bounds(setting, "1")), **common)
    else:
        field = forms.FloatField(widget=forms.NumberInput(attrs=bounds(setting, "any")), **common)
    field.unit = setting.unit
    return field


def bounds(setting: RecipeField, step: str) -> dict[str, str]:
    limits = {"min": setting.minimum, "max": setting.maximum}
    return {"step": step, **{name: f"{value:g}" for name, value in limits.items() if value is not None}}


def detail_help(setting: RecipeField) -> str:
    """What it does, its effect, its range, and what each preset says."""
    parts = [setting.help, setting.effect]
    if setting.only_for:
        parts.append(_("Only for the method %(method)s.") % {"method": setting.only_for})
    if setting.minimum is not None and setting.maximum is not None:
        parts.append(
            _("From %(low)s to %(high)s.") % {"low": f"{setting.minimum:.10g}", "high": f"{setting.maximum:.10g}"}
        )
    said = [f"{preset.label} {shown(setting, preset_value(preset.key, 'lora', setting.name))}" for preset in CHOICES]
    if len({text.split(" ", 1)[1] for text in said}) == 1:
        parts.append(_("Every preset says: %(value)s.") % {"value": said[0].split(" ", 1)[1]})
    else:
        parts.append(_("Presets: %(values)s.") % {"values": ", ".join(said)})
    return " ".join(filter(None, parts))


def initial_of(run: Run) -> dict[str, Any]:
    """A run's settings back into the form: only what differs from its preset."""
    preset, method = run.preset, run.recipe["method"]
    details = {}
    for setting in DETAILS:
        value = run.recipe.get(setting.name, setting.default)
        if value != preset_value(preset, method, setting.name):
            details[setting.name] = str(value).lower() if setting.kind == "bool" else value
    return {"version": run.version, "base": run.base, "preset": preset, "method": method, "name": run.name, **details}


class BaseForm(forms.Form):
    """A model folder to be registered."""

    folder = forms.ChoiceField(
        label=gettext_lazy("Folder"),
        help_text=gettext_lazy("Folders with a model in them that lie in the model store and are not registered yet."),
    )
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120, widget=forms.TextInput(attrs={"dir": "auto"}))
    source = forms.CharField(
        label=gettext_lazy("Where it comes from"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("An address or a package, for those who ask later."),
    )
    licence = forms.CharField(
        label=gettext_lazy("Licence"),
        max_length=80,
        required=False,
        help_text=gettext_lazy("What may be done with the model, such as Apache-2.0."),
    )

    def __init__(self, *args: Any, folders: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["folder"].choices = [(folder, folder) for folder in folders]  # type: ignore[attr-defined]
