"""The launch form, made from ml.recipe: its few first choices, and every setting of a recipe under the details."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.models import Project
from core.numbers import whole_number
from curation.choices import VersionState
from curation.models import DatasetVersion
from curation.selectors.subsets import Subset
from ml.devices import can_squeeze
from ml.presets import PRESETS
from ml.recipe import OF_PAIRS, TEXT, Recipe, RecipeError, RecipeField, recipe_fields, recipe_parts
from training.choices import ModelState, Tell
from training.models import BaseModel, ModelVersion, Run
from training.presets import (
    CHOICES,
    METHODS,
    effects,
    method_name,
    preset_recipe,
    preset_value,
    presets_of,
    refused,
    said,
    shown,
    unit_of,
)
from training.selectors.estimates import preset_seconds
from training.selectors.models import base_offered
from training.services.launch import NAME_LENGTH, Wishes

TRUTHS = (("true", gettext_lazy("Yes")), ("false", gettext_lazy("No")))
DETAILS = tuple(field for field in recipe_fields() if field.name != "method" and field.objectives != (TEXT,))
FIRST = ("version", "base", "preset", "wanted_by", "name", "tell")
VERSION = "v"  # before the number of a model version, among the models to start from
OFFERED_VERSIONS = 50


def methods_here() -> list[tuple[str, Any]]:
    """The methods that this machine can do."""
    return [("", _("As the preset says")), *((key, label) for key, label in METHODS if key != "qlora" or can_squeeze())]


def wanted_by_field() -> forms.DateTimeField:
    return forms.DateTimeField(
        label=gettext_lazy("By when"),
        required=False,
        help_text=gettext_lazy(
            "Left empty, as soon as its turn comes. You are told before the launch if it gets late."
        ),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )


def tell_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=gettext_lazy("Who is told"),
        choices=Tell.choices,
        required=False,
        initial=Tell.REQUESTER,
        help_text=gettext_lazy(
            "Who hears when the run is done, or has failed: in the inbox, and by mail where an admin has set up a "
            "mail server."
        ),
    )


def nights_field() -> forms.BooleanField:
    return forms.BooleanField(
        label=gettext_lazy("Only at night"),
        required=False,
        help_text=gettext_lazy(
            "Runs in the night hours of this installation, saves in the morning and goes on the next."
        ),
    )


class LaunchForm(forms.Form):
    """What a run is to be. A detail left empty is what the preset says."""

    version = forms.ModelChoiceField(
        DatasetVersion.objects.none(),
        label=gettext_lazy("Which pairs"),
        empty_label=None,
        help_text=gettext_lazy("A frozen dataset version. The model learns its train part, never its test part."),
    )
    base = forms.ChoiceField(
        label=gettext_lazy("Which model"),
        help_text=gettext_lazy("The model that is to learn: from its beginning, or on from an earlier training."),
    )
    preset = forms.ChoiceField(label=gettext_lazy("How thorough"), widget=forms.RadioSelect, initial="balanced")
    wanted_by = wanted_by_field()
    name = forms.CharField(
        label=gettext_lazy("What name"),
        max_length=NAME_LENGTH,
        required=False,
        help_text=gettext_lazy("How you will find the run again. Left empty, it is named after its pairs."),
        widget=forms.TextInput(attrs={"dir": "auto"}),
    )
    tell = tell_field()
    method = forms.ChoiceField(
        label=gettext_lazy("Method"),
        choices=methods_here,
        required=False,
    )
    nights = nights_field()
    data_share = forms.FloatField(
        label=gettext_lazy("Share of the pairs"),
        required=False,
        min_value=0.1,
        max_value=100,
        widget=forms.NumberInput(attrs={"step": "any"}),
        help_text=gettext_lazy(
            "Learn only so much of the train part, to see what more data brings; develop and test stay whole. A "
            "smaller share of the same seed lies in the larger. From 0.1 to 100; left empty, all of it."
        ),
    )
    data_seed = forms.IntegerField(
        label=gettext_lazy("Which pairs that are"),
        required=False,
        min_value=0,
        max_value=2**31 - 1,
        help_text=gettext_lazy("A seed that draws the share. Left empty, 0."),
    )

    def __init__(self, *args: Any, project: Project, run: Run | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = DatasetVersion.objects.filter(task__project=project, state=VersionState.READY)
        self.project = project
        self.offered = presets_of(project)
        self.fields["version"].queryset = versions.select_related("task").order_by("-pk")  # type: ignore[attr-defined]
        self.fields["base"].choices = models_of(project)  # type: ignore[attr-defined]
        self.fields["preset"].choices = [(each.key, each.label) for each in self.offered]  # type: ignore[attr-defined]
        self.fields["data_share"].unit = "%"  # type: ignore[attr-defined]
        self.fields["method"].help_text = method_help(
            _("What is changed in the model. The check before the launch can try each method on this machine.")
        )
        for setting in DETAILS:
            self.fields[setting.name] = detail_field(setting)
        show_when_needed(self, DETAILS, [preset.recipe for preset in self.offered])
        self.after = run.after if run is not None else None
        if run is not None and run.after is not None:
            told = _("What “%(name)s” makes") % {"name": run.after.name}
            self.fields["base"].choices = [(str(run.base_id), told)]  # type: ignore[attr-defined]
        if run is not None:
            self.initial = {**self.initial, **initial_of(run)}
        else:
            self.initial.setdefault("version", versions.order_by("-pk").first())
            self.initial.setdefault("base", base_offered(project))

    def clean_base(self) -> BaseModel:
        """The base model; a model version to go on from is kept as `start`."""
        given = str(self.cleaned_data["base"])
        self.start: ModelVersion | None = None
        if self.after is not None:
            return self.after.base
        if given.startswith(VERSION):
            found = ModelVersion.objects.select_related("base").filter(project=self.project, pk=int(given[1:])).first()
            self.start = found
            return found.base if found else self.no_model()
        return BaseModel.objects.filter(state=ModelState.READY, pk=int(given)).first() or self.no_model()

    def no_model(self) -> BaseModel:
        raise ValidationError(_("There is no such model."))

    def asked(self) -> dict[str, Any]:
        """What `run_prepare` takes, from a valid form."""
        data = self.cleaned_data
        method = data["method"] or (self.start.method if self.start else "")
        wishes = Wishes(data["tell"] or Tell.REQUESTER, data["wanted_by"], data["nights"])
        plain = {name: data[name] for name in ("version", "base", "preset", "name")}
        subset = Subset((data["data_share"] or 100) / 100, data["data_seed"] or 0)
        asked = {**plain, "start": self.start, "method": method, "changes": self.changes()}
        return {**asked, "wishes": wishes, "subset": subset}

    def choices_first(self) -> list[forms.BoundField]:
        return [self[name] for name in FIRST]

    def details(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Under their headings."""
        first = [self[name] for name in ("method", "data_share", "data_seed", "nights")]
        return [(_("Method, pairs and hours"), first), *parted(self, DETAILS)]

    def presets(self) -> list[dict[str, Any]]:
        """The presets as cards: key, label, text, whether chosen, and the seconds that it takes, if that is known."""
        chosen, (version, base) = self["preset"].value(), self.pointed_at()
        recipes = [preset.recipe for preset in self.offered]
        times = preset_seconds(version, base, recipes) if version and base else [None] * len(recipes)
        return [
            {
                "key": preset.key,
                "label": preset.label,
                "text": preset.text,
                "chosen": preset.key == chosen,
                "seconds": seconds,
            }
            for preset, seconds in zip(self.offered, times, strict=True)
        ]

    def pointed_at(self) -> tuple[DatasetVersion | None, BaseModel | None]:
        """The version and the base model that stand in the form now, as far as they are there."""
        asked, key = self["version"].value(), str(self["base"].value() or "")
        versions: Any = self.fields["version"]
        version = (
            asked
            if isinstance(asked, DatasetVersion)
            else versions.queryset.filter(pk=whole_number(asked) or 0).first()
        )
        if key.startswith(VERSION):
            start = (
                ModelVersion.objects.filter(project=self.project, pk=whole_number(key[1:]) or 0)
                .select_related("base")
                .first()
            )
            return version, start.base if start else None
        return version, BaseModel.objects.filter(pk=whole_number(key) or 0).first()

    def changed_details(self) -> bool:
        """Whether the details should be open: something in them was set or is wrong."""
        return any_set(self.details())

    def changes(self) -> dict[str, Any]:
        """The details that a person has set, as ml.recipe takes them."""
        return changes_of(DETAILS, self.cleaned_data)


