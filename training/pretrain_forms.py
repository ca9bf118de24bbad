"""The launch form of a pretraining, made from ml.recipe like the one of a finetuning; and the form of a new model."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.models import Project
from curation.choices import CorpusState, VersionState
from curation.models import Corpus, DatasetVersion, Document
from ml.bpe import LEAST
from ml.presets import TEXT_PRESETS
from ml.recipe import TEXT, recipe_fields
from ml.sizes import SIZES
from training.choices import ModelState, Tell
from training.forms import (
    any_set,
    changes_of,
    detail_field,
    differing,
    method_help,
    nights_field,
    parted,
    show_when_needed,
    tell_field,
    wanted_by_field,
)
from training.models import BaseModel, Run
from training.presets import CHOICES, presets_of
from training.selectors.models import base_offered
from training.services.launch import NAME_LENGTH, Wishes
from training.services.pretraining import NewModel, Next, OfDocuments
from training.services.scratch import MOST_TOKENS

NEW = "new-"
OWN_FIELDS = ("method", "objective")
DETAILS = tuple(field for field in recipe_fields(TEXT) if field.name not in OWN_FIELDS and not field.only_for) + tuple(
    field for field in recipe_fields(TEXT) if field.name.startswith("lora_")
)
METHODS = (
    ("", gettext_lazy("As the preset says")),
    ("lora", gettext_lazy("LoRA: small matrices, melted into the weights at the end")),
    ("full", gettext_lazy("Full: all weights of the model")),
)


class PretrainForm(forms.Form):
    """What a pretraining is to be, and what may follow it."""

    corpus = forms.ModelChoiceField(
        Corpus.objects.none(),
        label=gettext_lazy("Which text"),
        required=False,
        empty_label=gettext_lazy("The project's documents: a corpus is made of them first"),
        help_text=gettext_lazy(
            "The model learns the larger part of a corpus and is measured on what is held out. One that is still being "
            "made is waited for."
        ),
    )
    base = forms.ChoiceField(
        label=gettext_lazy("Which model"),
        help_text=gettext_lazy(
            "A new model begins with random weights and learns everything from the corpus; a registered one goes on "
            "from what it knows."
        ),
    )
    preset = forms.ChoiceField(
        label=gettext_lazy("How thorough"),
        choices=[(preset.key, preset.label) for preset in CHOICES],
        widget=forms.RadioSelect,
        initial="balanced",
    )
    then = forms.ModelChoiceField(
        DatasetVersion.objects.none(),
        label=gettext_lazy("Then teach it these pairs"),
        required=False,
        empty_label=gettext_lazy("Nothing: the pretraining alone"),
        help_text=gettext_lazy("A finetuning that begins by itself as soon as the pretraining is done."),
    )
    name = forms.CharField(
        label=gettext_lazy("What name"),
        max_length=NAME_LENGTH,
        required=False,
        help_text=gettext_lazy("The run, and the model that it makes. Left empty, it is named after text and model."),
        widget=forms.TextInput(attrs={"dir": "auto"}),
    )
    wanted_by, tell, nights = wanted_by_field(), tell_field(), nights_field()
    method = forms.ChoiceField(label=gettext_lazy("Method"), choices=METHODS, required=False)
    vocabulary = forms.IntegerField(
        label=gettext_lazy("Vocabulary of a new model"),
        required=False,
        min_value=LEAST,
        max_value=MOST_TOKENS,
        help_text=gettext_lazy("How many tokens its tokenizer learns from the corpus. Left empty, as suits the size."),
    )

    then_preset = forms.ChoiceField(
        label=gettext_lazy("How thorough that is"),
        required=False,
        help_text=gettext_lazy("The preset of the finetuning. Each of its settings can be changed on its own page."),
    )

    def __init__(self, *args: Any, project: Project, run: Run | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        corpora = Corpus.objects.filter(project=project).exclude(state=CorpusState.FAILED)
        self.has_documents = Document.objects.filter(project=project).exists()
        self.has_material = self.has_documents or corpora.exists()
        if not self.has_documents:
            self.fields["corpus"].empty_label = None  # type: ignore[attr-defined]
        versions = DatasetVersion.objects.filter(task__project=project, state=VersionState.READY)
        self.fields["corpus"].queryset = corpora  # type: ignore[attr-defined]
        self.fields["then"].queryset = versions.select_related("task").order_by("-pk")  # type: ignore[attr-defined]
        self.fields["base"].choices = models_offered()  # type: ignore[attr-defined]
        self.fields["base"].help_text = f"{self.fields['base'].help_text} {not_yet_offered()}".strip()
        self.fields["vocabulary"].unit = _("tokens")  # type: ignore[attr-defined]
        self.fields["method"].help_text = method_help(_("What is changed in the model."))
        for setting in DETAILS:
            self.fields[setting.name] = detail_field(setting, presets_shown())
        show_when_needed(self, DETAILS, list(TEXT_PRESETS.values()))
        best_by: Any = self.fields["best_by"]
        best_by.choices = [(value, label) for value, label in best_by.choices if value != "answers"]
        self.fields["then_preset"].choices = [(each.key, each.label) for each in presets_of(project)]  # type: ignore[attr-defined]
        self.initial = {**self.initial, **(initial_of(run) if run else {})}
        self.initial.setdefault("corpus", corpora.first())
        self.initial.setdefault("base", base_offered(project))
        self.initial.setdefault("then_preset", "balanced")

    def clean_corpus(self) -> Corpus | None:
        found: Corpus | None = self.cleaned_data["corpus"]
        if found is None and not self.has_documents:
            raise ValidationError(_("Choose a corpus; this project has no documents to make one of."))
        return found

    def clean_base(self) -> BaseModel | str:
        given = str(self.cleaned_data["base"])
        if given.startswith(NEW):
            return given.removeprefix(NEW)
        found = BaseModel.objects.filter(state=ModelState.READY, pk=int(given)).first()
        if found is None:
            raise ValidationError(_("There is no such model."))
        return found

    def asked(self) -> dict[str, Any]:
        """What `pretraining_prepare` takes, from a valid form."""
        data = self.cleaned_data
        base = NewModel(data["base"], data["vocabulary"] or 0) if isinstance(data["base"], str) else data["base"]
        plain = {name: data[name] for name in ("preset", "method", "name")}
        plain["corpus"] = data["corpus"] or OfDocuments()
        then = Next(data["then"], data["then_preset"] or "balanced") if data["then"] else None
        wishes = Wishes(data["tell"] or Tell.REQUESTER, data["wanted_by"], data["nights"])
        return {**plain, "base": base, "changes": changes_of(DETAILS, data), "then": then, "wishes": wishes}

    def choices_first(self) -> list[forms.BoundField]:
        return [self[name] for name in ("corpus", "base")]

    def choices_last(self) -> list[forms.BoundField]:
        return [self[name] for name in ("wanted_by", "name", "tell")]

    def choices_after(self) -> list[forms.BoundField]:
        return [self[name] for name in ("then", "then_preset")]

    def details(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Under their headings."""
        first = [self[name] for name in ("method", "vocabulary", "nights")]
        return [(_("Method, words and hours"), first), *parted(self, DETAILS)]

    def presets(self) -> list[dict[str, Any]]:
        chosen = self["preset"].value()
        return [
            {"key": each.key, "label": each.label, "text": TEXTS[each.key], "chosen": each.key == chosen}
            for each in CHOICES
        ]

    def changed_details(self) -> bool:
        return any_set(self.details())


def initial_of(run: Run) -> dict[str, Any]:
    """A prepared pretraining back into the form: only what differs from its preset, and what follows it."""
    preset = run.preset.split("-")[-1]
    base = f"{NEW}{run.base.size}" if run.base.size else str(run.base_id)
    found: dict[str, Any] = {
        "corpus": run.corpus, "base": base, "preset": preset, "name": run.name, "tell": run.tell,
        "wanted_by": run.wanted_by, "nights": run.nights, "vocabulary": vocabulary_asked(run.base),
        **differing(run.recipe, TEXT_PRESETS[run.preset], DETAILS),
    }  # fmt: skip
    follower = run.followers.first()
    return {**found, "then": follower.version_id, "then_preset": follower.preset} if follower else found


def vocabulary_asked(base: BaseModel) -> int | None:
    """Of a new model; None where its size decided."""
    return (base.job.arguments.get("vocabulary") if base.size and base.job else None) or None


TEXTS = {
    "quick": gettext_lazy("A few minutes, to see that everything works."),
    "balanced": gettext_lazy("The usual choice. A new model reads the text six times, a registered one once."),
    "best": gettext_lazy("Many passes: for the last bit of what the text has to teach."),
}


def presets_shown() -> list[tuple[str, Any]]:
    """What a detail's help names: the presets of a new model, then those of a registered one."""
    starts = {"new": _("new model"), "on": _("registered model")}
    return [
        (f"{each.label} ({word})", TEXT_PRESETS[f"{start}-{each.key}"])
        for start, word in starts.items()
        for each in CHOICES
    ]


def models_offered() -> list[Any]:
    """New models by size, and the registered ones."""
    new = [
        (f"{NEW}{key}", _("%(size)s: %(count).1f million weights. %(remark)s") % {
            "size": size.label, "count": size.parameters / 1e6, "remark": size.remark})
        for key, size in SIZES.items()
    ]  # fmt: skip
    known = [(str(base.pk), base.name) for base in BaseModel.objects.filter(state=ModelState.READY)]
    return [(_("On from a registered model"), known), (_("A new model"), new)]


def not_yet_offered() -> str:
    """At the first start, whoever is quick would miss the starter model without being told why."""
    examined = BaseModel.objects.filter(state=ModelState.CHECKING, size="").order_by("pk")
    names = ", ".join(examined.values_list("name", flat=True))
    text = _("Still being examined, to be chosen when that is done and this page is loaded again: %(names)s.")
    return text % {"names": names} if names else ""