def parted(form: forms.Form, settings: Sequence[RecipeField]) -> list[tuple[str, list[forms.BoundField]]]:
    """The fields of these settings, each part under its heading."""
    return [(said(heading), [form[setting.name] for setting in part]) for heading, part in recipe_parts(settings)]


def any_set(details: Sequence[tuple[str, list[forms.BoundField]]]) -> bool:
    fields = (field for _heading, part in details for field in part)
    return any(field.value() not in (None, "", False) or field.errors for field in fields)


def changes_of(details: Sequence[RecipeField], data: dict[str, Any]) -> dict[str, Any]:
    """The details that a person has set in a form, as ml.recipe takes them."""
    given = {setting.name: data.get(setting.name) for setting in details}
    truths = {"true": True, "false": False}
    found = {name: value for name, value in given.items() if value not in (None, "")}
    kinds = {setting.name: setting.kind for setting in details}
    return {name: truths[value] if kinds[name] == "bool" else value for name, value in found.items()}


def models_of(project: Project) -> list[Any]:
    """Base models, and the project's model versions to go on from, in two groups."""
    bases = [(str(base.pk), base.name) for base in BaseModel.objects.filter(state=ModelState.READY)]
    versions = ModelVersion.objects.filter(project=project)[:OFFERED_VERSIONS]
    made = [(f"{VERSION}{version.pk}", f"{version.number} · {version.name}") for version in versions]
    return [(_("From its beginning"), bases), *([(_("On from a training"), made)] if made else [])]


def detail_field(setting: RecipeField, presets: Sequence[tuple[str, Recipe]] = ()) -> forms.Field:
    """A form field for one setting. Its bounds are only told to the browser: ml.recipe decides.

    The help says what each of the `presets` has; by default those of a finetuning.
    """
    help_text = detail_help(setting, presets or [(str(preset.label), PRESETS[preset.key]) for preset in CHOICES])
    common: dict[str, Any] = {"label": said(setting.label), "help_text": help_text, "required": False}
    field: Any
    if setting.choices or setting.kind == "bool":
        offered = [(value, said(label)) for value, label in setting.choices if value != TEXT] or TRUTHS
        field = forms.ChoiceField(choices=[("", _("As the preset says")), *offered], **common)
    elif setting.kind == "int":
        field = forms.IntegerField(widget=forms.NumberInput(attrs=bounds(setting, "1")), **common)
    else:
        field = forms.FloatField(widget=forms.NumberInput(attrs=bounds(setting, "any")), **common)
    field.unit = unit_of(setting)
    return field


def bounds(setting: RecipeField, step: str) -> dict[str, str]:
    limits = {"min": setting.minimum, "max": setting.maximum}
    return {"step": step, **{name: f"{value:.10g}" for name, value in limits.items() if value is not None}}


def detail_help(setting: RecipeField, presets: Sequence[tuple[str, Recipe]]) -> SafeString:
    """Three lines: what it is; what it does to time, memory and quality; its range, and what each preset says."""
    what, range_ = [said(setting.help)], []
    if setting.only_for:
        what.append(_("Only for %(methods)s.") % {"methods": ", ".join(map(method_name, setting.only_for))})
    if setting.minimum is not None and setting.maximum is not None:
        bounds_ = {"low": f"{setting.minimum:.10g}", "high": f"{setting.maximum:.10g}"}
        range_.append(_("From %(low)s to %(high)s.") % bounds_)
    values = [(label, shown(setting, preset_value(recipe, recipe.method, setting.name))) for label, recipe in presets]
    if len({value for _label, value in values}) == 1:
        range_.append(_("Every preset says: %(value)s.") % {"value": values[0][1]})
    else:
        range_.append(_("Presets: %(values)s.") % {"values": "; ".join(f"{label}: {value}" for label, value in values)})
    return format_html("{}<br>{}<br>{}", " ".join(what), effects(setting), " ".join(range_))


def method_help(text: str) -> SafeString:
    setting = next(field for field in recipe_fields() if field.name == "method")
    return format_html("{}<br>{}", text, effects(setting))


def show_when_needed(form: forms.Form, settings: Sequence[RecipeField], recipes: Sequence[Recipe]) -> None:
    """Let what belongs to some methods or objectives alone be seen while one of these is chosen: by name, or, while
    nothing is, by one of the presets' `recipes`. The empty word is "as the preset says"."""
    for setting in settings:
        for name, needed in (("method", setting.only_for), ("objective", setting.objectives)):
            if needed and name in form.fields and needed != OF_PAIRS:
                preset = [""] if any(getattr(recipe, name) in needed for recipe in recipes) else []
                form.fields[setting.name].widget.attrs["data-when"] = " ".join([name, *preset, *needed])


def initial_of(run: Run) -> dict[str, Any]:
    """A run's settings back into the form: only what differs from its preset."""
    usual = preset_recipe(run.preset, run.project)
    preset, usual = (run.preset, usual) if usual else ("balanced", PRESETS["balanced"])
    base = f"{VERSION}{run.start_id}" if run.start_id else str(run.base_id)
    wanted: dict[str, Any] = {"wanted_by": run.wanted_by, "tell": run.tell, "nights": run.nights}
    if run.subset:
        wanted |= {"data_share": run.subset["share"] * 100, "data_seed": run.subset["seed"]}
    return {
        "version": run.version, "base": base, "preset": preset, "name": run.name, **wanted,
        **differing(run.recipe, usual),
    }  # fmt: skip


def differing(recipe: dict[str, Any], usual: Recipe, settings: Sequence[RecipeField] = DETAILS) -> dict[str, Any]:
    """Form values of the settings in which a recipe differs from a preset's, the method among them."""
    method = recipe["method"]
    details: dict[str, Any] = {} if method == usual.method else {"method": method}
    for setting in settings:
        value = recipe.get(setting.name, setting.default)
        if value != preset_value(usual, method, setting.name):
            details[setting.name] = str(value).lower() if setting.kind == "bool" else value
    return details


class RecipeForm(forms.Form):
    """A recipe as YAML, to be read into the launch form."""

    recipe = forms.CharField(
        label=gettext_lazy("Recipe"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false", "class": "mono"}),
        help_text=gettext_lazy("YAML, as the page of a run gives it. Settings that are not named keep their default."),
    )

    def clean_recipe(self) -> Recipe:
        try:
            return Recipe.from_yaml(self.cleaned_data["recipe"])
        except RecipeError as error:
            raise ValidationError(f"{error.field}: {refused(error)}") from error
